package derived

import "math"

// grass is the albedo of FAO-56's reference surface.
const grass = 0.23

var radiation = []Quantity{
	{Name: "solar_radiation_from_sunshine", Title: "solar radiation from sunshine", Unit: "MJ/m2/d", Source: fao56 + "eq. 35", Forms: []Form{
		sure(func(v values) float64 { return bySunshine(v["n"], v["N"], v["Ra"]) }, "N", "n", "Ra"),
		form(func(v values) (float64, error) { return sunshineAt(v, aboveAtmosphere(v)) }, "lat_deg", "J", "n"),
	}},
	{Name: "clear_sky_radiation", Title: "solar radiation under a clear sky", Unit: "MJ/m2/d", Source: fao56 + "eq. 37", Forms: []Form{
		sure(func(v values) float64 { return clearSky(v["elevation_m"], v["Ra"]) }, "elevation_m", "Ra"),
	}},
	{Name: "net_shortwave_MJ", Title: "net shortwave radiation", Unit: "MJ/m2/d", Source: fao56 + "eq. 38", Forms: []Form{
		sure(func(v values) float64 { return netShortwave(v["rs"], v["albedo"]) }, "rs", "albedo"),
	}},
	{Name: "net_longwave_MJ", Title: "net longwave radiation", Unit: "MJ/m2/d", Source: fao56 + "eq. 39", Forms: []Form{
		form(func(v values) (float64, error) { return netLongwave(v, v["ea"], v["rs"], v["rso"]) }, "tmax", "tmin", "ea", "rs", "rso"),
	}},
	{Name: "net_radiation", Title: "net radiation", Unit: "MJ/m2/d", Source: fao56 + "eq. 40", Forms: []Form{
		sure(func(v values) float64 { return v["rns"] - v["rnl"] }, "rns", "rnl"),
		form(netRadiationBySunshine, "tmax", "tmin", "rhmax", "rhmin", "n", "lat_deg", "J", "elevation_m"),
	}},
	{Name: "monthly_soil_heat_flux", Title: "heat flux into the soil over a month", Unit: "MJ/m2/d", Source: fao56 + "eq. 43", Forms: []Form{
		sure(func(v values) float64 { return float64(0.07 * (v["t_next"] - v["t_prev"])) }, "t_prev", "t_next"),
	}},
	{Name: "solar_radiation_hargreaves", Title: "solar radiation from the temperatures of a day", Unit: "MJ/m2/d", Source: fao56 + "eq. 50", Forms: []Form{
		sure(func(v values) float64 { return min(v["rso_cap"], byTemperatures(v, v["Ra"])) }, "Ra", "tmax", "tmin", "krs", "rso_cap"),
		sure(func(v values) float64 { return byTemperatures(v, aboveAtmosphere(v)) }, "lat_deg", "J", "tmax", "tmin", "krs"),
	}},
}

// bySunshine is eq. 35 with its recommended coefficients.
func bySunshine(n, most, ra float64) float64 {
	return float64((0.25 + 0.50*n/most) * ra)
}

// sunshineAt is eq. 35 where place and day say how long the day is.
func sunshineAt(v values, ra float64) (float64, error) {
	most := daylight(v)
	switch {
	case most == 0:
		return 0, outside("lat_deg", v["lat_deg"], "on this day the sun does not rise there")
	case v["n"] > most:
		return 0, outside("n", v["n"], "the day has only "+number(most)+" hours of daylight there")
	}
	return bySunshine(v["n"], most, ra), nil
}

// byTemperatures is eq. 50.
func byTemperatures(v values, ra float64) float64 {
	return float64(v["krs"] * math.Sqrt(v["tmax"]-v["tmin"]) * ra)
}

func clearSky(z, ra float64) float64 { return float64((0.75 + float64(0.00002*z)) * ra) }

func netShortwave(rs, albedo float64) float64 { return float64((1 - albedo) * rs) }

// netLongwave is eq. 39.
func netLongwave(v values, ea, rs, rso float64) (float64, error) {
	moist := 0.34 - float64(0.14*math.Sqrt(ea))
	if moist < 0 {
		return 0, outside("ea", ea, "the formula ends at 5.9 kPa, a dew point of 36 Cel")
	}
	emitted := (fourth(v["tmax"]+273.16) + fourth(v["tmin"]+273.16)) / 2
	cloud := float64(1.35*min(1, rs/rso)) - 0.35
	return float64(4.903e-9 * emitted * moist * cloud), nil
}

func fourth(x float64) float64 { return float64(x * x * x * x) }

// net is the net radiation of grass from solar radiation, eq. 37 to 40.
func net(v values, ea, rs, ra float64) (float64, error) {
	if ra == 0 {
		return 0, outside("lat_deg", v["lat_deg"], "on this day the sun does not rise there, and how cloudy it is cannot be told")
	}
	rnl, err := netLongwave(v, ea, rs, clearSky(v["elevation_m"], ra))
	return netShortwave(rs, grass) - rnl, err
}

func netRadiationBySunshine(v values) (float64, error) {
	ra := aboveAtmosphere(v)
	rs, err := sunshineAt(v, ra)
	if err != nil {
		return 0, err
	}
	return net(v, vapourByHumidities(v), rs, ra)
}
