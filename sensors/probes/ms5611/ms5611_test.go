package ms5611

import (
	"errors"
	"math"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"pgregory.net/rapid"

	"loam/sensors/chip"
	"loam/sensors/chip/chiptest"
	"loam/sensors/ms58"
)

// typical are the coefficients of the data sheet's example (figure 2).
func typical() ms58.PROM {
	p := ms58.PROM{0, 40127, 36924, 23317, 23282, 33464, 28312, 0}
	p[7] = ms58.CRC4(p)
	return p
}

const typicalD1, typicalD2 = 9085466, 8569150

func TestVectors(t *testing.T) {
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"MS5611 conversion": func(v chiptest.Vector) (chiptest.Answer, error) {
			var in struct{ C1, C2, C3, C4, C5, C6, D1, D2 uint32 }
			v.Into(t, &in)
			p := ms58.PROM{0, uint16(in.C1), uint16(in.C2), uint16(in.C3), uint16(in.C4), uint16(in.C5), uint16(in.C6)}
			return chiptest.Answer{
				"temperature": float64(formulas().First(p, in.D2).Temperature) / 100,
				"pressure":    float64(formulas().PressureOfFirstOrder(p, in.D1, in.D2)) / 100,
			}, nil
		},
	})
}

// TestSecondOrderIsAsPrinted compares with figure 3 in floating point, over the chip's whole range: the
// integers of the data sheet cut off a little at each step.
func TestSecondOrderIsAsPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, d1, d2 := typical(), rapid.Uint32Range(5_000_000, 11_000_000).Draw(t, "D1"), rapid.Uint32Range(7_100_000, 10_400_000).Draw(t, "D2")
		c := func(i int) float64 { return float64(p[i]) }
		dT := float64(d2) - c(5)*256
		temp := 2000 + dT*c(6)/8388608
		var t2, off2, sens2 float64
		if temp < 2000 {
			t2, off2, sens2 = dT*dT/2147483648, 5*(temp-2000)*(temp-2000)/2, 5*(temp-2000)*(temp-2000)/4
		}
		if temp < -1500 {
			off2 += 7 * (temp + 1500) * (temp + 1500)
			sens2 += 11 * (temp + 1500) * (temp + 1500) / 2
		}
		off, sens := c(2)*65536+c(4)*dT/128-off2, c(1)*32768+c(3)*dT/256-sens2
		pascal := (float64(d1)*sens/2097152 - off) / 32768
		gotT, gotP := formulas().Compensate(p, d1, d2)
		if math.Abs(float64(gotT)-(temp-t2)) > 2 || math.Abs(float64(gotP)-pascal) > 6 {
			t.Fatalf("%d and %d, figure 3 has %.2f and %.2f", gotT, gotP, temp-t2, pascal)
		}
	})
}

func read(register byte, answer ...byte) i2ctest.IO {
	return i2ctest.IO{Addr: 0x77, W: []byte{register}, R: answer}
}

func transcript(p ms58.PROM, d1, d2 uint32) []i2ctest.IO {
	script := []i2ctest.IO{{Addr: 0x77, W: []byte{0x1E}}}
	for i, v := range p {
		script = append(script, read(0xA0+byte(2*i), byte(v>>8), byte(v)))
	}
	return append(script,
		i2ctest.IO{Addr: 0x77, W: []byte{0x48}}, read(0, byte(d1>>16), byte(d1>>8), byte(d1)),
		i2ctest.IO{Addr: 0x77, W: []byte{0x58}}, read(0, byte(d2>>16), byte(d2>>8), byte(d2)))
}

func TestTranscript(t *testing.T) {
	d, err := chiptest.Play(t, Model(), nil, transcript(typical(), typicalD1, typicalD2)...)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); err != nil || chiptest.Text(s) != "100009 20.07" {
		t.Errorf("%s, %v", chiptest.Text(s), err)
	}
}

func TestWhatCannotBeIsNoSample(t *testing.T) {
	for name, c := range map[string]struct {
		d1, d2 uint32
		want   error
	}{
		"thin air": {4_000_000, typicalD2, chip.ErrImplausible}, "heat": {typicalD1, 12_000_000, chip.ErrImplausible},
		"not converted": {0, typicalD2, ms58.ErrNotMeasured},
	} {
		t.Run(name, func(t *testing.T) {
			script := transcript(typical(), c.d1, c.d2)
			if c.d1 == 0 {
				script = script[:len(script)-2]
			}
			d, err := chiptest.Play(t, Model(), nil, script...)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := d.Sense(t.Context()); !errors.Is(err, c.want) || s != nil {
				t.Errorf("%v, %v", s, err)
			}
		})
	}
}

func FuzzCompensate(f *testing.F) {
	f.Add(uint32(typicalD1), uint32(typicalD2))
	f.Add(uint32(0xFFFFFF), uint32(1))
	f.Fuzz(func(t *testing.T, d1, d2 uint32) {
		d1, d2 = d1&0xFFFFFF, d2&0xFFFFFF
		if c, p := formulas().Compensate(typical(), d1, d2); c < -70_000 || c > 60_000 || p < -10_000_000 || p > 10_000_000 {
			t.Errorf("D1 %d, D2 %d: %d and %d", d1, d2, c, p)
		}
	})
}
