package derived

import "math"

var evapotranspiration = []Quantity{
	{Name: "energy_to_evap_mm", Title: "water that an energy evaporates", Unit: "mm/d", Source: fao56 + "eq. 20", Forms: []Form{
		sure(func(v values) float64 { return float64(0.408 * v["MJ_m2"]) }, "MJ_m2"),
	}},
	{Name: "wind_speed_2m", Title: "wind 2 m above ground", Unit: "m/s", Source: fao56 + "eq. 47", Forms: []Form{
		sure(func(v values) float64 { return windAt2(v["u"], v["z_m"]) }, "u", "z_m"),
	}},
	{Name: "et0_mm_day", Title: "reference evapotranspiration of a day", Unit: "mm/d", Source: fao56 + "eq. 6", Forms: []Form{
		sure(func(v values) float64 {
			return penmanMonteith(900, weather{v["t_c"], v["Rn"], v["G"], v["u2"], v["es"], v["ea"], v["delta"], v["gamma"]})
		}, "Rn", "G", "t_c", "u2", "es", "ea", "delta", "gamma"),
		form(func(v values) (float64, error) {
			return daily(v, vapourByHumidities(v), v["rs"], aboveAtmosphere(v))
		}, "tmax", "tmin", "rhmax", "rhmin", "rs", "u10", "elevation_m", "lat_deg", "J"),
		form(func(v values) (float64, error) {
			return dailyBySunshine(v, vapourByHumidities(v))
		}, "tmax", "tmin", "rhmax", "rhmin", "n", "u10", "elevation_m", "lat_deg", "J"),
		form(func(v values) (float64, error) {
			return dailyBySunshine(v, v["ea"])
		}, "tmax", "tmin", "ea", "n", "u2", "elevation_m", "lat_deg", "J", "t_month", "t_prev_month"),
		form(func(v values) (float64, error) {
			ra := aboveAtmosphere(v)
			return daily(v, saturation(v["tdew"]), byTemperatures(v, ra), ra)
		}, "tmax", "tmin", "tdew", "u2", "krs", "elevation_m", "lat_deg", "J"),
	}},
	{Name: "et0_mm_hour", Title: "reference evapotranspiration of an hour", Unit: "mm/h", Source: fao56 + "eq. 53", Forms: []Form{
		sure(hourly, "t_c", "rh", "u2", "Rs_MJ_h", "Rn_MJ_h", "elevation_m"),
	}},
	{Name: "et0_hargreaves_mm_day", Title: "reference evapotranspiration from temperatures only", Unit: "mm/d", Source: fao56 + "eq. 52", Forms: []Form{
		form(func(v values) (float64, error) {
			return hargreaves(v, (v["tmax"]+v["tmin"])/2, aboveAtmosphere(v))
		}, "lat_deg", "J", "tmax", "tmin"),
		form(func(v values) (float64, error) { return hargreaves(v, v["tmean"], v["Ra"]) }, "tmin", "tmax", "tmean", "Ra"),
	}},
	{Name: "pet_priestley_taylor_mm", Title: "potential evapotranspiration after Priestley and Taylor", Unit: "mm/d", Source: "McMahon et al. 2013, S19.109", Forms: []Form{
		sure(priestleyTaylor, "tmean", "Rn", "elevation_m", "alpha", "lambda"),
	}},
}

// windAt2 is eq. 47, the wind profile over short grass.
func windAt2(u, height float64) float64 { return u * 4.87 / ln(float64(67.8*height)-5.42) }

// weather is what the Penman-Monteith equation is about, in the units of [Input].
type weather struct{ t, rn, g, wind, es, ea, delta, gamma float64 }

// penmanMonteith is eq. 6 with 900 for a day, eq. 53 with 37 for an hour.
func penmanMonteith(perTime float64, w weather) float64 {
	heat := float64(0.408 * w.delta * (w.rn - w.g))
	air := float64(w.gamma * perTime / (w.t + 273) * w.wind * (w.es - w.ea))
	return (heat + air) / (w.delta + float64(w.gamma*(1+float64(0.34*w.wind))))
}

// daily fills in what is not given: wind at 2 m, net radiation, heat into the soil.
func daily(v values, ea, rs, ra float64) (float64, error) {
	es := meanSaturation(v)
	if ea > es {
		if tdew, given := v["tdew"]; given {
			return 0, outside("tdew", tdew, "the air would hold more water than it can between tmin and tmax")
		}
		return 0, outside("ea", ea, "the air would hold more water than it can between tmin and tmax, "+number(es)+" kPa")
	}
	rn, err := net(v, ea, rs, ra)
	if err != nil {
		return 0, err
	}
	w := weather{t: (v["tmax"] + v["tmin"]) / 2, rn: rn, wind: v["u2"], es: es, ea: ea}
	w.delta, w.gamma = slope(w.t), psychrometric(pressureAt(v["elevation_m"]))
	if u, given := v["u10"]; given {
		w.wind = windAt2(u, 10)
	}
	if before, given := v["t_prev_month"]; given {
		w.g = float64(0.14 * (v["t_month"] - before)) // eq. 44
	}
	return penmanMonteith(900, w), nil
}

func dailyBySunshine(v values, ea float64) (float64, error) {
	ra := aboveAtmosphere(v)
	rs, err := sunshineAt(v, ra)
	if err != nil {
		return 0, err
	}
	return daily(v, ea, rs, ra)
}

// hourly is eq. 53; solar radiation says whether it is day (eq. 45) or night (eq. 46).
func hourly(v values) float64 {
	share := 0.5
	if v["Rs_MJ_h"] > 0 {
		share = 0.1
	}
	t, es := v["t_c"], saturation(v["t_c"])
	return penmanMonteith(37, weather{
		t: t, rn: v["Rn_MJ_h"], g: float64(share * v["Rn_MJ_h"]), wind: v["u2"],
		es: es, ea: es * v["rh"] / 100, delta: slope(t), gamma: psychrometric(pressureAt(v["elevation_m"])),
	})
}

// hargreaves is eq. 52, with the radiation as water.
func hargreaves(v values, mean, ra float64) (float64, error) {
	if mean < -17.8 {
		return 0, outside("tmin", v["tmin"], "the formula ends at a mean of -17.8 Cel")
	}
	return float64(0.0023 * (mean + 17.8) * math.Sqrt(v["tmax"]-v["tmin"]) * 0.408 * ra), nil
}

func priestleyTaylor(v values) float64 {
	delta, gamma := slope(v["tmean"]), psychrometric(pressureAt(v["elevation_m"]))
	return v["alpha"] * delta / (delta + gamma) * v["Rn"] / v["lambda"]
}
