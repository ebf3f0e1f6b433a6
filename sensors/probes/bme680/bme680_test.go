package bme680

import (
	"errors"
	"slices"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors/chip"
	"loam/sensors/chip/chiptest"
	"loam/sensors/clock"
)

// field is what a chip's registers hold after a measurement; status is that of the gas.
func field(rawT, rawP, rawH, gas int, rng, status byte, at int) [fieldLength]byte {
	f := [fieldLength]byte{
		fresh, 0, byte(rawP >> 12), byte(rawP >> 4), byte(rawP << 4), byte(rawT >> 12), byte(rawT >> 4), byte(rawT << 4), byte(rawH >> 8), byte(rawH),
	}
	f[at], f[at+1] = byte(gas>>2), byte(gas<<6)|status|rng
	return f
}

func good() [fieldLength]byte {
	return field(recordedT, recordedP, recordedH, recordedGas, recordedRange, gasValid, 13)
}

func read(register byte, answer ...byte) i2ctest.IO {
	return i2ctest.IO{Addr: 0x76, W: []byte{register}, R: answer}
}

func begin(k trimming, variant byte) []i2ctest.IO {
	a, b, c := k.registers()
	return []i2ctest.IO{read(0xD0, 0x61), read(0xF0, variant), read(0x8A, a[:]...), read(0xE1, b[:]...), read(0x00, c[:]...)}
}

// trigger is what starts a measurement, with the heater as the formula says for the air of the last one.
func trigger(k trimming, ambient int64, run byte) i2ctest.IO {
	return i2ctest.IO{Addr: 0x76, W: []byte{
		0x74, 0x4C, 0x75, 0x00, 0x72, 0x02, 0x5A, k.heater(320, ambient), 0x64, 0x65, 0x70, 0x00, 0x71, run, 0x74, 0x4D,
	}}
}

func TestTranscript(t *testing.T) {
	k, f := recorded(), good()
	busy, unstable := f, field(recordedT, recordedP, recordedH, recordedGas, recordedRange, 1<<5, 13)
	busy[0] = fresh | 1<<6
	d, err := chiptest.Play(t, Model(), nil, append(begin(k, 0),
		trigger(k, 25, 0x10), read(0x1D, busy[:]...), read(0x1D, f[:]...),
		trigger(k, 19, 0x10), read(0x1D, unstable[:]...))...)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); err != nil || chiptest.Text(s) != "19.31 25.20 100977 20467" {
		t.Errorf("%s, %v", chiptest.Text(s), err)
	}
	if s, err := d.Sense(t.Context()); err != nil || chiptest.Text(s) != "19.31 25.20 100977" {
		t.Errorf("heater not stable: %s, %v", chiptest.Text(s), err)
	}
}

func TestABME688KeepsItsGasElsewhere(t *testing.T) {
	k, f := another(), field(recordedT, recordedP, recordedH, 700, 6, gasValid, 15)
	d, err := chiptest.Play(t, Model(), nil, append(begin(k, 1), trigger(k, 25, 0x20), read(0x1D, f[:]...))...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Sense(t.Context())
	if err != nil || len(s) != 4 || s[3].Value.String() != "878970" {
		t.Errorf("%s, %v", chiptest.Text(s), err)
	}
}

func TestWhatIsNotMeasuredIsNoSample(t *testing.T) {
	p := &probe{trimming: recorded()}
	for name, c := range map[string]struct {
		field [fieldLength]byte
		want  error
	}{
		"power-on":         {field(0x80000, 0x80000, 0x8000, 0, 0, 0, 13), ErrNotMeasured},
		"all zero":         {[fieldLength]byte{}, ErrNotMeasured},
		"no humidity":      {field(recordedT, recordedP, 0x8000, 0, 0, gasValid, 13), ErrNotMeasured},
		"no pressure":      {field(recordedT, 0x80000, recordedH, 0, 0, gasValid, 13), ErrNotMeasured},
		"no temperature":   {field(0x80000, recordedP, recordedH, 0, 0, gasValid, 13), ErrNotMeasured},
		"heat":             {field(0xFFFFF, recordedP, recordedH, 0, 0, gasValid, 13), chip.ErrImplausible},
		"pressed together": {field(recordedT, 1, recordedH, 0, 0, gasValid, 13), chip.ErrImplausible},
	} {
		if s, err := p.samples(c.field, clock.Instant{}); !errors.Is(err, c.want) || s != nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

func TestAMeasurementThatDoesNotEndIsGivenUp(t *testing.T) {
	k, none := recorded(), [fieldLength]byte{}
	script := append(begin(k, 0), trigger(k, 25, 0x10))
	for range patience {
		script = append(script, read(0x1D, none[:]...))
	}
	d, err := chiptest.Play(t, Model(), nil, script...)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); !errors.Is(err, ErrBusy) || s != nil {
		t.Errorf("%v, %v", s, err)
	}
}

func TestOtherChipsAreRefused(t *testing.T) {
	for name, c := range map[string][]i2ctest.IO{
		"BME280": {read(0xD0, 0x60), read(0xF0, 0)}, "unknown variant": {read(0xD0, 0x61), read(0xF0, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := chiptest.Play(t, Model(), nil, c...); !errors.Is(err, ErrWrongChip) {
				t.Error(err)
			}
		})
	}
}

func FuzzSamples(f *testing.F) {
	seed := good()
	f.Add(seed[:], false)
	f.Add(make([]byte, fieldLength), true)
	f.Fuzz(func(t *testing.T, b []byte, high bool) {
		if len(b) != fieldLength {
			return
		}
		p := &probe{trimming: another(), high: high}
		s, err := p.samples([fieldLength]byte(b), clock.Instant{})
		if (err == nil) != (len(s) >= 3) {
			t.Fatalf("% x: %v, %v", b, s, err)
		}
		for i, v := range s {
			if o := outputs()[i]; v.Quantity != o.Quantity || v.Value.Cmp(o.Min) < 0 || v.Value.Cmp(o.Max) > 0 {
				t.Errorf("% x: %s %s", b, v.Quantity, v.Value)
			}
		}
	})
}

func FuzzTrimming(f *testing.F) {
	a, b, c := recorded().registers()
	seed := good()
	f.Add(slices.Concat(a[:], b[:], c[:]), seed[2:10])
	f.Fuzz(func(t *testing.T, coefficients, raw []byte) {
		if len(coefficients) != trimming1+trimming2+trimming3 || len(raw) != 8 {
			return
		}
		k, err := parseTrimming([trimming1]byte(coefficients), [trimming2]byte(coefficients[trimming1:]), [trimming3]byte(coefficients[trimming1+trimming2:]))
		if err != nil {
			return
		}
		p := &probe{trimming: k}
		fl := [fieldLength]byte{fresh}
		copy(fl[2:], raw)
		_, _ = p.samples(fl, clock.Instant{}) // must not panic, whatever the coefficients
		k.heater(heaterCelsius, -40)
	})
}
