package tsl2591

import (
	"errors"
	"math"
	"strings"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"pgregory.net/rapid"

	"loam/sensors/chip/chiptest"
)

// TestFormula compares with the formula as it is published, in floating point.
func TestFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		both := rapid.Uint16Range(1, 65534).Draw(t, "both")
		infrared := rapid.Uint16Range(0, both).Draw(t, "infrared")
		for r, cpl := range map[reach]float64{sunlight: 100 * 1 / 408., daylight: 100 * 25 / 408., dusk: 100 * 428 / 408., night: 600 * 428 / 408.} {
			c0, c1 := float64(both), float64(infrared)
			want := (c0 - c1) * (1 - c1/c0) / cpl
			if got := float64(centilux(counts{both, infrared}, r)) / 100; math.Abs(got-want) > 0.005+1e-9*want {
				t.Fatalf("%d and %d at %+v: %v lx, want %v", both, infrared, r, got, want)
			}
		}
	})
	for _, c := range []counts{{0, 0}, {0, 3}, {5, 5}, {5, 9}, {1000, 65535}} {
		if got := centilux(c, night); got != 0 {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

var found = i2ctest.IO{Addr: 0x29, W: []byte{0xB2}, R: []byte{0x50}}

// measured is the transcript of one measurement that is valid at the first look.
func measured(control byte, both, infrared uint16) []i2ctest.IO {
	return []i2ctest.IO{
		{Addr: 0x29, W: []byte{0xA0, 0}}, {Addr: 0x29, W: []byte{0xA1, control}}, {Addr: 0x29, W: []byte{0xA0, 3}},
		{Addr: 0x29, W: []byte{0xB3}, R: []byte{1}},
		{Addr: 0x29, W: []byte{0xB4}, R: []byte{byte(both), byte(both >> 8), byte(infrared), byte(infrared >> 8)}},
		{Addr: 0x29, W: []byte{0xA0}, R: []byte{3, control}}, {Addr: 0x29, W: []byte{0xA0, 0}},
	}
}

func join(all ...[]i2ctest.IO) []i2ctest.IO {
	ops := []i2ctest.IO{found}
	for _, a := range all {
		ops = append(ops, a...)
	}
	return ops
}

func TestTheRangeFollowsTheLight(t *testing.T) {
	for name, c := range map[string]struct {
		ops  []i2ctest.IO
		want string
		err  error
	}{
		"a room":                       {join(measured(0x10, 1000, 300)), "79.97", nil}, // 700 × 0.7 / 6.127451
		"sun":                          {join(measured(0x10, 36863, 9000), measured(0x00, 25000, 7500)), "49980.00", nil},
		"sun that overflows infrared":  {join(measured(0x10, 36000, 36863), measured(0x00, 25000, 7500)), "49980.00", nil},
		"the end of the count":         {join(measured(0x10, 36863, 0), measured(0x00, 36863, 7500)), "", ErrSaturated},
		"infrared at its end":          {join(measured(0x10, 36863, 0), measured(0x00, 36000, 37889)), "", ErrSaturated},
		"more than the maker promises": {join(measured(0x10, 36863, 0), measured(0x00, 36862, 1000)), "", ErrSaturated},
		"dusk":                         {join(measured(0x10, 99, 30), measured(0x20, 1700, 510)), "7.94", nil},
		"moonlight":                    {join(measured(0x10, 1, 0), measured(0x20, 30, 9), measured(0x25, 180, 54)), "0.14", nil},
		"darkness":                     {join(measured(0x10, 0, 0), measured(0x20, 0, 1), measured(0x25, 2, 3)), "0.00", nil},
		"more than 36863 in 600 ms":    {join(measured(0x10, 5, 1), measured(0x20, 90, 10), measured(0x25, 40000, 10000)), "35.75", nil},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := chiptest.Play(t, Model(), nil, c.ops...)
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

func TestWhatIsNotMeasuredIsNoSample(t *testing.T) {
	late := measured(0x10, 1000, 300)
	notYet := i2ctest.IO{Addr: 0x29, W: []byte{0xB3}, R: []byte{0}}
	restarted := measured(0x10, 0, 0)
	restarted[5].R = []byte{0, 0}
	for name, c := range map[string]struct {
		ops  []i2ctest.IO
		want string
		err  error
	}{
		"a slow oscillator": {join(late[:3], []i2ctest.IO{notYet, notYet}, late[3:]), "79.97", nil},
		"never done":        {join(late[:3], []i2ctest.IO{notYet, notYet, notYet, notYet, notYet}), "", ErrNotMeasured},
		"restarted":         {join(restarted[:6]), "", ErrSettings},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := chiptest.Play(t, Model(), nil, c.ops...)
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

func TestOtherChipsAreRefused(t *testing.T) {
	_, err := chiptest.Play(t, Model(), nil, i2ctest.IO{Addr: 0x29, W: []byte{0xB2}, R: []byte{0xEE}})
	if !errors.Is(err, ErrWrongChip) || !strings.Contains(err.Error(), "0xee") {
		t.Error(err)
	}
}

func FuzzCentilux(f *testing.F) {
	f.Add(uint16(1000), uint16(300))
	f.Add(uint16(0), uint16(0))
	f.Fuzz(func(t *testing.T, both, infrared uint16) {
		for _, r := range []reach{sunlight, daylight, dusk, night} {
			if v := centilux(counts{both, infrared}, r); v < 0 || v > 100*408*65535/100 {
				t.Errorf("%d and %d at %+v: %d", both, infrared, r, v)
			}
		}
	})
}
