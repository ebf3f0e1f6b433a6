package sht3x

import (
	"errors"
	"math"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/chip/chiptest"
	"loam/sensors/clock"
	"loam/sensors/sensirion"
)

// begin is what is said to a chip before it is asked for the first time.
func begin(status ...byte) []i2ctest.IO {
	return []i2ctest.IO{
		{Addr: 0x44, W: []byte{0x30, 0x93}}, {Addr: 0x44, W: []byte{0x30, 0xA2}},
		{Addr: 0x44, W: []byte{0xF3, 0x2D}}, {Addr: 0x44, R: status},
	}
}

func word(v uint16) []byte { return sensirion.Command(0, v)[2:] }

// TestConversion compares every raw value with the formulas of section 4.13 in floating point.
func TestConversion(t *testing.T) {
	for raw := range 1 << 16 {
		s, err := samples([]uint16{uint16(raw), uint16(raw)}, clock.Instant{})
		c, h := -45+175*float64(raw)/65535, 100*float64(raw)/65535
		if math.Abs(c-42.5) > 82.505 { // outside −40 to 125 °C
			if s != nil || !errors.Is(err, chip.ErrImplausible) {
				t.Fatalf("%.4f °C: %v, %v", c, s, err)
			}
			continue
		}
		if err != nil || math.Abs(s[0].Value.Float64()-c) > 0.00501 || math.Abs(s[1].Value.Float64()-h) > 0.00501 {
			t.Fatalf("%#x: %v, %v; want %.4f and %.4f", raw, s, err, c, h)
		}
	}
}

func TestOtherChipsAreRefused(t *testing.T) {
	for name, status := range map[string][]byte{
		"no reset": word(0x0000), "heating": word(0xA010), "all ones": word(0xFFFF),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := chiptest.Play(t, Model(), nil, begin(status...)...); !errors.Is(err, ErrWrongChip) {
				t.Error(err)
			}
		})
	}
	t.Run("no checksum", func(t *testing.T) {
		if _, err := chiptest.Play(t, Model(), nil, begin(0x80, 0x10, 0x00)...); !errors.Is(err, sensirion.ErrCRC) {
			t.Error(err)
		}
	})
}

func TestWhatCannotBeIsNoSample(t *testing.T) {
	d, err := chiptest.Play(t, Model(), nil, append(begin(word(0x8010)...),
		i2ctest.IO{Addr: 0x44, W: []byte{0x24, 0x00}},
		i2ctest.IO{Addr: 0x44, R: append(word(0xFFFF), word(0xFFFF)...)})...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Sense(t.Context())
	var p *sensors.ProbeError
	if s != nil || !errors.Is(err, chip.ErrImplausible) || !errors.As(err, &p) || p.Hint == "" {
		t.Errorf("%v, %v", s, err)
	}
}
