package tsl2561

import (
	"errors"
	"math"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"pgregory.net/rapid"

	"loam/sensors/chip/chiptest"
)

// curved is the formula of "calculating lux" before it is cut into straight pieces, for counts at gain 16 and 402 ms.
func curved(cs bool, c0, c1 float64) float64 {
	r := c1 / c0
	switch {
	case cs && r <= 0.52:
		return 0.0315*c0 - 0.0593*c0*math.Pow(r, 1.4)
	case cs && r <= 0.65:
		return 0.0229*c0 - 0.0291*c1
	case cs && r <= 0.80:
		return 0.0157*c0 - 0.0180*c1
	case cs && r <= 1.30:
		return 0.00338*c0 - 0.00260*c1
	case r <= 0.50:
		return 0.0304*c0 - 0.062*c0*math.Pow(r, 1.4)
	case r <= 0.61:
		return 0.0224*c0 - 0.031*c1
	case r <= 0.80:
		return 0.0128*c0 - 0.0153*c1
	case r <= 1.30:
		return 0.00146*c0 - 0.00112*c1
	}
	return 0
}

func TestPiecesFollowTheCurve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		both := rapid.Uint16Range(1000, 65534).Draw(t, "both")
		infrared := uint16(float64(both) * rapid.Float64Range(0, 1).Draw(t, "ratio"))
		for _, pieces := range [][]piece{piecesT, piecesCS} {
			got := float64(centilux(pieces, counts{both, infrared}, night)) / 100
			want := curved(&pieces[0] == &piecesCS[0], float64(both), float64(infrared))
			if math.Abs(got-want) > 0.025*want+0.0003*float64(both) {
				t.Fatalf("%d and %d: %v lx, the curve has %v", both, infrared, got, want)
			}
		}
	})
}

// TestSampleCode compares with the arithmetic of the sample code in "calculating lux", whose coefficients are
// rounded to 2^-14 and whose result is whole lux.
func TestSampleCode(t *testing.T) {
	code := map[bool][][3]int64{
		false: {{0x40, 0x1F2, 0x1BE}, {0x80, 0x214, 0x2D1}, {0xC0, 0x23F, 0x37B}, {0x100, 0x270, 0x3FE}, {0x138, 0x16F, 0x1FC}, {0x19A, 0xD2, 0xFB}, {0x29A, 0x18, 0x12}, {1 << 20, 0, 0}},
		true:  {{0x43, 0x204, 0x1AD}, {0x85, 0x228, 0x2C1}, {0xC8, 0x253, 0x363}, {0x10A, 0x282, 0x3DF}, {0x14D, 0x177, 0x1DD}, {0x19A, 0x101, 0x127}, {0x29A, 0x37, 0x2B}, {1 << 20, 0, 0}},
	}
	scale := map[reach]int64{sunlight: 0x7517 << 4, daylight: 0x0FE7 << 4, night: 1 << 10}
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom([]reach{sunlight, daylight, night}).Draw(t, "range")
		both := rapid.Uint16Range(500, r.full-1).Draw(t, "both")
		infrared := rapid.Uint16Range(0, both).Draw(t, "infrared")
		for cs, rows := range code {
			c0, c1 := int64(both)*scale[r]>>10, int64(infrared)*scale[r]>>10
			ratio := (c1<<10/c0 + 1) >> 1
			i := 0
			for ratio > rows[i][0] {
				i++
			}
			want := float64((max(0, c0*rows[i][1]-c1*rows[i][2]) + 1<<13) >> 14)
			pieces := piecesT
			if cs {
				pieces = piecesCS
			}
			got := float64(centilux(pieces, counts{both, infrared}, r)) / 100
			if math.Abs(got-want) > 0.51+0.0001*float64(c0) { // 2 × 2^-15 of coefficient for each count
				t.Fatalf("%d and %d at %+v: %v lx, the code has %v", both, infrared, r, got, want)
			}
		}
	})
}

func found(id byte) i2ctest.IO { return i2ctest.IO{Addr: 0x39, W: []byte{0x8A}, R: []byte{id}} }

