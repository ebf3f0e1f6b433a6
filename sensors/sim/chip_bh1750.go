package sim

import (
	"math"
	"time"
)

// bh1750Model is a ROHM BH1750FVI (Technical Note 2009.04): instructions of one byte, a result register, and a
// measurement that takes 120 to 180 ms at the usual measurement time, at any other in proportion.
type bh1750Model struct {
	now    func() time.Time
	feel   func(time.Time) float64 // lx
	chance chance

	on      bool
	mtreg   int
	result  uint16
	pending uint16
	done    time.Time
	once    bool
}

func newBH1750(c chance, now func() time.Time, feel func(time.Time) float64) *bh1750Model {
	b := &bh1750Model{now: now, feel: feel, chance: c}
	b.restart()
	return b
}

func (b *bh1750Model) restart() {
	*b = bh1750Model{now: b.now, feel: b.feel, chance: b.chance, mtreg: 69}
}

func (b *bh1750Model) exchange(w, r []byte, powered bool) error {
	if len(w) > 1 || len(w) == 1 && len(r) > 0 || len(r) > 2 {
		return errRegister
	}
	if !powered {
		b.restart()
	}
	if !b.done.IsZero() && !b.now().Before(b.done) {
		b.result, b.done = b.pending, time.Time{}
		b.on = !b.once
	}
	if len(r) == 2 {
		r[0], r[1] = byte(b.result>>8), byte(b.result)
	}
	if len(w) == 1 && powered {
		b.instruct(w[0])
	}
	return nil
}

func (b *bh1750Model) instruct(v byte) {
	switch {
	case v == 0x00:
		b.on, b.done = false, time.Time{}
	case v == 0x01:
		b.on = true
	case !b.on: // nothing else is taken while powered down
	case v == 0x07:
		b.result = 0
	case v&0xF8 == 0x40:
		b.mtreg = b.mtreg&0x1F | int(v&7)<<5
	case v&0xE0 == 0x60:
		b.mtreg = b.mtreg&0xE0 | int(v&0x1F)
	case v == 0x10 || v == 0x11 || v == 0x20 || v == 0x21:
		counts := b.feel(b.now()) * 1.2 * float64(b.mtreg) / 69
		if v&1 == 1 {
			counts *= 2
		}
		b.pending = uint16(min(math.Floor(counts), 65535))
		b.once = v&0x20 != 0
		b.done = b.now().Add(time.Duration(float64(b.mtreg) / 69 * (120 + 60*b.chance.unit(1)) * float64(time.Millisecond)))
	}
}
