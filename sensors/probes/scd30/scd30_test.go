package scd30

import (
	"errors"
	"fmt"
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
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"SCD30 frame": func(v chiptest.Vector) (chiptest.Answer, error) {
			w, err := sensirion.Words(v.Bytes(t))
			if err != nil {
				return nil, err
			}
			if _, err := samples(w, clock.Instant{}); err != nil {
				return nil, err
			}
			float := func(i int) float64 { return float64(sensirion.Float(w[i], w[i+1])) } // with more digits than are passed on
			return chiptest.Answer{"co2": float(0), "temperature": float(2), "relative_humidity": float(4)}, nil
		},
		"SCD30 command": func(v chiptest.Vector) (chiptest.Answer, error) {
			var in struct {
				Command, Code string
				Pressure      uint16 `json:"pressure_mbar"`
			}
			v.Into(t, &in)
			var code uint16
			_, err := fmt.Sscanf(in.Code, "%04x", &code)
			return chiptest.Answer{"bytes": sensirion.Command(code, in.Pressure)}, err
		},
	})
}

func say(b ...byte) i2ctest.IO  { return i2ctest.IO{Addr: 0x61, W: b} }
func hear(b ...byte) i2ctest.IO { return i2ctest.IO{Addr: 0x61, R: b} }
func word(v uint16) []byte      { return sensirion.Command(0, v)[2:] }

// measurement is the example of the interface description.
func measurement() i2ctest.IO {
	return hear(0x43, 0xDB, 0xCB, 0x8C, 0x2E, 0x8F, 0x41, 0xD9, 0x70, 0xE7, 0xFF, 0xF5, 0x42, 0x43, 0xBF, 0x3A, 0x1B, 0x74)
}

// TestTranscript has every question in a transaction of its own, and what is kept for ever told only where it is not so.
func TestTranscript(t *testing.T) {
	ask := func(code uint16, answer i2ctest.IO) []i2ctest.IO {
		return []i2ctest.IO{say(sensirion.Command(code)...), answer}
	}
	var script []i2ctest.IO
	script = append(script, ask(0xD100, hear(word(0x0342)...))...)
	script = append(script, ask(0x4600, hear(word(10)...))...)
	script = append(script, say(sensirion.Command(0x4600, 2)...))
	script = append(script, ask(0x5102, hear(word(540)...))...) // as it should be
	script = append(script, say(0x00, 0x10, 0x00, 0x00, 0x81))
	script = append(script, ask(0x0202, hear(word(0)...))...)
	script = append(script, ask(0x0202, hear(word(1)...))...)
	script = append(script, ask(0x0300, measurement())...)
	d, err := chiptest.Play(t, Model(), map[string]string{"altitude": "540"}, script...)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); err != nil || chiptest.Text(s) != "439 27.24 48.81" {
		t.Errorf("%s, %v", chiptest.Text(s), err)
	}
}

func TestWhatIsNoMeasurementIsNoSample(t *testing.T) {
	words := func(co2, celsius, percent float32) []uint16 {
		var w []uint16
		for _, f := range []float32{co2, celsius, percent} {
			w = append(w, uint16(math.Float32bits(f)>>16), uint16(math.Float32bits(f)))
		}
		return w
	}
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		words []uint16
		want  error
	}{
		"before the first": {words(0, 0, 0), ErrNoCO2}, "no number": {words(nan, 20, 50), sensors.ErrNotDecimal},
		"infinite": {words(400, float32(math.Inf(1)), 50), sensors.ErrNotDecimal}, "too dry": {words(400, 20, -0.1), chip.ErrImplausible},
		"too much": {words(40001, 20, 50), chip.ErrImplausible},
	} {
		if s, err := samples(c.words, clock.Instant{}); !errors.Is(err, c.want) || s != nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

func FuzzSamples(f *testing.F) {
	f.Add(uint32(0x43DB8C2E), uint32(0x41D9E7FF), uint32(0x4243<<16))
	f.Add(uint32(0), uint32(0), uint32(0))
	f.Add(uint32(0x7FC00000), uint32(0xFF800000), uint32(0x80000000))
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		var w []uint16
		for _, v := range []uint32{a, b, c} {
			w = append(w, uint16(v>>16), uint16(v))
		}
		s, err := samples(w, clock.Instant{})
		if (err == nil) != (len(s) == 3) {
			t.Fatalf("%x: %v, %v", w, s, err)
		}
		for i, o := range outputs() {
			if err == nil && (s[i].Value.Cmp(o.Min) < 0 || s[i].Value.Cmp(o.Max) > 0) {
				t.Errorf("%x: %s %s", w, o.Quantity, s[i].Value)
			}
		}
	})
}
