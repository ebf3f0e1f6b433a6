package derived_test

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"loam/sensors/derived"
)

// What a formula cannot say is an error that names the input.
func TestOutsideTheDomain(t *testing.T) {
	type inputs = map[string]float64
	day := inputs{"tmax": 25, "tmin": 15, "rhmax": 80, "rhmin": 40, "n": 8, "u10": 2, "elevation_m": 100, "lat_deg": 50, "J": 180}
	for _, c := range []struct {
		name  string
		in    inputs
		names string
	}{
		{"saturation_vapour_pressure_kPa", inputs{"t_c": -237.3}, "t_c"},
		{"saturation_vapour_pressure_kPa", inputs{"t_c": 293.15}, "t_c"},
		{"saturation_vapour_pressure_kPa", inputs{"t_c": math.NaN()}, "t_c"},
		{"saturation_vapour_pressure_kPa", inputs{"t_c": math.Inf(-1)}, "t_c"},
		{"dewpoint_C", inputs{"t_c": 20, "rh": 0}, "rh"},
		{"dewpoint_C", inputs{"t_c": 20, "rh": 100.1}, "rh"},
		{"mean_saturation_vapour_pressure_kPa", inputs{"tmax": 10, "tmin": 11}, "tmin"},
		{"actual_vapour_pressure_kPa", inputs{"t_wet": 0, "t_dry": 40, "pressure_kPa": 101, "a_psy": 0.000662}, "t_wet"},
		{"actual_vapour_pressure_kPa", inputs{"t_wet": 21, "t_dry": 20, "pressure_kPa": 101, "a_psy": 0.000662}, "t_wet"},
		{"actual_vapour_pressure_kPa", inputs{"tmax": 20, "tmin": 10, "rhmax": 40, "rhmin": 50}, "rhmin"},
		{"vpd_kPa", inputs{"tmax": 20, "tmin": 10, "tdew": 19}, "tdew"},
		{"solar_declination_rad", inputs{"J": 0}, "J"},
		{"solar_declination_rad", inputs{"J": 367}, "J"},
		{"solar_declination_rad", inputs{"J": 10.5}, "J"},
		{"daylight_hours", inputs{"lat_deg": 91, "J": 1}, "lat_deg"},
		{"sunset_hour_angle_rad", inputs{"lat_deg": 80, "declination_rad": 0.4}, "lat_deg"},
		{"sunset_hour_angle_rad", inputs{"lat_deg": 80, "declination_rad": -0.4}, "lat_deg"},
		{"solar_radiation_from_sunshine", inputs{"N": 10, "n": 11, "Ra": 30}, "n = 11"},
		{"solar_radiation_from_sunshine", inputs{"N": 0, "n": 0, "Ra": 30}, "N"},
		{"solar_radiation_from_sunshine", inputs{"lat_deg": 50, "J": 355, "n": 12}, "n = 12"},
		{"solar_radiation_from_sunshine", inputs{"lat_deg": 80, "J": 355, "n": 0}, "lat_deg"},
		{"net_longwave_MJ", inputs{"tmax": 40, "tmin": 38, "ea": 6, "rs": 10, "rso": 20}, "ea"},
		{"net_longwave_MJ", inputs{"tmax": 40, "tmin": 38, "ea": 2, "rs": 10, "rso": 0}, "rso"},
		{"wind_speed_2m", inputs{"u": 3, "z_m": 0.09}, "z_m"},
		{"wind_speed_2m", inputs{"u": -1, "z_m": 10}, "u"},
		{"et0_mm_day", with(day, "lat_deg", 80, "J", 355, "n", 0), "lat_deg"},
		{"et0_mm_day", inputs{"tmax": 20, "tmin": 10, "ea": 3, "n": 5, "u2": 2, "elevation_m": 0, "lat_deg": 40, "J": 180,
			"t_month": 15, "t_prev_month": 14}, "ea"},
		{"et0_mm_day", inputs{"tmax": 20, "tmin": 10, "tdew": 19, "u2": 2, "krs": 0.16, "elevation_m": 0, "lat_deg": 40, "J": 180}, "tdew"},
		{"et0_mm_day", inputs{"tmax": 20, "tmin": 10, "tdew": 5, "u2": 2, "krs": 0.16, "elevation_m": 0, "lat_deg": 80, "J": 355}, "lat_deg"},
		{"et0_mm_day", inputs{"Rn": 14, "G": 0, "t_c": 30, "u2": 2, "es": 2, "ea": 3, "delta": 0.2, "gamma": 0.06}, "ea"},
		{"et0_hargreaves_mm_day", inputs{"lat_deg": 60, "J": 10, "tmax": -20, "tmin": -30}, "tmin"},
		{"wind_chill_F", inputs{"t_F": 51, "wind_mph": 10}, "t_F"},
		{"wind_chill_F", inputs{"t_F": 20, "wind_mph": 3}, "wind_mph"},
		{"height_m_from_pressure_hPa", inputs{"p_hPa": 200}, "p_hPa"},
		{"station_pressure_hPa", inputs{"altimeter_hPa": 1000, "elevation_m": 9001}, "elevation_m"},
		{"do_saturation_mg_L", inputs{"t_c": 41, "salinity": 0, "pressure_kPa": 101}, "t_c"},
		{"do_saturation_mg_L", inputs{"t_c": 20, "salinity": 41, "pressure_kPa": 101}, "salinity"},
		{"do_saturation_mg_L", inputs{"t_c": 20, "salinity": 0, "pressure_kPa": 1013}, "pressure_kPa"},
		{"ec25_uS_cm_linear_2pct", inputs{"ec_uS_cm": 100, "t_c": -25, "alpha_pct_per_C": 2}, "t_c"},
		{"vwc_topp", inputs{"Ka": 1.9}, "Ka"},
		{"vwc_topp", inputs{"Ka": 51}, "Ka"},
		{"gdd_F_86_50", inputs{"tmax_F": 40, "tmin_F": 60, "base": 50, "cap": 86}, "tmin_F"},
		{"gdd_F_86_50", inputs{"tmax_F": 80, "tmin_F": 60, "base": 86, "cap": 50}, "base"},
		{"soil_salinity_class_ECe", inputs{"ECe_dS_m": -0.1}, "ECe_dS_m"},
	} {
		got, err := derived.Compute(c.name, c.in)
		if !errors.Is(err, derived.ErrDomain) || got != 0 || !strings.Contains(err.Error(), c.names) || !strings.HasPrefix(err.Error(), c.name) {
			t.Errorf("%s %v: %v, %v; want an error about %s", c.name, c.in, got, err, c.names)
		}
	}
}