// measured is the transcript of one measurement.
func measured(timing byte, both, infrared uint16) []i2ctest.IO {
	return []i2ctest.IO{
		{Addr: 0x39, W: []byte{0x80, 0}}, {Addr: 0x39, W: []byte{0x81, timing}}, {Addr: 0x39, W: []byte{0x80, 3}},
		{Addr: 0x39, W: []byte{0xAC}, R: []byte{byte(both), byte(both >> 8)}},
		{Addr: 0x39, W: []byte{0xAE}, R: []byte{byte(infrared), byte(infrared >> 8)}},
		{Addr: 0x39, W: []byte{0x80}, R: []byte{3}}, {Addr: 0x39, W: []byte{0x81}, R: []byte{timing}},
		{Addr: 0x39, W: []byte{0x80, 0}},
	}
}

func join(first i2ctest.IO, all ...[]i2ctest.IO) []i2ctest.IO {
	ops := []i2ctest.IO{first}
	for _, a := range all {
		ops = append(ops, a...)
	}
	return ops
}

func TestTheRangeFollowsTheLight(t *testing.T) {
	t5, cs := found(0x50), found(0x12)
	for name, c := range map[string]struct {
		ops  []i2ctest.IO
		want string
		err  error
	}{
		"a cloudy day":            {join(t5, measured(0x01, 20000, 5000)), "27350.12", nil}, // (0.0325 − 0.044 × 0.25) × 20000 × 16 × 322/81
		"the same, chip scale":    {join(cs, measured(0x01, 20000, 5000)), "29194.67", nil},
		"sun":                     {join(t5, measured(0x01, 37177, 9000), measured(0x00, 4900, 1000)), "53978.91", nil},
		"the end of the count":    {join(t5, measured(0x01, 37177, 9000), measured(0x00, 5047, 1200)), "", ErrSaturated},
		"infrared at its end":     {join(t5, measured(0x01, 30000, 37177), measured(0x00, 5000, 5047)), "", ErrSaturated},
		"a room":                  {join(t5, measured(0x01, 99, 30), measured(0x12, 6300, 1900)), "117.77", nil},
		"darkness":                {join(t5, measured(0x01, 0, 0), measured(0x12, 0, 0)), "0.00", nil},
		"an infrared lamp":        {join(t5, measured(0x01, 50, 70), measured(0x12, 3000, 4200)), "0.00", nil},
		"full only at 402 ms":     {join(t5, measured(0x01, 10, 3), measured(0x12, 0xFFFF, 3)), "", ErrSaturated},
		"just not full at 402 ms": {join(t5, measured(0x01, 10, 3), measured(0x12, 0xFFFE, 3)), "1992.15", nil},
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

func TestARestartIsNotDarkness(t *testing.T) {
	for name, spoil := range map[string]func([]i2ctest.IO){
		"powered down": func(ops []i2ctest.IO) { ops[5].R = []byte{0} },
		"other timing": func(ops []i2ctest.IO) { ops[6].R = []byte{2} },
	} {
		t.Run(name, func(t *testing.T) {
			ops := measured(0x01, 0, 0)
			spoil(ops)
			d, err := chiptest.Play(t, Model(), nil, join(found(0x50), ops[:7])...)
			if err != nil {
				t.Fatal(err)
			}
			if samples, err := d.Sense(t.Context()); !errors.Is(err, ErrSettings) || samples != nil {
				t.Errorf("%v, %v", samples, err)
			}
		})
	}
}

func TestOtherChipsAreRefused(t *testing.T) {
	for _, id := range []byte{0x00, 0x40, 0xEE, 0xFF} {
		t.Run("", func(t *testing.T) {
			if _, err := chiptest.Play(t, Model(), nil, found(id)); !errors.Is(err, ErrWrongChip) {
				t.Errorf("%#x: %v", id, err)
			}
		})
	}
}

func FuzzCentilux(f *testing.F) {
	f.Add(uint16(1000), uint16(300))
	f.Add(uint16(0), uint16(0))
	f.Fuzz(func(t *testing.T, both, infrared uint16) {
		for _, r := range []reach{sunlight, daylight, night} {
			for _, pieces := range [][]piece{piecesT, piecesCS} {
				v := centilux(pieces, counts{both, infrared}, r)
				if v < 0 || both == 0 && v != 0 || both < r.full && v > 7_500_000 {
					t.Errorf("%d and %d at %+v: %d", both, infrared, r, v)
				}
			}
		}
	})
}
