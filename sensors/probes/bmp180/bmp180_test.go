package bmp180

import (
	"encoding/binary"
	"errors"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/bmxx80"

	"loam/sensors/chip"
	"loam/sensors/chip/chiptest"
)

// example are the coefficients of the data sheet's figure 4.
func example() coefficients {
	return coefficients{AC1: 408, AC2: -72, AC3: -14383, AC4: 32741, AC5: 32757, AC6: 23153, B1: 6190, B2: 4, MB: -32768, MC: -8711, MD: 2868}
}

func (c coefficients) registers() []byte {
	var b []byte
	for _, v := range []uint16{uint16(c.AC1), uint16(c.AC2), uint16(c.AC3), c.AC4, c.AC5, c.AC6, uint16(c.B1), uint16(c.B2), uint16(c.MB), uint16(c.MC), uint16(c.MD)} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

func TestVectors(t *testing.T) {
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"BMP180 conversion": func(v chiptest.Vector) (chiptest.Answer, error) {
			var in struct {
				coefficients
				UT, UP int64
				OSS    uint `json:"oss"`
			}
			v.Into(t, &in)
			deci, b5, ok := in.temperature(in.UT)
			pascal, ok2 := in.pressure(in.UP, b5, in.OSS)
			if !ok || !ok2 {
				return nil, chip.ErrImplausible
			}
			return chiptest.Answer{"temperature": float64(deci) / 10, "pressure": float64(pascal)}, nil
		},
	})
}

// TestAgreesWithPeriph compares with an independent implementation of the same formulas, over what air can be.
func TestAgreesWithPeriph(t *testing.T) {
	for i := range uint32(10) {
		c, ut, up := example(), uint16(26000+600*i), 180_000+10_000*i
		c.AC5, c.AC6 = uint16(32100+130*i), uint16(23900-180*i)
		bus := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
			{Addr: 0x77, W: []byte{0xD0}, R: []byte{0x55}}, {Addr: 0x77, W: []byte{0xAA}, R: c.registers()},
			{Addr: 0x77, W: []byte{0xF4, 0x2E}}, {Addr: 0x77, W: []byte{0xF6}, R: binary.BigEndian.AppendUint16(nil, ut)},
			{Addr: 0x77, W: []byte{0xF4, 0xF4}}, {Addr: 0x77, W: []byte{0xF6}, R: binary.BigEndian.AppendUint32(nil, up<<5)[1:]},
		}}
		dev, err := bmxx80.NewI2C(bus, 0x77, &bmxx80.Opts{Temperature: bmxx80.O1x, Pressure: bmxx80.O8x})
		if err != nil {
			t.Fatal(err)
		}
		var env physic.Env
		if err := dev.Sense(&env); err != nil {
			t.Fatal(err)
		}
		deci, b5, _ := c.temperature(int64(ut))
		pascal, _ := c.pressure(int64(up), b5, 3)
		if want := physic.Temperature(deci)*100*physic.MilliCelsius + physic.ZeroCelsius; want != env.Temperature {
			t.Errorf("temperature %s, periph has %s", want, env.Temperature)
		}
		if off := physic.Pressure(pascal)*physic.Pascal - env.Pressure; off < -4*physic.Pascal || off > 4*physic.Pascal {
			t.Errorf("pressure %d Pa, periph has %s", pascal, env.Pressure)
		}
	}
}

func read(register byte, answer ...byte) i2ctest.IO {
	return i2ctest.IO{Addr: 0x77, W: []byte{register}, R: answer}
}

func result(control byte, raw uint32) i2ctest.IO {
	return read(0xF4, control, 0, byte(raw>>16), byte(raw>>8), byte(raw))
}

func begin() []i2ctest.IO {
	return []i2ctest.IO{read(0xD0, 0x55), read(0xAA, example().registers()...)}
}

// TestTranscript is the data sheet's example with the pressure sampled eight times; the chip is still busy once.
func TestTranscript(t *testing.T) {
	d, err := chiptest.Play(t, Model(), nil, append(begin(),
		i2ctest.IO{Addr: 0x77, W: []byte{0xF4, 0x2E}}, result(0x2E, 0x800000), result(0x0E, 27898<<8),
		i2ctest.IO{Addr: 0x77, W: []byte{0xF4, 0xF4}}, result(0xD4, 23843<<8))...)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); err != nil || chiptest.Text(s) != "15.0 69963" {
		t.Errorf("%s, %v", chiptest.Text(s), err)
	}
}

func TestWhatIsNoMeasurementIsNoSample(t *testing.T) {
	once := func(ut, up uint32) []i2ctest.IO {
		return []i2ctest.IO{
			{Addr: 0x77, W: []byte{0xF4, 0x2E}}, result(0x0E, ut), {Addr: 0x77, W: []byte{0xF4, 0xF4}}, result(0xD4, up),
		}
	}
	busy := []i2ctest.IO{{Addr: 0x77, W: []byte{0xF4, 0x2E}}}
	for range patience {
		busy = append(busy, result(0x2E, 27898<<8))
	}
	var restarting []i2ctest.IO
	for range attempts {
		restarting = append(restarting, once(0x800000, 0)[:2]...)
	}
	for name, c := range map[string]struct {
		script []i2ctest.IO
		want   error
	}{
		"busy": {busy, ErrBusy}, "restarting": {restarting, ErrNotMeasured},
		"all ones": {once(0xFFFFFF, 0xFFFFFF), chip.ErrImplausible}, "thin air": {once(27898<<8, 5000<<8), chip.ErrImplausible},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := chiptest.Play(t, Model(), nil, append(begin(), c.script...)...)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := d.Sense(t.Context()); !errors.Is(err, c.want) || s != nil {
				t.Errorf("%v, %v", s, err)
			}
		})
	}
}

func TestOtherChipsAreRefused(t *testing.T) {
	for id, want := range map[byte]error{0x58: ErrWrongChip, 0x60: ErrWrongChip, 0x55: errCoefficients} {
		script := []i2ctest.IO{read(0xD0, id)}
		if id == idBMP180 {
			script = append(script, read(0xAA, make([]byte, coefficientBytes)...))
		}
		t.Run(want.Error()+string(rune('A'+id%26)), func(t *testing.T) {
			if _, err := chiptest.Play(t, Model(), nil, script...); !errors.Is(err, want) {
				t.Error(err)
			}
		})
	}
}

func FuzzCompensate(f *testing.F) {
	f.Add(example().registers(), uint16(27898), uint32(23843<<3))
	f.Add(make([]byte, coefficientBytes), uint16(0), uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, ut uint16, up uint32) {
		if len(b) != coefficientBytes {
			return
		}
		c, err := parseCoefficients([coefficientBytes]byte(b))
		if err != nil {
			return
		}
		// Whatever the coefficients, nothing may panic.
		if _, b5, ok := c.temperature(int64(ut)); ok {
			if p, ok := c.pressure(int64(up&0x7FFFF), b5, oversampling); !ok && p != 0 {
				t.Errorf("%+v: %d", c, p)
			}
		}
	})
}