// with returns a copy with some values changed.
func with(in map[string]float64, pairs ...any) map[string]float64 {
	out := maps.Clone(in)
	for i := 0; i < len(pairs); i += 2 {
		switch x := pairs[i+1].(type) {
		case int:
			out[pairs[i].(string)] = float64(x)
		case float64:
			out[pairs[i].(string)] = x
		}
	}
	return out
}

func TestWrongInputs(t *testing.T) {
	type inputs = map[string]float64
	for _, c := range []struct {
		name string
		in   inputs
		is   error
		says string
	}{
		{"dewpoint", nil, derived.ErrUnknown, `"dewpoint": did you mean dewpoint_C?`},
		{"dewpiont_C", nil, derived.ErrUnknown, "did you mean dewpoint_C?"},
		{"et0", nil, derived.ErrUnknown, "did you mean et0_mm_day, et0_mm_hour, et0_hargreaves_mm_day?"},
		{"bananas", nil, derived.ErrUnknown, `unknown quantity "bananas"`},
		{strings.Repeat("x", 10000), nil, derived.ErrUnknown, "xxx..."},
		{"dewpoint_C", nil, derived.ErrInputs, "it takes t_c rh"},
		{"dewpoint_C", inputs{"t_c": 20}, derived.ErrInputs, "missing rh"},
		{"dewpoint_C", inputs{"t_c": 20, "rh": 50, "u2": 1}, derived.ErrInputs, "does not take u2"},
		{"dewpoint_C", inputs{"t_c": 20, "RH": 50}, derived.ErrUnknown, `unknown input "RH": did you mean rh?; it takes t_c rh`},
		{"vpd_kPa", inputs{"t_c": 20, "tdew": 10}, derived.ErrInputs, "it takes tmax tmin rhmax rhmin, or tmax tmin tdew, or t_c rh"},
		{"gdd_F_86_50_sum", inputs{"days": 3}, derived.ErrInputs, "list"},
	} {
		_, err := derived.Compute(c.name, c.in)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 400 {
			t.Errorf("%.20s %v: %v; want %q", c.name, c.in, err, c.says)
		}
	}
}

func TestDays(t *testing.T) {
	q, err := derived.Find("gdd_F_86_50_sum")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		days []derived.Day
		says string
	}{
		{[]derived.Day{{Max: 80, Min: 60}, {Max: math.NaN(), Min: 50}}, "day 2"},
		{[]derived.Day{{Max: 60, Min: 80}}, "day 1"},
		{[]derived.Day{{Max: 500, Min: 80}}, "day 1"},
	} {
		if _, err := q.Compute(derived.Inputs{Days: c.days}); !errors.Is(err, derived.ErrDomain) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v", c.days, err)
		}
	}
	if _, err := q.Compute(derived.Inputs{Days: []derived.Day{{Max: 80, Min: 60}}, Numbers: map[string]float64{"base": 50}}); !errors.Is(err, derived.ErrInputs) {
		t.Errorf("a base besides: %v", err)
	}
}

