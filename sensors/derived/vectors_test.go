package derived_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"loam/sensors/derived"
)

type published struct {
	Quantities map[string]struct {
		Unit  string     `json:"unit"`
		Forms [][]string `json:"input_forms"`
	} `json:"quantities"`
	Keys    map[string]string `json:"input_keys"`
	Count   int               `json:"count"`
	Vectors []vector          `json:"vectors"`
}

type vector struct {
	ID         string                     `json:"id"`
	Quantity   string                     `json:"quantity"`
	Inputs     map[string]json.RawMessage `json:"inputs"`
	Expected   any                        `json:"expected"`
	Tolerance  float64                    `json:"tolerance"`
	Recomputed *float64                   `json:"recomputed"`
}

func read(t *testing.T) published {
	t.Helper()
	raw, err := os.ReadFile("testdata/derived.json")
	if err != nil {
		t.Fatal(err)
	}
	var p published
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// arguments are the vector's inputs as somebody would type them.
func (v vector) arguments() (all []string) {
	for key, raw := range v.Inputs {
		all = append(all, key+"="+string(raw))
	}
	return all
}

func TestPublishedValues(t *testing.T) {
	p := read(t)
	if len(p.Vectors) != p.Count || p.Count == 0 {
		t.Fatalf("%d vectors, the file says %d", len(p.Vectors), p.Count)
	}
	for _, v := range p.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			q, err := derived.Find(v.Quantity)
			if err != nil {
				t.Fatal(err)
			}
			in, err := derived.Parse(v.arguments())
			if err != nil {
				t.Fatal(err)
			}
			got, err := q.Compute(in)
			if err != nil {
				t.Fatal(err)
			}
			switch want := v.Expected.(type) {
			case string:
				if q.Format(got) != want {
					t.Errorf("%s, want %s", q.Format(got), want)
				}
			case float64:
				if math.Abs(got-want) > v.Tolerance {
					t.Errorf("%v, published %v ± %v", got, want, v.Tolerance)
				}
			default:
				t.Fatalf("expected %v: what is that?", want)
			}
			// The tolerance is that of the printed value. The formula itself is known to six decimals.
			if v.Recomputed != nil && math.Abs(got-*v.Recomputed) > 5.1e-7 {
				t.Errorf("%.7f, the formula gives %.6f", got, *v.Recomputed)
			}
		})
	}
}

// The table is the published one: every quantity, its unit and all its sets of inputs; every input.
func TestTableIsThePublishedOne(t *testing.T) {
	p := read(t)
	for _, q := range derived.Quantities() {
		want, known := p.Quantities[q.Name]
		if !known {
			t.Errorf("%s is not published", q.Name)
			continue
		}
		if q.Unit != want.Unit || q.Title == "" || q.Source == "" {
			t.Errorf("%s: unit %q, want %q; title %q, source %q", q.Name, q.Unit, want.Unit, q.Title, q.Source)
		}
		if got, want := sets(forms(q)), sets(want.Forms); !slices.Equal(got, want) {
			t.Errorf("%s takes %q, want %q", q.Name, got, want)
		}
		delete(p.Quantities, q.Name)
	}
	for name := range p.Quantities {
		t.Errorf("%s is missing", name)
	}
	for _, in := range derived.AllInputs() {
		if p.Keys[in.Key] == "" {
			t.Errorf("input %s is not published, or stands twice in the table", in.Key)
		}
		delete(p.Keys, in.Key)
	}
	for key := range p.Keys {
		t.Errorf("input %s is missing", key)
	}
}

func forms(q derived.Quantity) (all [][]string) {
	for _, f := range q.Forms {
		all = append(all, f.Inputs)
	}
	return all
}

// sets are lists whose order does not matter.
func sets(lists [][]string) (all []string) {
	for _, l := range lists {
		s := ""
		for _, key := range slices.Sorted(slices.Values(l)) {
			s += key + " "
		}
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// FAO-56's worked examples that take a quantity all the way from raw inputs, to the digits they are printed with.
func TestWorkedExamples(t *testing.T) {
	type inputs = map[string]float64
	for _, c := range []struct {
		example, quantity string
		in                inputs
		want, within      float64
	}{
		{"10", "solar_radiation_from_sunshine", inputs{"lat_deg": -22.9, "J": 135, "n": 7.1}, 14.5, 0.06},
		{"15", "solar_radiation_hargreaves", inputs{"lat_deg": 45.72, "J": 196, "tmax": 26.6, "tmin": 14.8, "krs": 0.16}, 22.3, 0.05},
		{"17", "et0_mm_day", inputs{"tmax": 34.8, "tmin": 25.6, "ea": 2.85, "u2": 2, "n": 8.5, "lat_deg": 13.73, "J": 105,
			"elevation_m": 2, "t_month": 30.2, "t_prev_month": 29.2}, 5.72, 0.02},
		{"17, its parts", "et0_mm_day", inputs{"Rn": 14.33, "G": 0.14, "t_c": 30.2, "u2": 2, "es": 4.42, "ea": 2.85, "delta": 0.246, "gamma": 0.0674}, 5.72, 0.02},
		{"18", "et0_mm_day", inputs{"tmax": 21.5, "tmin": 12.3, "rhmax": 84, "rhmin": 63, "u10": 10 / 3.6, "n": 9.25,
			"elevation_m": 100, "lat_deg": 50.8, "J": 187}, 3.88, 0.01},
		{"18, radiation", "net_radiation", inputs{"tmax": 21.5, "tmin": 12.3, "rhmax": 84, "rhmin": 63, "n": 9.25,
			"elevation_m": 100, "lat_deg": 50.8, "J": 187}, 13.28, 0.05},
		{"18, deficit", "vpd_kPa", inputs{"tmax": 21.5, "tmin": 12.3, "rhmax": 84, "rhmin": 63}, 0.589, 0.002},
		{"19, at night", "et0_mm_hour", inputs{"t_c": 28, "rh": 90, "u2": 1.9, "Rs_MJ_h": 0, "Rn_MJ_h": -0.100, "elevation_m": 8}, 0.00, 0.01},
		{"20, parts of Hargreaves", "et0_hargreaves_mm_day", inputs{"tmin": 14.8, "tmax": 26.6, "tmean": 20.7, "Ra": 40.55}, 5.0, 0.05},
	} {
		got, err := derived.Compute(c.quantity, c.in)
		if err != nil || math.Abs(got-c.want) > c.within {
			t.Errorf("example %s: %v, %v; FAO-56 has %v", c.example, got, err, c.want)
		}
	}
}
