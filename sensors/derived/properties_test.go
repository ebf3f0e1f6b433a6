package derived_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"loam/sensors/derived"
)

// of computes a quantity of key, value, key, value …
func of(r *rapid.T, name string, pairs ...any) float64 {
	v := map[string]float64{}
	for i := 0; i < len(pairs); i += 2 {
		v[pairs[i].(string)] = pairs[i+1].(float64)
	}
	x, err := derived.Compute(name, v)
	if err != nil {
		r.Fatalf("%v", err)
	}
	return x
}

func between(r *rapid.T, low, high float64, name string) float64 {
	return rapid.Float64Range(low, high).Draw(r, name)
}

// two draws two values, the lower first and a hundredth apart at least.
func two(r *rapid.T, low, high float64, name string) (float64, float64) {
	a := between(r, low, high-0.01, name)
	return a, between(r, a+0.01, high, name+" above")
}

func TestWaterInAir(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		cold, warm := two(r, -60, 60, "t")
		dry, wet := two(r, 0.1, 100, "rh")
		if of(r, "saturation_vapour_pressure_kPa", "t_c", cold) >= of(r, "saturation_vapour_pressure_kPa", "t_c", warm) {
			r.Fatal("warm air holds more water than cold")
		}
		if of(r, "slope_svp_kPa_C", "t_c", cold) >= of(r, "slope_svp_kPa_C", "t_c", warm) {
			r.Fatal("and ever more of it")
		}
		dew := of(r, "dewpoint_C", "t_c", warm, "rh", dry)
		if dew > warm+1e-9 || dew >= of(r, "dewpoint_C", "t_c", warm, "rh", wet) {
			r.Fatal("the dew point is not above the temperature, and rises with humidity")
		}
		deficit, ea := of(r, "vpd_kPa", "t_c", warm, "rh", wet), of(r, "actual_vapour_pressure_kPa", "t_c", warm, "rh", wet)
		if es := of(r, "saturation_vapour_pressure_kPa", "t_c", warm); deficit < 0 || math.Abs(es-ea-deficit) > 1e-12 {
			r.Fatal("what is there and what is missing make up saturation")
		}
		if a, b := of(r, "absolute_humidity_g_m3", "t_c", warm, "rh", dry), of(r, "absolute_humidity_g_m3", "t_c", warm, "rh", wet); a <= 0 || a >= b {
			r.Fatal("there is more water in wetter air")
		}
		// A slope is a slope.
		const h = 1e-4
		rise := of(r, "saturation_vapour_pressure_kPa", "t_c", warm+h) - of(r, "saturation_vapour_pressure_kPa", "t_c", warm-h)
		if s := of(r, "slope_svp_kPa_C", "t_c", warm); math.Abs(rise/(2*h)-s) > 1e-3*s {
			r.Fatalf("the curve rises by %v, its slope is %v", rise/(2*h), s)
		}
	})
}

func TestPsychrometer(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		wet := between(r, 5, 35, "wet bulb")
		dry := wet + between(r, 0, 5, "depression")
		p := between(r, 60, 105, "pressure")
		ea := of(r, "actual_vapour_pressure_kPa", "t_wet", wet, "t_dry", dry, "pressure_kPa", p, "a_psy", 0.000662)
		es := of(r, "saturation_vapour_pressure_kPa", "t_c", dry)
		if ea > of(r, "saturation_vapour_pressure_kPa", "t_c", wet) {
			r.Fatal("a wet bulb is not colder than the dew point")
		}
		if dew := of(r, "dewpoint_C", "t_c", dry, "rh", min(100, 100*ea/es)); dew > wet+0.1 { // two fits of one curve: 0.1
			r.Fatalf("dew point %v, wet bulb %v", dew, wet)
		}
	})
}

