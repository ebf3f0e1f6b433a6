package counted

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/pulse"
)

// contact is a counter the test sets.
type contact struct {
	pulses uint64
	clock  clock.Clock
	line   pulse.Line
	err    error
}

func (c *contact) open(_ context.Context, l pulse.Line, clk clock.Clock) (pulse.Counter, error) {
	c.line, c.clock = l, clk
	return c, c.err
}

func (c *contact) Count(context.Context) (pulse.Count, error) {
	return pulse.Count{Pulses: c.pulses, At: c.clock.Now()}, c.err
}

func (c *contact) Close() error { return nil }

type failer interface {
	Helper()
	Fatal(...any)
}

func open(t failer, name string, c *contact, settings map[string]string) (sensors.Driver, *clock.Virtual) {
	t.Helper()
	clk := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1})
	for _, m := range Models() {
		if m.Name == name {
			d, err := m.Open(context.Background(), sensors.Wiring{Probe: "mast", Bus: "GPIO17", Settings: settings, Clock: clk, Pulses: c.open})
			if err != nil {
				t.Fatal(err)
			}
			return d, clk
		}
	}
	t.Fatal("no model " + name)
	return nil, nil
}

func sense(t failer, d sensors.Driver) string {
	t.Helper()
	samples, err := d.Sense(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(samples) == 0 {
		return ""
	}
	return samples[0].Value.String()
}

// The figures are those of the weather meters' hookup guide: 0.2794 mm a tip, 2.4 km/h for one pulse a second.
func TestWhatPulsesMean(t *testing.T) {
	rain := &contact{pulses: 7} // what was counted before it was opened is nobody's
	d, _ := open(t, "rain-gauge", rain, nil)
	for tips, want := range map[uint64]string{0: "0.0000", 1: "0.2794", 3: "0.8382", 1000: "279.4000"} {
		rain.pulses += tips
		if got := sense(t, d); got != want {
			t.Errorf("%d tips are %s mm, want %s", tips, got, want)
		}
	}
	if rain.line != (pulse.Line{Name: "GPIO17", Debounce: 100 * time.Millisecond}) {
		t.Errorf("counted on %+v", rain.line)
	}

	wind := &contact{}
	d, clk := open(t, "anemometer", wind, nil)
	for _, c := range []struct {
		pulses uint64
		over   time.Duration
		want   string
	}{
		{10, 10 * time.Second, "0.67"}, // 2.4 km/h
		{100, time.Minute, "1.11"},
		{0, time.Minute, "0.00"},
		{5, 100 * time.Millisecond, ""}, // too short for a mean: they count for the next
		{5, 900 * time.Millisecond, "6.67"},
	} {
		wind.pulses += c.pulses
		clk.Set(clk.Now().Wall.Add(c.over))
		if got := sense(t, d); got != c.want {
			t.Errorf("%d pulses in %s are %q m/s, want %q", c.pulses, c.over, got, c.want)
		}
	}
	wind.pulses += 60
	clk.Set(clk.Now().Wall.Add(time.Minute))
	clk.Set(clk.Now().Wall.Add(-time.Hour)) // set back by NTP: a minute has passed all the same
	if got := sense(t, d); got != "0.67" {
		t.Errorf("over a clock that was set back: %s m/s", got)
	}
}

// However often it is asked and however its digits fall, the readings of an amount add up to what flowed.
func TestAmountsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perLitre := rapid.Int64Range(1, 99_999).Draw(t, "pulses per litre")
		flow := &contact{}
		d, _ := open(t, "flow-meter", flow, map[string]string{"pulses_per_litre": big.NewInt(perLitre).String()})
		sum := int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "readings") {
			flow.pulses += rapid.Uint64Range(0, 5000).Draw(t, "pulses")
			samples, err := d.Sense(context.Background())
			if err != nil || len(samples) != 1 || samples[0].Value.Exponent != -3 || samples[0].Value.Mantissa < 0 {
				t.Fatalf("%v, %v", samples, err)
			}
			sum += samples[0].Value.Mantissa
		}
		off := new(big.Rat).Sub(big.NewRat(sum, 1000), new(big.Rat).SetFrac(new(big.Int).SetUint64(flow.pulses), big.NewInt(perLitre)))
		if off.Abs(off).Cmp(big.NewRat(1, 2000)) > 0 {
			t.Fatalf("%d ml for %d pulses", sum, flow.pulses)
		}
	})
}

func TestWhatCannotBeCountedIsSaid(t *testing.T) {
	broken := errors.New("no such line")
	for _, m := range Models() {
		_, err := m.Open(t.Context(), sensors.Wiring{
			Probe: "mast", Bus: "GPIO99", Clock: clock.NewVirtual(time.Unix(0, 0), clock.BootID{}),
			Settings: map[string]string{}, Pulses: (&contact{err: broken}).open,
		})
		if m.Name == "flow-meter" { // whose label must be read
			if err == nil || !strings.Contains(err.Error(), "pulses_per_litre is missing") {
				t.Errorf("%s: %v", m.Name, err)
			}
			continue
		}
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "mast") || !strings.Contains(err.Error(), "GPIO99") {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

// The published figures, at the default settings.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	type expected struct{ Value, Tolerance float64 }
	var file struct {
		Vectors []struct {
			ID, Sensor string
			Inputs     struct {
				Tips      uint64
				Frequency float64 `json:"frequency_Hz"`
			}
			Expected struct {
				Rain *expected
				Wind *expected `json:"wind_speed"` // km/h
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		c := &contact{}
		switch {
		case v.Sensor == "tipping bucket" && v.Expected.Rain != nil:
			d, _ := open(t, "rain-gauge", c, nil)
			c.pulses += v.Inputs.Tips
			if got, err := strconv.ParseFloat(sense(t, d), 64); err != nil || math.Abs(got-v.Expected.Rain.Value) > v.Expected.Rain.Tolerance {
				t.Errorf("%s: %v, %v", v.ID, got, err)
			}
		case v.Sensor == "cup anemometer" && v.Expected.Wind != nil:
			d, clk := open(t, "anemometer", c, nil)
			const seconds = 3600
			c.pulses += uint64(math.Round(v.Inputs.Frequency * seconds))
			clk.Set(clk.Now().Wall.Add(seconds * time.Second))
			metres, err := strconv.ParseFloat(sense(t, d), 64)
			// two places of m/s are passed on: half of the last one is 0.018 km/h
			if got := metres * 3.6; err != nil || math.Abs(got-v.Expected.Wind.Value) > v.Expected.Wind.Tolerance+0.0181 {
				t.Errorf("%s: %v km/h, %v", v.ID, got, err)
			}
		default:
			t.Errorf("%s: nobody tests a %s", v.ID, v.Sensor)
		}
	}
}
