package bh1750

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
	periph "periph.io/x/devices/v3/bh1750"
	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/chip/chiptest"
)

func TestVectors(t *testing.T) {
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"BH1750 conversion": func(v chiptest.Vector) (chiptest.Answer, error) {
			raw := binary.BigEndian.Uint16(v.Bytes(t))
			return chiptest.Answer{"illuminance": float64(usual.decilux(raw)) / 10}, nil
		},
	})
}

// TestConversion compares with the formulas of pages 10 and 11, in floating point.
func TestConversion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.Uint16().Draw(t, "raw")
		for s, half := range map[sensitivity]float64{usual: 1, lowest: 1, finest: 0.5} {
			want := float64(raw) / 1.2 * (69 / float64(s.time)) * half
			if got := float64(s.decilux(raw)) / 10; math.Abs(got-want) > 0.050001 {
				t.Fatalf("%d counts at %+v: %v lx, want %v", raw, s, got, want)
			}
		}
	})
}

// TestAgreesWithPeriph compares with periph's driver, which cuts off what is less than a lux. It waits for real.
func TestAgreesWithPeriph(t *testing.T) {
	bus := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
		{Addr: 0x23, W: []byte{7}}, {Addr: 0x23, W: []byte{0x10}}, {Addr: 0x23, W: []byte{7}},
		{Addr: 0x23, W: []byte{0x10}}, {Addr: 0x23, W: []byte{0x10}, R: []byte{0x83, 0x90}},
	}}
	dev, err := periph.NewI2C(bus, periph.I2CAddr)
	if err != nil {
		t.Fatal(err)
	}
	light, err := dev.Sense()
	if err != nil {
		t.Fatal(err)
	}
	if got := usual.decilux(0x8390) / 10; got != int64(light/physic.Lumen) {
		t.Errorf("%d lx, periph has %s", got, light)
	}
}

// measured is the transcript of one measurement.
func measured(high, low, instruction byte, raw uint16) []i2ctest.IO {
	var ops []i2ctest.IO
	for _, b := range []byte{0x01, high, low, instruction} {
		ops = append(ops, i2ctest.IO{Addr: 0x23, W: []byte{b}})
	}
	return append(ops, i2ctest.IO{Addr: 0x23, R: []byte{byte(raw >> 8), byte(raw)}})
}

func atUsual(raw uint16) []i2ctest.IO  { return measured(0x42, 0x65, 0x20, raw) } // 69 = 010 00101
func atLowest(raw uint16) []i2ctest.IO { return measured(0x40, 0x7F, 0x20, raw) } // 31 = 000 11111
func atFinest(raw uint16) []i2ctest.IO { return measured(0x47, 0x7E, 0x21, raw) } // 254 = 111 11110

func TestTheSensitivityFollowsTheLight(t *testing.T) {
	for name, c := range map[string]struct {
		first, second []i2ctest.IO
		want          string
		err           error
	}{
		"the data sheet's example":      {atUsual(0x8390), nil, "28066.7", nil},
		"an overcast day":               {atUsual(100), nil, "83.3", nil},
		"just measurable at the usual":  {atUsual(0xFFFE), nil, "54611.7", nil},
		"full sun":                      {atUsual(0xFFFF), atLowest(54000), "100161.3", nil}, // 54000 / 1.2 × 69 / 31
		"brighter than the sun":         {atUsual(0xFFFF), atLowest(0xFFFF), "", ErrSaturated},
		"dusk":                          {atUsual(99), atFinest(729), "82.5", nil},
		"moonlight":                     {atUsual(0), atFinest(2), "0.2", nil},
		"darkness, measured twice":      {atUsual(0), atFinest(0), "0.0", nil},
		"a lamp lit between the two":    {atUsual(5), atFinest(0xFFFF), "", ErrSaturated},
		"a restart before the first":    {atUsual(0), atFinest(60000), "6791.3", nil},
		"the end of the finest":         {atUsual(98), atFinest(0xFFFE), "7417.7", nil},
		"the end of what can be said":   {atUsual(0xFFFF), atLowest(0xFFFE), "121555.0", nil},
		"the coarse one is overflowing": {atUsual(0xFFFF), atLowest(10), "18.5", nil},
	} {
		t.Run(name, func(t *testing.T) {
			ops := append([]i2ctest.IO{{Addr: 0x23, W: []byte{1}}}, c.first...)
			d, err := chiptest.Play(t, Model(), nil, append(ops, c.second...)...)
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

func TestItWaitsForTheLongestMeasurement(t *testing.T) {
	ops := append([]i2ctest.IO{{Addr: 0x23, W: []byte{1}}}, atUsual(0)...)
	bus := &i2ctest.Playback{Ops: append(ops, atFinest(0)...), DontPanic: true}
	w, c := chiptest.Wire(t, bus, 0x23)
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	before := c.Now().Uptime
	if _, err := d.Sense(t.Context()); err != nil {
		t.Fatal(err)
	}
	if waited := (c.Now().Uptime - before).Milliseconds(); waited != 180+662 { // 180 ms × 254 / 69 = 662.6 ms
		t.Errorf("waited %d ms", waited)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzCounts(f *testing.F) {
	f.Add(uint16(0x8390), uint16(0))
	f.Add(uint16(0xFFFF), uint16(0xFFFF))
	f.Fuzz(func(t *testing.T, first, second uint16) {
		ops := append([]i2ctest.IO{{Addr: 0x23, W: []byte{1}}}, atUsual(first)...)
		switch {
		case first == full:
			ops = append(ops, atLowest(second)...)
		case first < few:
			ops = append(ops, atFinest(second)...)
		}
		d, err := chiptest.Play(t, Model(), nil, ops...)
		if err != nil {
			t.Fatal(err)
		}
		samples, err := d.Sense(t.Context())
		if (err == nil) != (len(samples) == 1) || err == nil && samples[0].Value.Cmp(sensors.Decimal{Mantissa: 1215570, Exponent: -1}) > 0 {
			t.Errorf("%v, %v", samples, err)
		}
	})
}