func TestSunAndSeasons(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		lat := between(r, -66, 66, "latitude")
		day := float64(rapid.IntRange(1, 366).Draw(r, "J"))
		n, s := of(r, "daylight_hours", "lat_deg", lat, "J", day), of(r, "daylight_hours", "lat_deg", -lat, "J", day)
		if math.Abs(n+s-24) > 1e-9 {
			r.Fatalf("day here and day there make 24 hours, not %v", n+s)
		}
		declination := of(r, "solar_declination_rad", "J", day)
		if ws := of(r, "sunset_hour_angle_rad", "lat_deg", lat, "declination_rad", declination); math.Abs(24*ws/math.Pi-n) > 1e-9 {
			r.Fatalf("sunset at %v rad, %v hours of light", ws, n)
		}
		ra := of(r, "extraterrestrial_radiation_MJ_m2_d", "lat_deg", lat, "J", day)
		if d := of(r, "inverse_rel_distance", "J", day); d < 0.967 || d > 1.033 || ra < 0 || ra > 50 {
			r.Fatalf("distance %v, radiation %v", d, ra)
		}
		sunny := between(r, 0, n, "sunshine")
		rs := of(r, "solar_radiation_from_sunshine", "lat_deg", lat, "J", day, "n", sunny)
		clear := of(r, "clear_sky_radiation", "Ra", ra, "elevation_m", 0.0)
		if rs > clear+1e-9 || rs < clear/3-1e-9 {
			r.Fatalf("%v MJ with %v h of %v, %v under a clear sky", rs, sunny, n, clear)
		}
	})
}

func TestEvapotranspiration(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		low, high := two(r, 0, 45, "t")
		less, more := two(r, 0, 15, "u2")
		elevation := between(r, 0, 4000, "z")
		energy := between(r, 0, 25, "Rn")
		gamma := of(r, "psychrometric_constant_kPa_C", "pressure_kPa", of(r, "atm_pressure_kPa", "elevation_m", elevation))
		es := of(r, "mean_saturation_vapour_pressure_kPa", "tmax", high, "tmin", low)
		mean := (high + low) / 2
		delta := of(r, "slope_svp_kPa_C", "t_c", mean)
		et := func(wind, ea float64) float64 {
			return of(r, "et0_mm_day", "Rn", energy, "G", 0.0, "t_c", mean, "u2", wind, "es", es, "ea", ea, "delta", delta, "gamma", gamma)
		}
		dry := between(r, 0, es, "ea")
		if et(less, dry) < 0 {
			r.Fatal("with energy coming in, water goes out")
		}
		if et(less, dry) < et(less, es) {
			r.Fatal("dry air takes more water than saturated air")
		}
		if w := et(0, dry); math.Abs(w-0.408*delta*energy/(delta+gamma)) > 1e-12 {
			r.Fatal("without wind only the energy counts")
		}
		if et(more, es) > et(less, es) {
			r.Fatal("saturated air takes no water, so wind cools only")
		}
		lat, day := between(r, -60, 60, "latitude"), float64(rapid.IntRange(1, 366).Draw(r, "J"))
		if of(r, "et0_hargreaves_mm_day", "lat_deg", lat, "J", day, "tmax", high, "tmin", low) < 0 {
			r.Fatal("Hargreaves below zero")
		}
		if of(r, "pet_priestley_taylor_mm", "tmean", mean, "Rn", energy, "elevation_m", elevation, "alpha", 1.26, "lambda", 2.45) < 0 {
			r.Fatal("Priestley-Taylor below zero")
		}
	})
}

// A day computed from raw inputs is the day computed from its parts.
func TestDayFromItsParts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		low, high := two(r, 0, 40, "t")
		dry, wet := two(r, 20, 100, "rh")
		z, lat, u10 := between(r, -100, 3000, "z"), between(r, -50, 50, "latitude"), between(r, 0, 15, "u10")
		day := float64(rapid.IntRange(1, 366).Draw(r, "J"))
		n := between(r, 0, of(r, "daylight_hours", "lat_deg", lat, "J", day), "n")
		ea := of(r, "actual_vapour_pressure_kPa", "tmax", high, "tmin", low, "rhmax", wet, "rhmin", dry)
		if ea > 5.8 {
			r.Skip("beyond the longwave formula")
		}
		ra := of(r, "extraterrestrial_radiation_MJ_m2_d", "lat_deg", lat, "J", day)
		rs := of(r, "solar_radiation_from_sunshine", "lat_deg", lat, "J", day, "n", n)
		rnl := of(r, "net_longwave_MJ", "tmax", high, "tmin", low, "ea", ea, "rs", rs, "rso", of(r, "clear_sky_radiation", "elevation_m", z, "Ra", ra))
		rn := of(r, "net_shortwave_MJ", "rs", rs, "albedo", 0.23) - rnl
		if got := of(r, "net_radiation", "tmax", high, "tmin", low, "rhmax", wet, "rhmin", dry, "n", n, "lat_deg", lat, "J", day, "elevation_m", z); math.Abs(got-rn) > 1e-9 {
			r.Fatalf("net radiation %v, of its parts %v", got, rn)
		}
		mean := (high + low) / 2
		u2 := of(r, "wind_speed_2m", "u", u10, "z_m", 10.0)
		gamma := of(r, "psychrometric_constant_kPa_C", "pressure_kPa", of(r, "atm_pressure_kPa", "elevation_m", z))
		want := of(r, "et0_mm_day", "Rn", rn, "G", 0.0, "t_c", mean, "u2", u2, "ea", ea, "delta", of(r, "slope_svp_kPa_C", "t_c", mean),
			"es", of(r, "mean_saturation_vapour_pressure_kPa", "tmax", high, "tmin", low), "gamma", gamma)
		bySun := of(r, "et0_mm_day", "tmax", high, "tmin", low, "rhmax", wet, "rhmin", dry, "n", n, "u10", u10, "elevation_m", z, "lat_deg", lat, "J", day)
		byRadiation := of(r, "et0_mm_day", "tmax", high, "tmin", low, "rhmax", wet, "rhmin", dry, "rs", rs, "u10", u10, "elevation_m", z, "lat_deg", lat, "J", day)
		if math.Abs(bySun-want) > 1e-9 || math.Abs(byRadiation-want) > 1e-9 {
			r.Fatalf("%v by sunshine, %v by radiation, %v from its parts", bySun, byRadiation, want)
		}
	})
}

