package sht2x

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors/chip/chiptest"
	"loam/sensors/sensirion"
)

func frame(raw uint16) [3]byte {
	b := binary.BigEndian.AppendUint16(nil, raw)
	return [3]byte{b[0], b[1], sensirion.CRC8(sensirion.InitialSHT2x, b...)}
}

// TestConversion compares every raw value with the formulas of section 6 in floating point.
func TestConversion(t *testing.T) {
	for raw := 0; raw < 1<<16; raw += 4 {
		s := float64(raw) / 65536
		if c := -46.85 + 175.72*s; math.Abs(float64(celsius(uint16(raw)))/100-c) > 0.00501 {
			t.Fatalf("%#x is %d, want %.4f °C", raw, celsius(uint16(raw)), c)
		}
		if h := min(max(-6+125*s, 0), 100); math.Abs(float64(percent(uint16(raw)))/100-h) > 0.00501 {
			t.Fatalf("%#x is %d, want %.4f %%", raw, percent(uint16(raw)), h)
		}
	}
}

// TestExample is figure 15 of the data sheet: 0x6350 with the status bits of a humidity is 42.5 %.
func TestExample(t *testing.T) {
	raw, err := parse(frame(0x6352), statusHumidity)
	if err != nil || percent(raw) != 4249 {
		t.Errorf("%#x is %d, %v", raw, percent(raw), err)
	}
	if [3]byte{0x63, 0x52, 0x64} != frame(0x6352) {
		t.Errorf("% x, the figure has 63 52 64", frame(0x6352))
	}
}

func TestAnAnswerIsWhatWasAskedFor(t *testing.T) {
	for _, raw := range []uint16{0x6350, 0x6351, 0x6353} {
		if _, err := parse(frame(raw), statusHumidity); !errors.Is(err, ErrWrongAnswer) {
			t.Errorf("%#x taken for a humidity: %v", raw, err)
		}
	}
	bad := frame(0x6352)
	bad[2]++
	if _, err := parse(bad, statusHumidity); !errors.Is(err, sensirion.ErrCRC) {
		t.Errorf("wrong checksum: %v", err)
	}
}

func TestAHeatedChipIsRefused(t *testing.T) {
	_, err := chiptest.Play(t, Model(), nil,
		i2ctest.IO{Addr: 0x40, W: []byte{0xFE}}, i2ctest.IO{Addr: 0x40, W: []byte{0xE7}, R: []byte{0x06}})
	if !errors.Is(err, ErrHeated) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{0x63, 0x52, 0x64}, uint16(statusHumidity))
	f.Add([]byte{0, 0, 0}, uint16(statusTemperature))
	f.Fuzz(func(t *testing.T, b []byte, status uint16) {
		if len(b) != 3 {
			return
		}
		raw, err := parse([3]byte(b), status)
		if err == nil && frame(raw|status) != [3]byte(b) || err != nil && raw != 0 {
			t.Errorf("% x became %#x, %v", b, raw, err)
		}
	})
}
