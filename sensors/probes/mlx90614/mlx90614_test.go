package mlx90614

import (
	"encoding/binary"
	"errors"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors/chip"
	"loam/sensors/chip/chiptest"
	"loam/sensors/clock"
)

func TestVectors(t *testing.T) {
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"MLX90614 conversion": func(v chiptest.Vector) (chiptest.Answer, error) {
			s, err := samples(binary.LittleEndian.Uint16(v.Bytes(t)), clock.Instant{})
			if err != nil {
				return nil, err
			}
			return chiptest.Answer{"temperature": s[0].Value.Float64()}, nil
		},
	})
}

// TestCodesOfTheApplicationNote has the two writes that Melexis prints with their codes, and the check value that CRC
// catalogues give for this polynomial.
func TestCodesOfTheApplicationNote(t *testing.T) {
	for _, c := range []struct {
		message []byte
		want    byte
	}{
		{[]byte{0x00, 0x2E, 0x00, 0x00}, 0x6F}, {[]byte{0x00, 0x2E, 0x5A, 0x00}, 0xE1}, {[]byte("123456789"), 0xF4},
	} {
		if got := crc(c.message...); got != c.want {
			t.Errorf("% x: %#x, want %#x", c.message, got, c.want)
		}
	}
}

// TestRange is what the note says of cell 7: from 0x27AD at −70.01 °C to 0x7FFF at 382.19 °C.
func TestRange(t *testing.T) {
	for raw, want := range map[uint16]string{0x27AD: "-70.01", 0x7FFF: "382.19"} {
		if s, err := samples(raw, clock.Instant{}); err != nil || chiptest.Text(s) != want {
			t.Errorf("%#x: %v, %v; want %s", raw, s, err, want)
		}
	}
	for raw, want := range map[uint16]error{0x27AC: chip.ErrImplausible, 0: chip.ErrImplausible, 0x8000: ErrFlagged, 0xFFFF: ErrFlagged, 0xBAD2: ErrFlagged} {
		if s, err := samples(raw, clock.Instant{}); !errors.Is(err, want) || s != nil {
			t.Errorf("%#x: %v, %v", raw, s, err)
		}
	}
}

// ask is a question and its answer, with the code of the note's formula.
func ask(command byte, word uint16) i2ctest.IO {
	b := binary.LittleEndian.AppendUint16(nil, word)
	return i2ctest.IO{Addr: 0x5A, W: []byte{command}, R: append(b, crc(0xB4, command, 0xB5, b[0], b[1]))}
}

func TestTranscript(t *testing.T) {
	spoilt := ask(0x07, 0x3AD2)
	spoilt.R[0] ^= 2
	d, err := chiptest.Play(t, Model(), nil, ask(0x2E, 0xBE5A), ask(0x07, 0x3AD2), spoilt)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); err != nil || chiptest.Text(s) != "28.01" {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := d.Sense(t.Context()); !errors.Is(err, ErrPEC) || s != nil {
		t.Errorf("wrong code: %v, %v", s, err)
	}
}

func TestOtherChipsAreRefused(t *testing.T) {
	if _, err := chiptest.Play(t, Model(), nil, ask(0x2E, 0xBE5B)); !errors.Is(err, ErrWrongChip) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(byte(0x5A), byte(0x07), []byte{0xD2, 0x3A, 0x30})
	f.Add(byte(0x5A), byte(0x2E), []byte{0, 0, 0})
	f.Fuzz(func(t *testing.T, address, command byte, b []byte) {
		if len(b) != 3 {
			return
		}
		raw, err := parse(address, command, [3]byte(b))
		rest := crc(address<<1, command, address<<1|1, b[0], b[1], b[2])
		if (err == nil) != (rest == 0) || err != nil && raw != 0 {
			t.Errorf("% x: %#x, %v", b, raw, err)
		}
	})
}
