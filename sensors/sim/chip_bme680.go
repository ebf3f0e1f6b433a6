package sim

import (
	"math"
	"sort"
	"time"

	"loam/sensors"
)

// bme680Model is a Bosch BME680 (BST-BME680-DS001), or a BME688: coefficients, forced mode, heater. Its formulas are the
// maker's in floating point, turned round.
type bme680Model struct {
	surroundings
	high      bool // a BME688
	registers [256]byte
	felt      air
	ohm       float64
	done      time.Time
}

func newBME680(a surroundings) i2cChip { return (&bme680Model{surroundings: a}).restart() }
func newBME688(a surroundings) i2cChip { return (&bme680Model{surroundings: a, high: true}).restart() }

// The coefficients of a real chip, under the maker's names.
// Nothing changes them.
var bme680Coefficients = struct {
	t, p [11]float64 // by number
	h    [8]float64
	g    [4]float64
}{
	t: [11]float64{0, 26195, 26290, 3},
	p: [11]float64{0, 35395, -10405, 88, 4836, -118, 30, 26, -765, -3367, 30},
	h: [8]float64{0, 717, 1021, 0, 45, 20, 120, -100},
	g: [4]float64{0, -30, -5969, 18},
}

func (m *bme680Model) restart() *bme680Model {
	m.registers, m.done = [256]byte{0xD0: 0x61}, time.Time{}
	if m.high {
		m.registers[0xF0] = 1
	}
	copy(m.registers[0x1F:], []byte{0x80, 0, 0, 0x80, 0, 0, 0x80, 0})
	c := bme680Coefficients
	byteAt := func(at int, v float64) { m.registers[at] = byte(int64(v)) }
	word := func(at int, v float64) { byteAt(at, v); m.registers[at+1] = byte(int64(v) >> 8) }
	word(0xE9, c.t[1])
	word(0x8A, c.t[2])
	byteAt(0x8C, c.t[3])
	for number, at := range map[int]int{1: 0x8E, 2: 0x90, 4: 0x94, 5: 0x96, 8: 0x9C, 9: 0x9E} {
		word(at, c.p[number])
	}
	for number, at := range map[int]int{3: 0x92, 6: 0x99, 7: 0x98, 10: 0xA0} {
		byteAt(at, c.p[number])
	}
	h1, h2 := int64(c.h[1]), int64(c.h[2])
	m.registers[0xE1], m.registers[0xE2], m.registers[0xE3] = byte(h2>>4), byte(h2<<4)|byte(h1&15), byte(h1>>4)
	for number := 3; number <= 7; number++ {
		byteAt(0xE1+number, c.h[number])
	}
	byteAt(0xED, c.g[1])
	word(0xEB, c.g[2])
	byteAt(0xEE, c.g[3])
	return m
}

func (m *bme680Model) exchange(w, r []byte, powered bool) error {
	if !powered {
		m.restart()
	}
	if !m.done.IsZero() && !m.now().Before(m.done) {
		m.finish()
	}
	if len(w) == 1 && len(r) > 0 {
		for i := range r {
			r[i] = m.registers[(int(w[0])+i)&0xFF]
		}
		return nil
	}
	if len(r) > 0 || len(w)%2 != 0 {
		return errRegister
	}
	for i := 0; i < len(w); i += 2 {
		m.set(w[i], w[i+1], powered)
	}
	return nil
}

func (m *bme680Model) set(register, v byte, powered bool) {
	if register < 0x50 || register > 0x75 {
		return // read only
	}
	m.registers[register] = v
	if register != 0x74 || v&3 != 1 || !powered {
		return
	}
	m.felt = airOnBench(m.surroundings, m.now())
	m.ohm = m.feel(sensors.GasResistance, m.now())
	wait := m.registers[0x64]
	heating := time.Duration(int(wait&0x3F)<<(2*(wait>>6))) * time.Millisecond
	samples := sampling(v>>5) + sampling(v>>2) + sampling(m.registers[0x72])
	m.done = m.now().Add(time.Duration(samples)*1963*time.Microsecond + 5*time.Millisecond + heating)
	m.registers[0x1D] = 1<<5 | 1<<6
}

