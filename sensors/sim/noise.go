package sim

import (
	"math"
	"time"
)

// chance is a source of repeatable randomness: the same chance gives the same numbers for the same keys, in any order.
type chance uint64

// of returns an independent source for one purpose.
func (c chance) of(purpose string) chance {
	h := uint64(c) ^ 0xCBF29CE484222325
	for _, b := range []byte(purpose) {
		h = (h ^ uint64(b)) * 0x100000001B3
	}
	return chance(mix(h))
}

// mix scatters its bits (the finaliser of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// unit returns a number in [0, 1) for the key.
func (c chance) unit(key int64) float64 {
	return float64(mix(uint64(c)^mix(uint64(key)))>>11) / (1 << 53)
}

// noise returns a number of about normal distribution with standard deviation 1, cut off at 3, for the millisecond.
func (c chance) noise(t time.Time) float64 {
	k := t.UnixMilli()
	sum := -2.0
	for i := range int64(4) {
		sum += c.of("noise").unit(4*k + i)
	}
	return min(max(sum*math.Sqrt(3), -3), 3)
}

// wave wanders smoothly between −1 and 1, with a turn every period or two.
func (c chance) wave(t time.Time, period time.Duration) float64 {
	p := period.Milliseconds()
	k := t.UnixMilli()
	knot := k / p
	if k < 0 && k%p != 0 {
		knot--
	}
	x := float64(k-knot*p) / float64(p)
	a, b := 2*c.unit(knot)-1, 2*c.unit(knot+1)-1
	return a + (b-a)*x*x*(3-2*x)
}
