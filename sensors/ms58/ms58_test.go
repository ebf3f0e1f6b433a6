package ms58

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"loam/sensors/chip/chiptest"
)

// an520 is the example printed in TE's application note AN520; its checksum is 0xB.
var an520 = PROM{0x3132, 0x3334, 0x3536, 0x3738, 0x3940, 0x4142, 0x4344, 0x4500}

func TestChecksumOfTheApplicationNote(t *testing.T) {
	if crc := CRC4(an520); crc != 0xB {
		t.Errorf("%#x, want 0xB", crc)
	}
	p := an520
	p[7] |= 0xB
	if err := Eight.Check(p); err != nil {
		t.Error(err)
	}
}

// sealed writes the checksum into a PROM.
func (l Layout) sealed(p PROM) PROM {
	p[l.crcWord] &^= 0xF << l.crcShift
	if l.crcWord == 7 {
		p[7] &= 0xFF00
	}
	p[l.crcWord] |= CRC4(p) << l.crcShift
	return p
}

func TestEveryWrongBitIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SampledFrom([]Layout{Seven, Eight}).Draw(t, "layout")
		var p PROM
		for i := range l.words {
			p[i] = rapid.Uint16Range(1, 0xFFFE).Draw(t, "word")
		}
		p = l.sealed(p)
		if err := l.Check(p); err != nil {
			t.Fatal(err)
		}
		word, bit := rapid.IntRange(0, 6).Draw(t, "wrong word"), rapid.IntRange(0, 15).Draw(t, "wrong bit")
		p[word] ^= 1 << bit
		if err := l.Check(p); !errors.Is(err, ErrCRC) {
			t.Fatalf("bit %d of word %d: %v", bit, word, err)
		}
	})
}

func TestADeadBusHasNoCoefficients(t *testing.T) {
	for _, l := range []Layout{Seven, Eight} {
		if err := l.Check(PROM{}); !errors.Is(err, ErrCRC) {
			t.Errorf("zeros, whose checksum is zero: %v", err)
		}
		ones := PROM{}
		for i := range l.words {
			ones[i] = 0xFFFF
		}
		if err := l.Check(ones); !errors.Is(err, ErrCRC) {
			t.Errorf("ones: %v", err)
		}
	}
}

func TestVectors(t *testing.T) {
	ms5611 := Variant{Offset: 16, OffsetTemp: 7, Sens: 15, SensTemp: 8, Pressure: 15}
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"MS5611 conversion": func(v chiptest.Vector) (chiptest.Answer, error) {
			var in struct{ C1, C2, C3, C4, C5, C6, D1, D2 uint32 }
			v.Into(t, &in)
			p := PROM{0, uint16(in.C1), uint16(in.C2), uint16(in.C3), uint16(in.C4), uint16(in.C5), uint16(in.C6)}
			return chiptest.Answer{
				"temperature": float64(ms5611.First(p, in.D2).Temperature) / 100,
				"pressure":    float64(ms5611.PressureOfFirstOrder(p, in.D1, in.D2)) / 100,
			}, nil
		},
	})
}

func TestNoInputOverflows(t *testing.T) {
	// 24 bits of D1 times the largest SENS of any variant stays below 2^63.
	p := PROM{0, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0, 0xFFFF}
	wide := Variant{Offset: 17, OffsetTemp: 6, Sens: 16, SensTemp: 7, Pressure: 15}
	f := wide.First(p, 0xFFFFFF)
	if exact := float64(0xFFFFFF) * float64(f.Sens); exact >= math.MaxInt64 || f.Sens < 0 || f.Off < 0 {
		t.Errorf("%+v: %g", f, exact)
	}
}
