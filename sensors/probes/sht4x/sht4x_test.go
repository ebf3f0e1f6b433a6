package sht4x

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

func TestVectors(t *testing.T) {
	names := map[sensors.Quantity]string{sensors.AirTemperature: "temperature", sensors.RelativeHumidity: "relative_humidity"}
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"SHT4x frame": func(v chiptest.Vector) (chiptest.Answer, error) {
			raw, err := sensirion.Words(v.Bytes(t))
			if err != nil || len(raw) != 2 {
				return nil, errors.Join(err, chip.ErrImplausible)
			}
			s, err := samples(raw, clock.Instant{})
			return chiptest.Values(s, names), err
		},
		"SHT4x conversion": func(v chiptest.Vector) (chiptest.Answer, error) {
			var in struct {
				T *uint16 `json:"temperature_raw"`
				H *uint16 `json:"humidity_raw"`
			}
			v.Into(t, &in)
			raw := []uint16{0x6667, 0x8000} // what is not asked about is fair weather
			if in.T != nil {
				raw[0] = *in.T
			}
			if in.H != nil {
				raw[1] = *in.H
			}
			s, err := samples(raw, clock.Instant{})
			a := chiptest.Values(s, names)
			if in.T == nil {
				delete(a, "temperature")
			}
			if in.H == nil {
				delete(a, "relative_humidity")
			}
			return a, err
		},
	})
}

// TestTranscript is how a chip is opened and asked; its measurement is one that periph's test suite captured.
func TestTranscript(t *testing.T) {
	d, err := chiptest.Play(t, Model(), nil,
		i2ctest.IO{Addr: 0x44, W: []byte{0x94}},
		i2ctest.IO{Addr: 0x44, W: []byte{0x89}}, i2ctest.IO{Addr: 0x44, R: []byte{0xBE, 0xEF, 0x92, 0x80, 0x00, 0xA2}},
		i2ctest.IO{Addr: 0x44, W: []byte{0xFD}}, i2ctest.IO{Addr: 0x44, R: []byte{0x66, 0xF4, 0xC8, 0x4C, 0x9B, 0x6F}},
		i2ctest.IO{Addr: 0x44, W: []byte{0xFD}}, i2ctest.IO{Addr: 0x44, R: []byte{0x66, 0xF4, 0xC9, 0x4C, 0x9B, 0x6F}},
	)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); err != nil || chiptest.Text(s) != "25.38 31.41" {
		t.Errorf("%s, %v", chiptest.Text(s), err)
	}
	if s, err := d.Sense(t.Context()); !errors.Is(err, sensirion.ErrCRC) || s != nil {
		t.Errorf("a wrong checksum: %v, %v", s, err)
	}
}

// TestConversion compares every raw value with the formulas of section 4.6 in floating point.
func TestConversion(t *testing.T) {
	for raw := range 1 << 16 {
		s, err := samples([]uint16{uint16(raw), uint16(raw)}, clock.Instant{})
		c, h := -45+175*float64(raw)/65535, min(max(-6+125*float64(raw)/65535, 0), 100)
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
