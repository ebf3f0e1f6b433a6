package seesaw

import (
	"errors"
	"strings"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors/chip"
	"loam/sensors/chip/chiptest"
)

const at = 0x36

func identified(id byte) []i2ctest.IO {
	return []i2ctest.IO{{Addr: at, W: []byte{0x00, 0x01}}, {Addr: at, R: []byte{id}}}
}

// counted is the transcript of counts, one after the other.
func counted(counts ...uint16) []i2ctest.IO {
	var ops []i2ctest.IO
	for _, n := range counts {
		ops = append(ops, i2ctest.IO{Addr: at, W: []byte{0x0F, 0x10}}, i2ctest.IO{Addr: at, R: []byte{byte(n >> 8), byte(n)}})
	}
	return ops
}

func TestTranscripts(t *testing.T) {
	const no = 0xFFFF
	for name, c := range map[string]struct {
		counts []uint16
		want   string
		err    error
	}{
		"three counts":                  {[]uint16{633, 640, 636}, "636", nil},
		"a wrong bit":                   {[]uint16{633, 1657, 636}, "636", nil},
		"asked while it counts":         {[]uint16{no, 633, no, no, 640, 636}, "636", nil},
		"the last repetition":           {[]uint16{633, 640, no, no, no, no, 636}, "636", nil},
		"never a count":                 {[]uint16{no, no, no, no, no}, "", ErrNotMeasured},
		"no count in the end":           {[]uint16{633, no, no, no, no, no}, "", ErrNotMeasured},
		"after power-on":                {[]uint16{0, 0, 0}, "", chip.ErrImplausible},
		"less than air":                 {[]uint16{199, 199, 633}, "", chip.ErrImplausible},
		"more than wet":                 {[]uint16{2001, 2001, 633}, "", chip.ErrImplausible},
		"the ends of what it can count": {[]uint16{200, 2000, 2000}, "2000", nil},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := chiptest.Play(t, Model(), nil, append(identified(0x55), counted(c.counts...)...)...)
			if err != nil {
				t.Fatal(err)
			}
			samples, err := d.Sense(t.Context())
			if got := chiptest.Text(samples); got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s, %v; want %s, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestOnlyASeesawIsRead(t *testing.T) {
	for id, fine := range map[byte]bool{0x55: true, 0x84: true, 0x87: true, 0x89: true, 0x00: false, 0xFF: false, 0x83: false, 0x5A: false} {
		t.Run("", func(t *testing.T) {
			_, err := chiptest.Play(t, Model(), nil, identified(id)...)
			if fine != (err == nil) || !fine && (!errors.Is(err, ErrWrongChip) || !strings.Contains(err.Error(), "hardware id")) {
				t.Errorf("%#x: %v", id, err)
			}
		})
	}
}

func TestItIsAskedAgainWithLongerPauses(t *testing.T) {
	ops := append(identified(0x55), counted(0xFFFF, 0xFFFF, 700, 700, 700)...)
	w, c := chiptest.Wire(t, &i2ctest.Playback{Ops: ops, DontPanic: true}, at)
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	before := c.Now().Uptime
	if _, err := d.Sense(t.Context()); err != nil {
		t.Fatal(err)
	}
	if waited := (c.Now().Uptime - before).Milliseconds(); waited != 5+6+7+5+5 {
		t.Errorf("waited %d ms", waited)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzCounts(f *testing.F) {
	f.Add(uint16(633), uint16(640), uint16(636))
	f.Add(uint16(0), uint16(0xFFFE), uint16(200))
	f.Fuzz(func(t *testing.T, a, b, c uint16) {
		if a == notYet || b == notYet || c == notYet {
			t.Skip("asked again")
		}
		d, err := chiptest.Play(t, Model(), nil, append(identified(0x55), counted(a, b, c)...)...)
		if err != nil {
			t.Fatal(err)
		}
		samples, err := d.Sense(t.Context())
		middle := max(min(a, b), min(max(a, b), c))
		if fine := middle >= 200 && middle <= 2000; fine != (err == nil) || fine && samples[0].Value.Mantissa != int64(middle) {
			t.Errorf("%d %d %d: %v, %v", a, b, c, samples, err)
		}
	})
}
