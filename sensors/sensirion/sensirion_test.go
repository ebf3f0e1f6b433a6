package sensirion

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"loam/sensors/chip/chiptest"
)

func TestVectors(t *testing.T) {
	crc := func(initial byte) func(chiptest.Vector) (chiptest.Answer, error) {
		return func(v chiptest.Vector) (chiptest.Answer, error) {
			return chiptest.Answer{"crc": []byte{CRC8(initial, v.Bytes(t)...)}}, nil
		}
	}
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"Sensirion CRC-8 crc": crc(Initial), "SHT2x crc": crc(InitialSHT2x),
	})
}

// TestASumOverMessageAndChecksumIsNothing is the property by which the receiver of a CRC may check it too.
func TestASumOverMessageAndChecksumIsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		initial := rapid.Byte().Draw(t, "initial")
		if rest := CRC8(initial, append(b, CRC8(initial, b...))...); rest != 0 {
			t.Fatalf("% x leaves %#x", b, rest)
		}
	})
}

func TestWordsReturnWhatCommandWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.Uint16()).Draw(t, "words")
		frame := Command(0x1234, words...)[2:]
		got, err := Words(frame)
		if err != nil || len(got) != len(words) {
			t.Fatalf("%x became %x, %v", words, got, err)
		}
		for i := range got {
			if got[i] != words[i] {
				t.Fatalf("%x became %x", words, got)
			}
		}
		if len(frame) == 0 {
			return
		}
		bit := rapid.IntRange(0, len(frame)*8-1).Draw(t, "bit")
		frame[bit/8] ^= 1 << (bit % 8)
		if got, err := Words(frame); !errors.Is(err, ErrCRC) || got != nil {
			t.Fatalf("with bit %d turned over: %x, %v", bit, got, err)
		}
	})
}

func TestHalfAWordIsRefused(t *testing.T) {
	for _, n := range []int{1, 2, 4, 5} {
		if words, err := Words(make([]byte, n)); !errors.Is(err, ErrCRC) || words != nil {
			t.Errorf("%d bytes: %x, %v", n, words, err)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add([]byte{0xBE, 0xEF, 0x92})
	f.Add([]byte{0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C})
	f.Add([]byte{0x01, 0xF4, 0x7B})
	f.Fuzz(func(t *testing.T, b []byte) {
		words, err := Words(b)
		if err == nil && string(Command(0, words...)[2:]) != string(b) || err != nil && words != nil {
			t.Errorf("% x became %x, %v", b, words, err)
		}
	})
}
