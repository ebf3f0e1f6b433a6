package veml7700

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"pgregory.net/rapid"

	"loam/sensors/chip/chiptest"
)

func TestVectors(t *testing.T) {
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"VEML7700 conversion": func(v chiptest.Vector) (chiptest.Answer, error) {
			var in struct {
				Linear float64 `json:"illuminance_linear_lx"`
			}
			v.Into(t, &in)
			y, _ := corrected(new(big.Rat).SetFloat64(in.Linear)).Float64()
			return chiptest.Answer{"illuminance": y}, nil
		},
	})
}

func TestCorrection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(0, 121_000).Draw(t, "lux")
		got, _ := corrected(new(big.Rat).SetFloat64(x)).Float64()
		want := x
		if x > 1000 {
			want = 6.0135e-13*math.Pow(x, 4) - 9.3924e-9*math.Pow(x, 3) + 8.1488e-5*x*x + 1.0023*x
		}
		if math.Abs(got-want) > 1e-6*math.Max(1, want) {
			t.Fatalf("%v lx became %v, want %v", x, got, want)
		}
	})
}

// TestTableOfTheApplicationNote is the lux of a count by gain and integration time, as printed in 84323 before its
// revision, and in 84286 since.
func TestTableOfTheApplicationNote(t *testing.T) {
	for r, want := range map[reach][2]string{
		sunlight: {"1.8432", "2.1504"}, daylight: {"0.4608", "0.5376"}, dusk: {"0.0288", "0.0336"}, night: {"0.0036", "0.0042"},
	} {
		for i, resolution := range []int64{36, 42} {
			if got := lux(1, r, resolution).FloatString(4); got != want[i] {
				t.Errorf("%+v: %s, want %s", r, got, want[i])
			}
		}
	}
}

var woken = i2ctest.IO{Addr: 0x10, W: []byte{3, 0, 0}}

// measured is the transcript of one measurement: the high and low byte of the settings, and the count.
func measured(high, low byte, raw uint16) []i2ctest.IO {
	return []i2ctest.IO{
		{Addr: 0x10, W: []byte{0, low | 1, high}}, {Addr: 0x10, W: []byte{0, low, high}},
		{Addr: 0x10, W: []byte{4}, R: []byte{byte(raw), byte(raw >> 8)}}, {Addr: 0x10, W: []byte{0}, R: []byte{low, high}},
	}
}

func atDaylight(raw uint16) []i2ctest.IO { return measured(0x10, 0x00, raw) } // gain 1/8, 100 ms
func atSunlight(raw uint16) []i2ctest.IO { return measured(0x13, 0x00, raw) } // gain 1/8, 25 ms
func atDusk(raw uint16) []i2ctest.IO     { return measured(0x08, 0x00, raw) } // gain 2, 100 ms
func atNight(raw uint16) []i2ctest.IO    { return measured(0x08, 0xC0, raw) } // gain 2, 800 ms

func join(all ...[]i2ctest.IO) []i2ctest.IO {
	ops := []i2ctest.IO{woken}
	for _, a := range all {
		ops = append(ops, a...)
	}
	return ops
}

func TestTheRangeFollowsTheLight(t *testing.T) {
	for name, c := range map[string]struct {
		ops        []i2ctest.IO
		resolution string
		want       string
		err        error
	}{
		"a cloudy day":         {join(atDaylight(2000)), "", "921.60", nil},
		"just at the limit":    {join(atDaylight(2170)), "", "999.94", nil},
		"just above it":        {join(atDaylight(2171)), "", "1075.45", nil}, // 1000.3968 lx, corrected
		"shade in summer":      {join(atDaylight(10_000)), "", "5701.02", nil},
		"sun":                  {join(atDaylight(10_001), atSunlight(11_000)), "", "77158.44", nil},
		"too bright to count":  {join(atDaylight(0xFFFF), atSunlight(0xFFFF)), "", "", ErrSaturated},
		"too bright to say":    {join(atDaylight(0xFFFF), atSunlight(15_000)), "", "", ErrSaturated},
		"a room":               {join(atDaylight(100), atDusk(1600)), "", "46.08", nil},
		"a candle":             {join(atDaylight(4), atDusk(101)), "", "2.91", nil},
		"moonlight":            {join(atDaylight(0), atDusk(8), atNight(64)), "", "0.23", nil},
		"darkness":             {join(atDaylight(0), atDusk(0), atNight(0)), "", "0.00", nil},
		"the later resolution": {join(atDaylight(100), atDusk(1600)), "0.0042", "53.76", nil},
	} {
		t.Run(name, func(t *testing.T) {
			settings := map[string]string{}
			if c.resolution != "" {
				settings["resolution"] = c.resolution
			}
			d, err := chiptest.Play(t, Model(), settings, c.ops...)
			if err != nil {
				t.Fatal(err)
			}
			samples, err := d.Sense(t.Context())
			if got := chiptest.Text(samples); got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s, %v; want %s, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestARestartIsNotDarkness(t *testing.T) {
	ops := join(atDaylight(0))
	ops[len(ops)-1].R = []byte{1, 0} // shut down, gain 1, 100 ms: as after power-on
	d, err := chiptest.Play(t, Model(), nil, ops...)
	if err != nil {
		t.Fatal(err)
	}
	if samples, err := d.Sense(t.Context()); !errors.Is(err, ErrSettings) || samples != nil {
		t.Errorf("%v, %v", samples, err)
	}
}

func FuzzLux(f *testing.F) {
	f.Add(uint16(0), false)
	f.Add(uint16(0xFFFF), true)
	f.Fuzz(func(t *testing.T, raw uint16, late bool) {
		resolution := int64(36)
		if late {
			resolution = 42
		}
		var before *big.Rat
		for _, r := range []reach{night, dusk, daylight, sunlight} {
			y := lux(raw, r, resolution)
			if y.Sign() < 0 || before != nil && y.Cmp(before) < 0 {
				t.Errorf("%d counts at %+v are %s lx", raw, r, y.FloatString(2))
			}
			before = y
		}
	})
}