// gasRun is the setting that has a variant measure gas.
func (m *bme680Model) gasRun() byte {
	if m.high {
		return 2 << 4
	}
	return 1 << 4
}

func (m *bme680Model) finish() {
	m.done = time.Time{}
	m.registers[0x74] &^= 3
	rawT := sort.Search(1<<20-1, func(raw int) bool { return m.fine(raw)/5120 >= m.felt.temperature })
	rawP := sort.Search(1<<20-1, func(raw int) bool { return m.pascal(raw, m.fine(rawT)) <= m.felt.pressure })
	rawH := sort.Search(1<<16-1, func(raw int) bool { return m.percent(raw, m.fine(rawT)) >= m.felt.humidity })
	copy(m.registers[0x1D:], []byte{
		0x80, 0, byte(rawP >> 12), byte(rawP >> 4), byte(rawP << 4), byte(rawT >> 12), byte(rawT >> 4), byte(rawT << 4), byte(rawH >> 8), byte(rawH),
	})
	clear(m.registers[0x2A:0x2E])
	if m.registers[0x71]&0x30 != m.gasRun() {
		return
	}
	status := byte(1 << 5)
	if c := m.heated(); c > 300 && c < 340 {
		status |= 1 << 4
	}
	at, gas, rng := 0x2A, 0, byte(0)
	if m.high {
		at = 0x2C
	}
	for gas, rng = m.gas(rng); (gas < 0 || gas > 1023) && rng < 15; gas, rng = m.gas(rng + 1) {
	}
	m.registers[at], m.registers[at+1] = byte(gas>>2), byte(gas<<6)|status|rng
}

// gas returns what the converter says of the resistance in a range.
func (m *bme680Model) gas(rng byte) (raw int, _ byte) {
	if m.high {
		return int(math.Round((1e6*float64(int(262144)>>rng)/m.ohm-4096)/3 + 512)), rng
	}
	slope := [16]float64{5: -1, 7: -0.8, 10: -0.2, 11: -0.5, 13: -1}
	full := [16]float64{4: 0.1, 5: 0.7, 7: -0.8, 8: -0.1}
	x := 1/(m.ohm*(1+full[rng]/100)*0.000000125*float64(int(1)<<rng)) - 1
	return int(math.Round(x*1340*(1+slope[rng]/100) + 512)), rng
}

// heated is the temperature that the setting of the heater leads to.
func (m *bme680Model) heated() float64 {
	g := bme680Coefficients.g
	ohm := float64(m.registers[0x5A])/3.4 + 25
	return ((ohm-g[3]/1024*m.felt.temperature)/(g[1]/16+49) - 1) / (g[2]/32768*0.0005 + 0.00235)
}

func (m *bme680Model) fine(raw int) float64 {
	c, x := bme680Coefficients.t, float64(raw)
	d := x/131072 - c[1]/8192
	return (x/16384-c[1]/1024)*c[2] + d*d*c[3]*16
}

func (m *bme680Model) pascal(raw int, fine float64) float64 {
	c, x := bme680Coefficients.p, fine/2-64000
	offset := (x*x*c[6]/131072+x*c[5]*2)/4 + c[4]*65536
	p := (1048576 - float64(raw) - offset/4096) * 6250 / ((1 + (c[3]*x*x/16384+c[2]*x)/524288/32768) * c[1])
	return p + (c[9]*p*p/2147483648+p*c[8]/32768+math.Pow(p/256, 3)*c[10]/131072+c[7]*128)/16
}

func (m *bme680Model) percent(raw int, fine float64) float64 {
	c, celsius := bme680Coefficients.h, fine/5120
	h := float64(raw) - c[1]*16 - c[3]/2*celsius
	h *= c[2] / 262144 * (1 + c[4]/16384*celsius + c[5]/1048576*celsius*celsius)
	return h + (c[6]/16384+c[7]/2097152*celsius)*h*h
}
