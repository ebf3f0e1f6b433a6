package derived

const fao56 = "FAO Irrigation and Drainage Paper 56, "

var vapour = []Quantity{
	{Name: "atm_pressure_kPa", Title: "air pressure at a height", Unit: "kPa", Source: fao56 + "eq. 7", Forms: []Form{
		sure(func(v values) float64 { return pressureAt(v["elevation_m"]) }, "elevation_m"),
	}},
	{Name: "psychrometric_constant_kPa_C", Title: "psychrometric constant", Unit: "kPa/Cel", Source: fao56 + "eq. 8", Forms: []Form{
		sure(func(v values) float64 { return psychrometric(v["pressure_kPa"]) }, "pressure_kPa"),
	}},
	{Name: "saturation_vapour_pressure_kPa", Title: "saturation vapour pressure", Unit: "kPa", Source: fao56 + "eq. 11", Forms: []Form{
		sure(func(v values) float64 { return saturation(v["t_c"]) }, "t_c"),
	}},
	{Name: "mean_saturation_vapour_pressure_kPa", Title: "mean saturation vapour pressure of a day", Unit: "kPa", Source: fao56 + "eq. 12", Forms: []Form{
		sure(meanSaturation, "tmax", "tmin"),
	}},
	{Name: "slope_svp_kPa_C", Title: "slope of the saturation vapour pressure curve", Unit: "kPa/Cel", Source: fao56 + "eq. 13", Forms: []Form{
		sure(func(v values) float64 { return slope(v["t_c"]) }, "t_c"),
	}},
	{Name: "actual_vapour_pressure_kPa", Title: "actual vapour pressure", Unit: "kPa", Source: fao56 + "eq. 14 to 19", Forms: []Form{
		form(vapourByWetBulb, "t_wet", "t_dry", "pressure_kPa", "a_psy"),
		sure(vapourByHumidities, "tmax", "tmin", "rhmax", "rhmin"),
		sure(func(v values) float64 { return saturation(v["tmin"]) * v["rhmax"] / 100 }, "tmin", "rhmax"),
		sure(func(v values) float64 { return float64(v["rhmean"] / 100 * meanSaturation(v)) }, "tmax", "tmin", "rhmean"),
		sure(func(v values) float64 { return saturation(v["tdew"]) }, "tdew"),
		sure(func(v values) float64 { return saturation(v["t_c"]) * v["rh"] / 100 }, "t_c", "rh"),
	}},
	{Name: "vpd_kPa", Title: "vapour pressure deficit", Unit: "kPa", Source: fao56 + "chapter 3", Forms: []Form{
		sure(func(v values) float64 { return meanSaturation(v) - vapourByHumidities(v) }, "tmax", "tmin", "rhmax", "rhmin"),
		form(deficitByDewPoint, "tmax", "tmin", "tdew"),
		sure(func(v values) float64 {
			es := saturation(v["t_c"])
			return max(0, es-es*v["rh"]/100)
		}, "t_c", "rh"),
	}},
	{Name: "dewpoint_C", Title: "dew point", Unit: "Cel", Source: "Alduchov and Eskridge 1996, Magnus form",
		limits: map[string]limits{"rh": {min: 0, max: 100, above: true}},
		Forms:  []Form{sure(dewPoint, "t_c", "rh")}},
	{Name: "absolute_humidity_g_m3", Title: "water in the air", Unit: "g/m3", Source: "Bolton 1980", Forms: []Form{
		sure(func(v values) float64 {
			t := v["t_c"]
			return 6.112 * exp(17.67*t/(t+243.5)) * v["rh"] * 2.1674 / (273.15 + t)
		}, "t_c", "rh"),
	}},
}

// pressureAt is the air pressure at a height above the sea (eq. 7).
func pressureAt(z float64) float64 {
	return float64(101.3 * pow((293-float64(0.0065*z))/293, 5.26))
}

func psychrometric(pressure float64) float64 { return float64(0.000665 * pressure) }

// saturation is FAO-56's e°(T), eq. 11.
func saturation(t float64) float64 { return float64(0.6108 * exp(17.27*t/(t+237.3))) }

func slope(t float64) float64 { return 4098 * saturation(t) / ((t + 237.3) * (t + 237.3)) }

func meanSaturation(v values) float64 { return (saturation(v["tmax"]) + saturation(v["tmin"])) / 2 }

// vapourByHumidities is eq. 17. What is rounded may not make it more than saturation.
func vapourByHumidities(v values) float64 {
	return min(meanSaturation(v), (float64(saturation(v["tmin"])*v["rhmax"])+float64(saturation(v["tmax"])*v["rhmin"]))/200)
}

// vapourByWetBulb is eq. 15.
func vapourByWetBulb(v values) (float64, error) {
	ea := saturation(v["t_wet"]) - float64(v["a_psy"]*v["pressure_kPa"]*(v["t_dry"]-v["t_wet"]))
	if ea < 0 {
		return 0, outside("t_wet", v["t_wet"], "no air is so dry: with this dry bulb the vapour pressure would be below zero")
	}
	return ea, nil
}

func deficitByDewPoint(v values) (float64, error) {
	d := meanSaturation(v) - saturation(v["tdew"])
	if d < 0 {
		return 0, outside("tdew", v["tdew"], "the air would hold more water than it can between tmin and tmax")
	}
	return d, nil
}

// dewPoint is not above the temperature, whatever is rounded.
func dewPoint(v values) float64 {
	t := v["t_c"]
	g := ln(v["rh"]/100) + 17.625*t/(243.04+t)
	return min(t, 243.04*g/(17.625-g))
}