func TestComfort(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c, rh := between(r, -40, 50, "t_c"), between(r, 0, 100, "rh")
		f := c*9/5 + 32
		if a, b := of(r, "heat_index_C", "t_c", c, "rh", rh), of(r, "heat_index_F", "t_F", f, "rh", rh); math.Abs(a*9/5+32-b) > 1e-6 {
			r.Fatalf("%v Cel, %v degF", a, b)
		}
		cold := between(r, -80, 50, "t_F")
		calm, windy := two(r, 3.01, 100, "wind")
		if of(r, "wind_chill_F", "t_F", cold, "wind_mph", windy) >= of(r, "wind_chill_F", "t_F", cold, "wind_mph", calm) {
			r.Fatal("wind chills")
		}
		feels, want := of(r, "apparent_temperature_F", "t_F", f, "rh", rh, "wind_mph", windy), f
		switch {
		case f >= 80:
			want = of(r, "heat_index_F", "t_F", f, "rh", rh)
		case f <= 50:
			want = of(r, "wind_chill_F", "t_F", f, "wind_mph", windy)
		}
		if feels != want {
			r.Fatalf("feels like %v, not %v", feels, want)
		}
	})
}

// The two adjustments of the heat index, on both sides of their limits, as another program has them.
func TestHeatIndexAdjusted(t *testing.T) {
	for _, c := range [][3]float64{
		{95, 10, 89.449587}, {112, 5, 103.650569}, {112.1, 5, 103.728554}, {82, 95, 93.972167},
		{87, 90, 109.183185}, {87.1, 90, 109.581706}, {80, 13, 79.155500}, {80, 40, 79.790000},
		{79, 70, 79.445000}, {70, 0, 68.350000}, {40, 99, 39.176500},
	} {
		if got, err := derived.Compute("heat_index_F", map[string]float64{"t_F": c[0], "rh": c[1]}); err != nil || math.Abs(got-c[2]) > 1e-6 {
			t.Errorf("%v degF, %v %%: %v, %v; want %v", c[0], c[1], got, err, c[2])
		}
	}
}

func TestPressureAndHeight(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		low, high := two(r, -500, 9000, "z")
		if of(r, "atm_pressure_kPa", "elevation_m", low) <= of(r, "atm_pressure_kPa", "elevation_m", high) {
			r.Fatal("pressure falls with height")
		}
		altimeter := between(r, 900, 1060, "altimeter")
		station := of(r, "station_pressure_hPa", "altimeter_hPa", altimeter, "elevation_m", low)
		if station <= of(r, "station_pressure_hPa", "altimeter_hPa", altimeter, "elevation_m", high) {
			r.Fatal("station pressure falls with height")
		}
		p := between(r, 400, 1050, "p")
		if of(r, "height_m_from_pressure_hPa", "p_hPa", p) <= of(r, "height_m_from_pressure_hPa", "p_hPa", p+1) {
			r.Fatal("height falls with pressure")
		}
		sea := of(r, "sea_level_pressure_hPa", "station_hPa", p, "elevation_m", max(0, low), "t_c", between(r, -40, 40, "t"))
		if sea < p-1e-9 {
			r.Fatal("there is more air above the sea than above a hill")
		}
		if x := of(r, "sea_level_pressure_hPa", "station_hPa", p, "elevation_m", 0.0, "t_c", 10.0); math.Abs(x-p) > 1e-9 {
			r.Fatal("at the sea nothing is reduced")
		}
	})
}