func TestPolarDayAndNight(t *testing.T) {
	for _, c := range []struct{ day, hours, least, most float64 }{{172, 24, 40, 46}, {355, 0, 0, 0}} {
		in := map[string]float64{"lat_deg": 80, "J": c.day}
		if h, err := derived.Compute("daylight_hours", in); err != nil || math.Abs(h-c.hours) > 1e-12 {
			t.Errorf("day %v: %v hours, %v", c.day, h, err)
		}
		if ra, err := derived.Compute("extraterrestrial_radiation_MJ_m2_d", in); err != nil || ra < c.least || ra > c.most {
			t.Errorf("day %v: %v MJ/m2, %v", c.day, ra, err)
		}
	}
}

// draw takes each input from its span, in an order that can be.
func draw(r *rand.Rand, form []string) map[string]float64 {
	v := map[string]float64{}
	for _, key := range form {
		s := span[key]
		v[key] = s[0] + float64(r.Float64()*(s[1]-s[0]))
	}
	for _, p := range [][2]string{{"t_wet", "t_dry"}, {"rhmin", "rhmax"}, {"ea", "es"}, {"tmin_F", "tmax_F"}} {
		low, there := v[p[0]]
		if high, both := v[p[1]]; there && both && low > high {
			v[p[0]], v[p[1]] = high, low
		}
	}
	if day, given := v["J"]; given {
		v["J"] = math.Floor(day)
	}
	if _, night := v["Rs_MJ_h"]; night && r.IntN(3) == 0 {
		v["Rs_MJ_h"] = 0
	}
	if _, given := v["tmean"]; given && v["tmax"] != 0 {
		v["tmean"] = v["tmin"] + float64(r.Float64()*(v["tmax"]-v["tmin"]))
	}
	return v
}

// span is ordinary weather, soil and water.
var span = map[string][2]float64{
	"t_c": {1, 39}, "tmax": {22, 35}, "tmin": {10, 22}, "tmean": {10, 30}, "t_dry": {20, 30}, "t_wet": {15, 30}, "tdew": {1, 9},
	"t_prev": {0, 20}, "t_next": {0, 20}, "t_month": {10, 20}, "t_prev_month": {10, 20}, "t_F": {-40, 49}, "tmax_F": {52, 99},
	"tmin_F": {40, 84}, "rh": {1, 100}, "rhmax": {10, 100}, "rhmin": {10, 100}, "rhmean": {10, 100}, "pressure_kPa": {60, 105},
	"p_hPa": {300, 1100}, "altimeter_hPa": {900, 1050}, "station_hPa": {900, 1050}, "elevation_m": {-100, 3000}, "lat_deg": {-55, 55},
	"J": {1, 366}, "declination_rad": {-0.4, 0.4}, "N": {8, 16}, "n": {0, 7}, "Ra": {5, 40}, "rs": {1, 40}, "rso": {1, 40},
	"rso_cap": {1, 30}, "rns": {0, 30}, "rnl": {0, 10}, "Rn": {-5, 30}, "G": {-5, 5}, "Rs_MJ_h": {0, 4}, "Rn_MJ_h": {-1, 3},
	"MJ_m2": {0, 30}, "albedo": {0, 1}, "krs": {0.1, 0.2}, "ea": {0.1, 1.2}, "es": {1, 5}, "delta": {0.05, 0.4}, "gamma": {0.04, 0.07},
	"a_psy": {0.0005, 0.0012}, "u": {0, 20}, "z_m": {1, 20}, "u2": {0, 20}, "u10": {0, 20}, "wind_mph": {4, 60}, "salinity": {0, 40},
	"ec_uS_cm": {0, 50000}, "alpha_pct_per_C": {1, 2.2}, "Ka": {2, 50}, "base": {40, 51}, "cap": {84, 90}, "ECe_dS_m": {0, 30},
	"alpha": {1, 1.5}, "lambda": {2.3, 2.6},
}

// Every quantity has a finite value in ordinary weather, and each of its inputs changes it: none is forgotten or misread.
func TestEveryInputMatters(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, q := range derived.Quantities() {
		for _, f := range q.Forms {
			if slices.Contains(f.Inputs, "days") {
				continue
			}
			matters := map[string]bool{}
			for range 200 {
				v := draw(r, f.Inputs)
				if q.Name == "apparent_temperature_F" && r.IntN(2) == 0 {
					v["t_F"] += 100 // where it is hot, humidity counts
				}
				was, err := derived.Compute(q.Name, v)
				if err != nil || math.IsNaN(was) || math.IsInf(was, 0) {
					t.Fatalf("%s %v: %v, %v", q.Name, v, was, err)
				}
				for _, key := range f.Inputs {
					other := draw(r, []string{key})[key]
					if is, err := derived.Compute(q.Name, with(v, key, other)); err == nil && is != was {
						matters[key] = true
					}
				}
			}
			for _, key := range f.Inputs {
				if !matters[key] {
					t.Errorf("%s of %v: %s changes nothing", q.Name, f.Inputs, key)
				}
			}
		}
	}
}
