package series

import (
	"math/bits"
	"time"

	"loam/sensors"
	"loam/valuation"
)

// hours gathers the readings of one channel, which come oldest first, into the hours of a period.
type hours struct {
	done []valuation.Hour
	sum  sum
}

func (h *hours) add(from, t time.Time, value sensors.Micro) {
	start := from.Add(t.Sub(from) / time.Hour * time.Hour).UTC()
	if n := len(h.done); n == 0 || !h.done[n-1].Start.Equal(start) {
		h.finish()
		h.done = append(h.done, valuation.Hour{Start: start})
		h.sum = sum{}
	}
	h.sum.add(value)
	h.done[len(h.done)-1].Good++
}

// finish writes the mean of the hour that is being gathered.
func (h *hours) finish() {
	if n := len(h.done); n > 0 {
		h.done[n-1].Mean = h.sum.mean(uint64(h.done[n-1].Good))
	}
}

func (h *hours) list() []valuation.Hour {
	h.finish()
	return h.done
}

// sum adds values in 128 bits, so that no number of readings overflows it.
type sum struct{ hi, lo uint64 }

func (s *sum) add(v sensors.Micro) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, uint64(v), 0)
	s.hi += uint64(v>>63) + carry // v>>63 is the sign, extended
}

// mean divides by n, rounded half away from zero. |sum| <= n × 2^63, so the quotient fits.
func (s *sum) mean(n uint64) sensors.Micro {
	hi, lo, negative := s.hi, s.lo, s.hi>>63 == 1
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	q, r := bits.Div64(hi, lo, n)
	if r >= n-r {
		q++
	}
	if negative {
		return sensors.Micro(-q)
	}
	return sensors.Micro(q)
}
