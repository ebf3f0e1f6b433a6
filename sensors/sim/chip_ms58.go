package sim

import (
	"math"
	"sort"
	"time"
)

// ms5837Model is a TE MS5837 (data sheets of 30BA and 02BA): reset, seven coefficients with their checksum, and one
// conversion at a time whose result can be read once. It is turned round in floating point.
type ms5837Model struct {
	now      func() time.Time
	feel     func(time.Time) (pascal, celsius float64)
	shallow  bool
	constant [7]float64 // by number, from 1
	words    [7]uint16

	pending float64 // what the running conversion results in
	done    time.Time
	result  uint32
}

func newMS5837(c chance, shallow bool, now func() time.Time, feel func(time.Time) (float64, float64)) *ms5837Model {
	typical, product := [7]float64{0, 34982, 36352, 20328, 22354, 26646, 26146}, uint16(0x1A)
	if shallow {
		typical, product = [7]float64{0, 46372, 43981, 29059, 27842, 31553, 28165}, 0x15
	}
	m := &ms5837Model{now: now, feel: feel, shallow: shallow}
	m.words[0] = product << 5
	for i := 1; i <= 6; i++ {
		m.constant[i] = math.Round(typical[i] * (0.99 + 0.02*c.unit(int64(i))))
		m.words[i] = uint16(m.constant[i])
	}
	m.words[0] |= uint16(msChecksum(m.words)) << 12
	return m
}

// msChecksum is the CRC-4 of application note AN520, computed as the division of a polynomial: the bytes, one after the
// other from the highest bit, by x⁴ + x + 1. The note counts 15 bytes: the last is zero where there are seven words.
func msChecksum(words [7]uint16) byte {
	var rest byte
	for i := range 15 * 8 {
		bit := byte(0)
		if i < 7*16 {
			bit = byte(words[i/16] >> (15 - i%16) & 1)
		}
		top := rest>>3&1 ^ bit
		rest = rest << 1 & 0xF
		if top == 1 {
			rest ^= 3
		}
	}
	return rest
}

func (m *ms5837Model) exchange(w, r []byte, powered bool) error {
	if len(w) != 1 {
		return errRegister
	}
	if !powered {
		m.restart()
	}
	if !m.done.IsZero() && !m.now().Before(m.done) {
		m.result, m.done = uint32(min(max(m.pending, 0), 1<<24-1)), time.Time{}
	}
	switch command := w[0]; {
	case command == 0x1E && len(r) == 0:
		m.restart()
	case command >= 0xA0 && command <= 0xAC && command%2 == 0 && len(r) == 2:
		v := m.words[(command-0xA0)/2]
		r[0], r[1] = byte(v>>8), byte(v)
	case command == 0 && len(r) == 3:
		r[0], r[1], r[2] = byte(m.result>>16), byte(m.result>>8), byte(m.result)
		m.result = 0
	case command >= 0x40 && command <= 0x5A && command&0xF <= 0xA && command%2 == 0 && len(r) == 0:
		if powered {
			m.convert(command)
		}
	default:
		return errRegister
	}
	return nil
}

func (m *ms5837Model) restart() { m.result, m.done = 0, time.Time{} }

// convert begins a conversion: the longer, the more often is sampled (0.56 ms at 256, 18.08 ms at 8192, at most).
func (m *ms5837Model) convert(command byte) {
	pascal, celsius := m.feel(m.now())
	d2 := m.rawTemperature(celsius)
	m.pending = float64(d2)
	if command < 0x50 {
		m.pending = float64(m.rawPressure(pascal, d2))
	}
	m.result = 0
	m.done = m.now().Add(time.Duration(0.56 * math.Exp2(float64(command&0xF)/2) * float64(time.Millisecond)))
}

// compensated is the data sheets' calculation with the second order, in °C and Pa.
func (m *ms5837Model) compensated(d1, d2 int) (celsius, pascal float64) {
	c := m.constant
	dT := float64(d2) - 256*c[5]
	t := 2000 + dT*c[6]/8388608
	var t2, off2, sens2, p float64
	cold := math.Pow(t-2000, 2)
	if m.shallow {
		if t < 2000 {
			t2, off2, sens2 = 11*dT*dT/34359738368, 31*cold/8, 63*cold/32
		}
		off, sens := 131072*c[2]+c[4]*dT/64-off2, 65536*c[1]+c[3]*dT/128-sens2
		p = (float64(d1)*sens/2097152 - off) / 32768
		return (t - t2) / 100, p
	}
	t2, off2 = 2*dT*dT/137438953472, cold/16
	if t < 2000 {
		t2, off2, sens2 = 3*dT*dT/8589934592, 3*cold/2, 5*cold/8
	}
	if t < -1500 {
		veryCold := math.Pow(t+1500, 2)
		off2, sens2 = off2+7*veryCold, sens2+4*veryCold
	}
	off, sens := 65536*c[2]+c[4]*dT/128-off2, 32768*c[1]+c[3]*dT/256-sens2
	p = (float64(d1)*sens/2097152 - off) / 8192
	return (t - t2) / 100, 10 * p
}

func (m *ms5837Model) rawTemperature(celsius float64) int {
	return sort.Search(1<<24-1, func(raw int) bool { t, _ := m.compensated(0, raw); return t >= celsius })
}

func (m *ms5837Model) rawPressure(pascal float64, d2 int) int {
	return sort.Search(1<<24-1, func(raw int) bool { _, p := m.compensated(raw, d2); return p >= pascal })
}
