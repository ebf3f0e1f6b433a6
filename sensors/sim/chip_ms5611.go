package sim

import (
	"math"
	"sort"
	"time"

	"loam/sensors"
)

// ms5611Model is a TE MS5611-01BA03: reset, eight words of coefficients, one conversion at a time whose result can be read
// once. It is turned round in floating point.
type ms5611Model struct {
	surroundings
	words   [8]uint16
	pending int
	done    time.Time
	result  int
}

func newMS5611(a surroundings) i2cChip {
	m := &ms5611Model{surroundings: a, words: [8]uint16{0x0042, 40127, 36924, 23317, 23282, 33464, 28312, 0x1C10}}
	for i := 1; i <= 6; i++ { // as chips differ
		m.words[i] += uint16(200*a.luck.unit(int64(i)) - 100)
	}
	bits := [7]uint16(m.words[:7])
	m.words[7] |= uint16(ms5611Checksum(bits, m.words[7]))
	return m
}

// ms5611Checksum divides the fifteen bytes before the checksum's by x⁴ + x + 1, as AN520 does.
func ms5611Checksum(words [7]uint16, last uint16) byte {
	rest := byte(0)
	for i := range 15 * 8 {
		w := last
		if i < 7*16 {
			w = words[i/16]
		}
		top := rest>>3 ^ byte(w>>(15-i%16)&1)
		if rest = rest << 1 & 0xF; top == 1 {
			rest ^= 3
		}
	}
	return rest
}

func (m *ms5611Model) exchange(w, r []byte, powered bool) error {
	if !powered {
		m.result, m.done = 0, time.Time{}
	}
	if !m.done.IsZero() && !m.now().Before(m.done) {
		m.result, m.done = m.pending, time.Time{}
	}
	if len(w) != 1 {
		return errRegister
	}
	switch c := w[0]; {
	case c == 0x1E && len(r) == 0:
		m.result, m.done = 0, time.Time{}
	case c >= 0xA0 && c <= 0xAE && c%2 == 0 && len(r) == 2:
		v := m.words[(c-0xA0)/2]
		r[0], r[1] = byte(v>>8), byte(v)
	case c == 0 && len(r) == 3:
		r[0], r[1], r[2] = byte(m.result>>16), byte(m.result>>8), byte(m.result)
		m.result = 0
	case (c >= 0x40 && c <= 0x48 || c >= 0x50 && c <= 0x58) && c%2 == 0 && len(r) == 0:
		if powered {
			m.convert(c)
		}
	default:
		return errRegister
	}
	return nil
}

func (m *ms5611Model) convert(command byte) {
	t := airOnBench(m.surroundings, m.now())
	t.temperature = m.feel(sensors.AirTemperature, m.now()) // its noise is 0.002 °C
	d2 := sort.Search(1<<24-1, func(raw int) bool { c, _ := m.compensated(0, raw); return c >= t.temperature })
	m.pending = d2
	if command < 0x50 {
		m.pending = sort.Search(1<<24-1, func(raw int) bool { _, p := m.compensated(raw, d2); return p >= t.pressure })
	}
	m.result = 0
	m.done = m.now().Add(time.Duration(0.6 * math.Exp2(float64(command&0xF)/2) * float64(time.Millisecond)))
}

// compensated is the data sheet's calculation with the second order, in °C and Pa.
func (m *ms5611Model) compensated(d1, d2 int) (celsius, pascal float64) {
	c := func(i int) float64 { return float64(m.words[i]) }
	dT := float64(d2) - 256*c(5)
	t := 2000 + dT*c(6)/8388608
	var t2, off2, sens2 float64
	if t < 2000 {
		t2 = dT * dT / 2147483648
		off2 = 2.5 * (t - 2000) * (t - 2000)
		sens2 = off2 / 2
		if t < -1500 {
			off2 += 7 * (t + 1500) * (t + 1500)
			sens2 += 5.5 * (t + 1500) * (t + 1500)
		}
	}
	off, sens := 65536*c(2)+c(4)*dT/128-off2, 32768*c(1)+c(3)*dT/256-sens2
	return (t - t2) / 100, (float64(d1)*sens/2097152 - off) / 32768
}
