package meter

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
)

func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Kind string
			Inputs   struct {
				Raw  json.Number
				Soil string
			}
			Expected map[string]struct{ Value, Tolerance float64 }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		count, err := sensors.ParseDecimal(v.Inputs.Raw.String())
		if v.Kind != "conversion" || err != nil {
			t.Errorf("%s: no test for kind %q, %v", v.ID, v.Kind, err)
			continue
		}
		soil := v.Inputs.Soil
		for name, want := range v.Expected {
			q := sensors.VolumetricWaterContent
			switch name {
			case "apparent_permittivity":
				q = sensors.Permittivity
			case "volumetric_water_content_topp":
				soil = "topp"
			case "volumetric_water_content":
			default:
				t.Errorf("%s: no test for %s", v.ID, name)
				continue
			}
			found := false
			for _, s := range derive(soil)([]sensors.Sample{{Quantity: sensors.ProbeCount, Value: count}}) {
				if s.Quantity == q {
					found = true
					if math.Abs(s.Value.Float64()-want.Value) > want.Tolerance {
						t.Errorf("%s: %s is %s, want %v", v.ID, name, s.Value, want.Value)
					}
				}
			}
			if !found {
				t.Errorf("%s: no %s", v.ID, name)
			}
		}
	}
	if len(file.Vectors) < 2 {
		t.Errorf("%d vectors", len(file.Vectors))
	}
}

// TestTheEquationsComputedASecondWay compares the exact fractions with floats, over the whole range and for every soil.
func TestTheEquationsComputedASecondWay(t *testing.T) {
	second := map[string]func(r float64) float64{
		"mineral":  func(r float64) float64 { return 3.879e-4*r - 0.6956 },
		"soilless": func(r float64) float64 { return 6.771e-10*r*r*r - 5.105e-6*r*r + 1.302e-2*r - 10.848 },
		"topp": func(r float64) float64 {
			e := math.Pow(2.887e-9*r*r*r-2.080e-5*r*r+5.276e-2*r-43.39, 2)
			return 4.3e-6*e*e*e - 5.5e-4*e*e + 2.92e-2*e - 5.3e-2
		},
	}
	for soil, want := range second {
		n := 0
		for centi := int64(180_000); centi <= 330_000; centi += 137 {
			count := sensors.Decimal{Mantissa: centi, Exponent: -2}
			theta := want(float64(centi) / 100)
			got := math.NaN()
			for _, s := range derive(soil)([]sensors.Sample{{Quantity: sensors.ProbeCount, Value: count}}) {
				if s.Quantity == sensors.VolumetricWaterContent {
					got = s.Value.Float64()
				}
			}
			switch {
			case math.Abs(theta) < 1e-5 || math.Abs(theta-1) < 1e-5: // rounding decides
			case theta < 0 || theta > 1:
				if !math.IsNaN(got) {
					t.Fatalf("%s at %s: %v, where it is %v", soil, count, got, theta)
				}
			default:
				if n++; !(math.Abs(got-theta) < 0.0000051) {
					t.Fatalf("%s at %s: %v, want %v", soil, count, got, theta)
				}
			}
		}
		if n < 300 {
			t.Errorf("%s: %d water contents", soil, n)
		}
	}
}

// line is a probe that answers aC! and aD0!.
type line struct {
	values string
	n      int
	unread string
}

func (l *line) open(context.Context, string, serial.Mode) (serial.Port, error) { return l, nil }
func (l *line) Close() error                                                   { return nil }
func (l *line) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	return do(ctx, l)
}
func (l *line) Discard(context.Context) error              { l.unread = ""; return nil }
func (l *line) Break(context.Context, time.Duration) error { return nil }
func (l *line) Write(_ context.Context, b []byte) error {
	switch string(b) {
	case "0C!":
		l.unread = "00010" + string(rune('0'+l.n)) + "\r\n"
	case "0D0!":
		l.unread = "0" + l.values + "\r\n"
	}
	return nil
}
func (l *line) Read(_ context.Context, b []byte, _ time.Duration) (int, error) {
	if l.unread == "" {
		return 0, serial.ErrSilent
	}
	n := copy(b, l.unread)
	l.unread = l.unread[n:]
	return n, nil
}

func TestWhatTheProbesSay(t *testing.T) {
	for _, c := range []struct {
		model, soil, values string
		n                   int
		want                string // empty: an error
	}{
		{"teros12", "", "+2500.00+22.3+141", 3, "probe_count=2500.00 soil_temperature=22.3 soil_electrical_conductivity=141 volumetric_water_content=0.27415 permittivity=13.0999"},
		{"teros12", "soilless", "+2500.0+22.3+141", 3, "probe_count=2500.0 soil_temperature=22.3 soil_electrical_conductivity=141 volumetric_water_content=0.37544 permittivity=13.0999"},
		{"teros11", "", "+1700.00+22.3", 2, "probe_count=1700.00 soil_temperature=22.3"},
		{"teros12", "", "+2500.00-9999+141", 3, "probe_count=2500.00 soil_electrical_conductivity=141 volumetric_water_content=0.27415 permittivity=13.0999"},
		{"teros12", "", "-9992+22.3+141", 3, "soil_temperature=22.3 soil_electrical_conductivity=141"},
		{"teros12", "", "-9999-9999-9990", 3, ""},
		{"teros12", "", "+2500.00+22.3", 2, ""},
		{"teros21", "", "-33.4-4.5", 2, "matric_potential=-33.4 soil_temperature=-4.5"},
		{"teros21", "", "-9995.0+30.1", 2, "matric_potential=-9995.0 soil_temperature=30.1"},
		{"teros21", "", "-999.5+30.1", 2, "matric_potential=-999.5 soil_temperature=30.1"},
		{"teros21", "", "-9999+30.1", 2, "soil_temperature=30.1"},
		{"hydros21", "", "+1432+11.8+387", 3, "water_depth=1432 water_temperature=11.8 water_electrical_conductivity=387"},
		{"hydros21", "", "-3+31.0+0", 3, "water_depth=-3 water_temperature=31.0 water_electrical_conductivity=0"},
		{"ctd10", "", "-500+99.0-1", 3, ""},
	} {
		l := &line{values: c.values, n: c.n}
		w := sensors.Wiring{Probe: "p", Bus: "x", Clock: clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1}), Serial: l.open}
		if c.soil != "" {
			w.Settings = map[string]string{"soil": c.soil}
		}
		var got []string
		for _, m := range Models() {
			if m.Name != c.model {
				continue
			}
			d, err := m.Open(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			samples, err := d.Sense(t.Context())
			if (err != nil) != (c.want == "") {
				t.Errorf("%s %s: %v", c.model, c.values, err)
			}
			for _, s := range samples {
				got = append(got, string(s.Quantity)+"="+s.Value.String())
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s says %v, want %s", c.model, c.values, got, c.want)
		}
	}
}

func TestSoilIsOneOfThose(t *testing.T) {
	for _, m := range Models() {
		err := m.Check(sensors.Wiring{Settings: map[string]string{"soil": "clay"}})
		if err == nil {
			t.Errorf("%s takes clay", m.Name)
		}
	}
}
