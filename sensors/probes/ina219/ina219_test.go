package ina219

import (
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
	periph "periph.io/x/devices/v3/ina219"
	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/chip/chiptest"
)

func word(v uint16) []byte { return []byte{byte(v >> 8), byte(v)} }

func read(register byte, v uint16) i2ctest.IO {
	return i2ctest.IO{Addr: 0x40, W: []byte{register}, R: word(v)}
}

// measured is one question and its answers, up to the last one given.
func measured(bus, shunt uint16) []i2ctest.IO {
	return []i2ctest.IO{{Addr: 0x40, W: []byte{0, 0x3F, 0xFB}}, read(2, bus), read(1, shunt), read(0, 0x3FFB)}
}

func begin() []i2ctest.IO {
	return []i2ctest.IO{{Addr: 0x40, W: []byte{0, 0x3F, 0xFB}}, read(0, 0x3FFB)}
}

func sense(t *testing.T, settings map[string]string, script ...i2ctest.IO) ([]sensors.Sample, error) {
	t.Helper()
	d, err := chiptest.Play(t, Model(), settings, append(begin(), script...)...)
	if err != nil {
		t.Fatal(err)
	}
	return d.Sense(t.Context())
}

// TestDataSheet is the worked example of section 8.5.2.1: 11.98 V and 10 A over 2 mΩ.
func TestDataSheet(t *testing.T) {
	s, err := sense(t, map[string]string{"shunt_milliohm": "2"}, measured(0x5D98|2, 0x07D0)...)
	if err != nil || chiptest.Text(s) != "11.980 10000.0" {
		t.Errorf("%s, %v", chiptest.Text(s), err)
	}
}

// TestShuntExamples are the shunt voltages of section 8.6.3.1: −320.00 mV, and less with the other gains.
func TestShuntExamples(t *testing.T) {
	for raw, want := range map[uint16]string{0xC180: "-1600.0", 0xE0C0: "-800.0", 0xF060: "-400.0", 0x0FA0: "400.0", 0xFFFF: "-0.1", 0: "0.0"} {
		t.Run(want, func(t *testing.T) {
			if s, err := sense(t, nil, measured(2, raw)...); err != nil || chiptest.Text(s) != "0.000 "+want {
				t.Errorf("%s, %v", chiptest.Text(s), err)
			}
		})
	}
}

func TestWhatIsNoMeasurementIsNoSample(t *testing.T) {
	patiently := []i2ctest.IO{{Addr: 0x40, W: []byte{0, 0x3F, 0xFB}}}
	for range patience {
		patiently = append(patiently, read(2, 0x5D98))
	}
	for name, c := range map[string]struct {
		script []i2ctest.IO
		want   error
	}{
		"never ready":    {slices.Concat(patiently, begin()[1:]), ErrBusy},
		"lost its power": {slices.Concat(patiently, []i2ctest.IO{read(0, 0x399F)}), ErrSettings},
		"other program":  {append(measured(0x5D9A, 100)[:3], read(0, 0x399F)), ErrSettings},
		"overload":       {measured(0x5D9A, 0x7D00), ErrOverload},
		"reverse":        {measured(0x5D9A, 0x8300), ErrOverload},
		"26.004 V":       {measured(6501<<3|2, 100), chip.ErrImplausible},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := sense(t, nil, c.script...); !errors.Is(err, c.want) || s != nil {
				t.Errorf("%v, %v", s, err)
			}
		})
	}
}

func TestOtherChipsAreRefused(t *testing.T) {
	_, err := chiptest.Play(t, Model(), nil, begin()[0], read(0, 0x0000))
	if !errors.Is(err, ErrSettings) {
		t.Error(err)
	}
}

func TestTheShuntDecidesTheRange(t *testing.T) {
	for shunt, want := range map[string]string{"100": "3200.0", "1.5": "213333.3", "0.1": "3200000.0", "10000": "32.0"} {
		m, err := Model().For(sensors.Wiring{Settings: map[string]string{"shunt_milliohm": shunt}})
		if err != nil || m.Outputs[1].Max.String() != want || m.Outputs[1].Min.String() != "-"+want {
			t.Errorf("%s mΩ: %+v, %v", shunt, m.Outputs, err)
		}
	}
	_, err := Model().For(sensors.Wiring{Settings: map[string]string{"shunt_milliohm": "0"}})
	if err == nil || !strings.Contains(err.Error(), "use 0.1 to 10000") {
		t.Error(err)
	}
}

// TestCurrentIsRoundedOnce compares with exact fractions.
func TestCurrentIsRoundedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.Int16Range(-31999, 31999).Draw(t, "raw")
		shunt := sensors.Decimal{Mantissa: rapid.Int64Range(1, 100_000).Draw(t, "tenths of mΩ"), Exponent: -1}
		got, err := current(raw, shunt)
		if err != nil {
			t.Fatal(err)
		}
		off := new(big.Rat).Sub(got.Rat(), big.NewRat(100*int64(raw), shunt.Mantissa))
		if off.Abs(off).Cmp(big.NewRat(1, 20)) > 0 {
			t.Fatalf("%d over %s mΩ is %s", raw, shunt, got)
		}
	})
}

// TestAgreesWithPeriph: both voltages are the same words to both drivers.
func TestAgreesWithPeriph(t *testing.T) {
	bus := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
		{Addr: 0x40, W: []byte{5, 0x10, 0x62}}, {Addr: 0x40, W: []byte{0, 0x1F, 0xFF}},
		read(1, 0x0FA0), read(2, 0x5D9A), read(4, 0x1000), read(3, 0x0100),
	}}
	dev, err := periph.New(bus, &periph.Opts{})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := dev.Sense()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := sense(t, nil, measured(0x5D9A, 0x0FA0)...)
	if err != nil {
		t.Fatal(err)
	}
	if want := ours[0].Value.Mantissa; int64(theirs.Voltage/physic.MilliVolt) != want {
		t.Errorf("%d mV, periph has %s", want, theirs.Voltage)
	}
	if want := ours[1].Value.Mantissa * 10; int64(theirs.Shunt/physic.MicroVolt) != want { // 0.1 mA over 0.1 Ω is 10 µV
		t.Errorf("%d µV, periph has %s", want, theirs.Shunt)
	}
}

func FuzzSense(f *testing.F) {
	f.Add(uint16(0x5D9A), uint16(0x07D0), "2")
	f.Add(uint16(0xFFFF), uint16(0x8000), "100")
	f.Fuzz(func(t *testing.T, bus, shunt uint16, milliohm string) {
		m, err := Model().For(sensors.Wiring{Settings: map[string]string{"shunt_milliohm": milliohm}})
		if err != nil {
			return
		}
		w := sensors.Wiring{Settings: map[string]string{"shunt_milliohm": milliohm}}
		mA, err := current(int16(shunt), w.Number("shunt_milliohm"))
		inside := int16(shunt) > -fullShunt && int16(shunt) < fullShunt
		if err != nil || inside && (mA.Cmp(m.Outputs[1].Min) < 0 || mA.Cmp(m.Outputs[1].Max) > 0) {
			t.Errorf("%d over %s mΩ: %s, %v", int16(shunt), milliohm, mA, err)
		}
	})
}
