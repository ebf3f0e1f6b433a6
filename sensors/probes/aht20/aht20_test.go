package aht20

import (
	"errors"
	"math"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
	periph "periph.io/x/devices/v3/aht20"

	"loam/sensors/chip/chiptest"
	"loam/sensors/clock"
	"loam/sensors/sensirion"
)

// example is the frame of the vector: 19.4458 °C, 45.82824 %.
func example() [7]byte { return [7]byte{0x18, 0x75, 0x52, 0x05, 0x8E, 0x40, 0x7F} }

func sealed(b [7]byte) [7]byte {
	b[6] = sensirion.CRC8(sensirion.Initial, b[:6]...)
	return b
}

func TestVectors(t *testing.T) {
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"AHT20 frame": func(v chiptest.Vector) (chiptest.Answer, error) {
			frame := [7]byte(v.Bytes(t))
			if _, err := parse(frame, clock.Instant{}); err != nil {
				return nil, err
			}
			h, c := split(frame)
			const parts = 1_000_000 // the vectors have more digits than are passed on
			return chiptest.Answer{"temperature": float64(celsius(c, parts)) / parts, "relative_humidity": float64(percent(h, parts)) / parts}, nil
		},
	})
}

// TestCapture is a frame that the project elixir-sensors/aht20 printed.
func TestCapture(t *testing.T) {
	s, err := parse([7]byte{28, 38, 154, 118, 66, 231, 118}, clock.Instant{})
	if err != nil || chiptest.Text(s) != "28.27 15.08" {
		t.Errorf("%s, %v", chiptest.Text(s), err)
	}
}

func TestFramesThatAreNoMeasurement(t *testing.T) {
	for name, c := range map[string]struct {
		status byte
		want   error
	}{
		"busy": {0x98, ErrBusy}, "not calibrated": {0x10, ErrUncalibrated}, "power-on": {0x00, ErrUncalibrated}, "busy after power-on": {0x80, ErrBusy},
	} {
		b := example()
		b[0] = c.status
		if s, err := parse(sealed(b), clock.Instant{}); !errors.Is(err, c.want) || s != nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	for bit := range 56 {
		b := example()
		b[bit/8] ^= 1 << (bit % 8)
		if s, err := parse(b, clock.Instant{}); !errors.Is(err, sensirion.ErrCRC) || s != nil {
			t.Errorf("bit %d turned over: %v, %v", bit, s, err)
		}
	}
}

func TestAMeasurementThatDoesNotEndIsGivenUp(t *testing.T) {
	b := example()
	b[0] |= busy
	b = sealed(b)
	script := []i2ctest.IO{{Addr: 0x38, W: []byte{0x71}, R: []byte{0x18}}, {Addr: 0x38, W: []byte{0xAC, 0x33, 0x00}}}
	for range patience {
		script = append(script, i2ctest.IO{Addr: 0x38, R: b[:]})
	}
	d, err := chiptest.Play(t, Model(), nil, script...)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); !errors.Is(err, ErrBusy) || s != nil {
		t.Errorf("%v, %v", s, err)
	}
}

// TestAgreesWithPeriph has both drivers read the same chip.
func TestAgreesWithPeriph(t *testing.T) {
	frame := example()
	script := []i2ctest.IO{
		{Addr: 0x38, W: []byte{0x71}, R: []byte{0x18}}, {Addr: 0x38, W: []byte{0xAC, 0x33, 0x00}}, {Addr: 0x38, R: frame[:]},
	}
	opts := periph.DefaultOpts
	opts.MeasurementReadTimeout = time.Second
	dev, err := periph.NewI2C(&i2ctest.Playback{Ops: script, DontPanic: true}, &opts)
	if err != nil {
		t.Fatal(err)
	}
	var env physic.Env
	if err := dev.Sense(&env); err != nil {
		t.Fatal(err)
	}
	d, err := chiptest.Play(t, Model(), nil, script...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Sense(t.Context())
	if err != nil || chiptest.Text(s) != "19.45 45.83" {
		t.Fatalf("%s, %v", chiptest.Text(s), err)
	}
	if c := env.Temperature.Celsius(); math.Abs(s[0].Value.Float64()-c) > 0.005 {
		t.Errorf("%s, periph has %v", s[0].Value, c)
	}
}

func FuzzParse(f *testing.F) {
	seed := example()
	f.Add(seed[:])
	f.Add(make([]byte, 7))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 7 {
			return
		}
		for _, frame := range [][7]byte{[7]byte(b), sealed([7]byte(b))} {
			s, err := parse(frame, clock.Instant{})
			if (err == nil) != (len(s) == 2) {
				t.Fatalf("% x: %v, %v", frame, s, err)
			}
			for i, o := range outputs() {
				if err == nil && (s[i].Value.Cmp(o.Min) < 0 || s[i].Value.Cmp(o.Max) > 0) {
					t.Errorf("% x: %s %s", frame, o.Quantity, s[i].Value)
				}
			}
		}
	})
}
