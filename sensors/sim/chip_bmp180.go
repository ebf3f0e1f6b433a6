package sim

import (
	"math"
	"sort"
	"time"
)

// bmp180Model is a Bosch BMP180 (BST-BMP180-DS000-09): coefficients, and one conversion at a time. Its formulas are the data
// sheet's without their roundings, turned round.
type bmp180Model struct {
	surroundings
	words     [11]uint16
	registers [256]byte
	pending   int
	done      time.Time
}

func newBMP180(a surroundings) i2cChip {
	m := &bmp180Model{surroundings: a}
	typical := [11]int{408, -72, -14383, 32741, 32757, 23153, 6190, 4, -32768, -8711, 2868}
	for i, v := range typical {
		m.words[i] = uint16(v)
	}
	m.words[4] -= uint16(40 * a.luck.unit(1)) // as chips differ
	m.words[5] += uint16(200*a.luck.unit(2) - 100)
	m.restart()
	return m
}

func (m *bmp180Model) restart() {
	m.registers, m.done = [256]byte{0xD0: 0x55, 0xF6: 0x80}, time.Time{}
	for i, v := range m.words {
		m.registers[0xAA+2*i], m.registers[0xAB+2*i] = byte(v>>8), byte(v)
	}
}

func (m *bmp180Model) exchange(w, r []byte, powered bool) error {
	if !powered {
		m.restart()
	}
	if !m.done.IsZero() && !m.now().Before(m.done) {
		m.registers[0xF4] &^= 1 << 5
		m.registers[0xF6], m.registers[0xF7], m.registers[0xF8] = byte(m.pending>>16), byte(m.pending>>8), byte(m.pending)
		m.done = time.Time{}
	}
	switch {
	case len(w) == 1:
		for i := range r {
			r[i] = m.registers[(int(w[0])+i)&0xFF]
		}
	case len(w) == 2 && w[0] == 0xF4 && len(r) == 0 && powered:
		m.convert(w[1])
	case len(w) == 2 && len(r) == 0:
	default:
		return errRegister
	}
	return nil
}

func (m *bmp180Model) convert(command byte) {
	t := airOnBench(m.surroundings, m.now())
	ut := sort.Search(1<<16-1, func(raw int) bool { return m.b5(raw)/160 >= t.temperature })
	takes := 4400 * time.Microsecond
	m.pending = ut << 8
	if command&0x1F == 0x14 {
		oss := int(command >> 6)
		takes = []time.Duration{4400, 7400, 13400, 25400}[oss] * time.Microsecond
		up := sort.Search(1<<(16+oss)-1, func(raw int) bool { return m.pascal(raw, m.b5(ut), oss) >= t.pressure })
		m.pending = up << (8 - oss)
	}
	m.registers[0xF4] = command | 1<<5
	m.done = m.now().Add(takes)
}

func (m *bmp180Model) signed(i int) float64   { return float64(int16(m.words[i])) }
func (m *bmp180Model) unsigned(i int) float64 { return float64(m.words[i]) }

func (m *bmp180Model) b5(ut int) float64 {
	x1 := (float64(ut) - m.unsigned(5)) * m.unsigned(4) / 32768
	return x1 + m.signed(9)*2048/(x1+m.signed(10))
}

func (m *bmp180Model) pascal(up int, b5 float64, oss int) float64 {
	b6 := b5 - 4000
	b3 := (m.signed(0)*4 + m.signed(7)*b6*b6/4096/2048 + m.signed(1)*b6/2048) * math.Exp2(float64(oss)) / 4
	b4 := m.unsigned(3) * ((m.signed(2)*b6/8192+m.signed(6)*b6*b6/4096/65536)/4 + 32768) / 32768
	p := (float64(up) - b3) * (50000 / math.Exp2(float64(oss))) * 2 / b4
	return p + (p*p/65536*3038/65536-7357*p/65536+3791)/16
}