func TestOxygen(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		cold, warm := two(r, 0, 40, "t")
		fresh, salt := two(r, 0, 40, "salinity")
		thin, thick := two(r, 50, 112, "pressure")
		do := func(t, s, p float64) float64 {
			return of(r, "do_saturation_mg_L", "t_c", t, "salinity", s, "pressure_kPa", p)
		}
		switch x := do(warm, salt, thin); {
		case x <= 0 || x > 20:
			r.Fatalf("%v mg/L", x)
		case do(cold, salt, thin) <= x:
			r.Fatal("cold water holds more oxygen")
		case do(warm, fresh, thin) <= x:
			r.Fatal("fresh water holds more oxygen")
		case do(warm, salt, thick) <= x:
			r.Fatal("under pressure water holds more oxygen")
		}
	})
}

// Salinity and pressure as printed in EN 25814 and in Yokogawa's IM 12J05D02-01E, tables 6-1 and 6-2: how much a g/kg of
// salt takes away (there a line up to sea water), and what remains at a height. The fresh water is that of the USGS.
func TestOxygenInSaltAndHeight(t *testing.T) {
	do := func(celsius, salinity, pressure float64) float64 {
		x, err := derived.Compute("do_saturation_mg_L", map[string]float64{"t_c": celsius, "salinity": salinity, "pressure_kPa": pressure})
		if err != nil {
			t.Error(err)
		}
		return x
	}
	for i, want := range []float64{14.621, 11.843, 9.870, 8.418, 7.305, 6.413} {
		if got := do(float64(8*i), 0, 101.325); math.Abs(got-want) > 0.0006 {
			t.Errorf("%d Cel: %v, printed %v", 8*i, got, want)
		}
	}
	for _, c := range []struct{ t, less float64 }{{0, 0.0875}, {10, 0.0632}, {20, 0.0475}, {30, 0.0371}} {
		if got := (do(c.t, 0, 101.325) - do(c.t, 35, 101.325)) / 35; math.Abs(got-c.less) > 0.04*c.less {
			t.Errorf("%v Cel: %v mg/L less for each g/kg of salt, printed %v", c.t, got, c.less)
		}
	}
	for _, c := range []struct{ t, height, want float64 }{{0, 900, 13.2}, {0, 1800, 11.8}, {20, 900, 8.2}, {20, 1800, 7.4}} {
		p, err := derived.Compute("atm_pressure_kPa", map[string]float64{"elevation_m": c.height})
		if got := do(c.t, 0, p); err != nil || math.Abs(got-c.want) > 0.11 {
			t.Errorf("%v Cel at %v m: %v, %v; printed %v", c.t, c.height, got, err, c.want)
		}
	}
}

func TestSoil(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dry, wet := two(r, 2, 50, "Ka")
		if of(r, "vwc_topp", "Ka", dry) >= of(r, "vwc_topp", "Ka", wet) {
			r.Fatal("wet soil has the higher permittivity")
		}
		ec := between(r, 1, 50000, "EC")
		cold, warm := two(r, 0, 50, "t")
		at := func(t float64) float64 {
			return of(r, "ec25_uS_cm_linear_2pct", "ec_uS_cm", ec, "t_c", t, "alpha_pct_per_C", 2.0)
		}
		if at(25) != ec || at(cold) <= at(warm) {
			r.Fatal("at 25 Cel nothing is compensated; what conducts as well in the cold conducts better")
		}
		low, high := two(r, 20, 110, "t_F")
		g := of(r, "gdd_F_86_50", "tmax_F", high, "tmin_F", low, "base", 50.0, "cap", 86.0)
		if g < 0 || g > 36 {
			r.Fatalf("%v degree days", g)
		}
		class, next := of(r, "soil_salinity_class_ECe", "ECe_dS_m", dry), of(r, "soil_salinity_class_ECe", "ECe_dS_m", wet)
		if class > next {
			r.Fatal("classes rise with salt")
		}
	})
}
