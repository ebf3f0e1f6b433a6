package sim

import (
	"errors"
	"math"
	"sort"
	"time"
)

// air is what a BME280 stands in.
type air struct{ temperature, humidity, pressure float64 } // °C, %, Pa

// bme280Model is a Bosch BME280 (BST-BME280-DS002-15): registers, trimming parameters, forced mode; or a BMP280, which has
// no registers of humidity.
type bme280Model struct {
	now  func() time.Time
	feel func(time.Time) air
	trim bmeTrim
	dry  bool // a BMP280

	registers [256]byte
	done      time.Time // when the running measurement ends; zero: none runs
	felt      air       // what the running measurement measures
}

// Registers the model gives a meaning.
const (
	bmeCtrlHum  = 0xF2
	bmeStatus   = 0xF3
	bmeCtrlMeas = 0xF4
	bmeConfig   = 0xF5
	bmeReset    = 0xE0
	bmeData     = 0xF7
)

var errRegister = errors.New("sim: no such register access")

func newBME280(c chance, now func() time.Time, feel func(time.Time) air) *bme280Model {
	b := &bme280Model{now: now, feel: feel, trim: newBMETrim(c)}
	b.restart()
	return b
}

// restart brings the registers to what they are after power-on (section 5.3).
func (b *bme280Model) restart() {
	b.registers = [256]byte{}
	b.registers[0xD0] = 0x60
	copy(b.registers[bmeData:], []byte{0x80, 0, 0, 0x80, 0, 0, 0x80, 0})
	b.trim.store(&b.registers)
	b.done = time.Time{}
	b.dryUp()
}

// dryUp takes from a BMP280 what it does not have.
func (b *bme280Model) dryUp() {
	if !b.dry {
		return
	}
	b.registers[0xD0] = 0x58
	b.registers[0xA1] = 0
	clear(b.registers[0xE1 : bmeCtrlHum+1])
	clear(b.registers[bmeData+6 : bmeData+8])
}

func (b *bme280Model) exchange(w, r []byte, powered bool) error {
	if len(w) == 0 || len(r) == 0 && len(w)%2 != 0 || len(r) > 0 && len(w) != 1 {
		return errRegister
	}
	if !powered {
		b.restart()
	}
	b.finish()
	if len(r) > 0 {
		for i := range r {
			r[i] = b.registers[(int(w[0])+i)&0xFF]
		}
		return nil
	}
	for i := 0; i < len(w); i += 2 {
		b.set(w[i], w[i+1], powered)
	}
	return nil
}

func (b *bme280Model) set(register, v byte, powered bool) {
	switch register {
	case bmeReset:
		if v == 0xB6 {
			b.restart()
		}
	case bmeCtrlHum, bmeConfig:
		b.registers[register] = v
		b.dryUp()
	case bmeCtrlMeas:
		b.registers[register] = v
		if mode := v & 3; powered && (mode == 1 || mode == 2) {
			b.felt = b.feel(b.now())
			b.done = b.now().Add(b.duration())
			b.registers[bmeStatus] |= 8
		}
	}
}

// sampling returns how often a quantity is sampled: 0 (skipped), 1, 2, 4, 8, 16.
func sampling(code byte) int {
	if code &= 7; code == 0 {
		return 0
	}
	return 1 << (min(code, 5) - 1)
}

func (b *bme280Model) settings() (t, p, h int) {
	m := b.registers[bmeCtrlMeas]
	return sampling(m >> 5), sampling(m >> 2), sampling(b.registers[bmeCtrlHum])
}

// duration is the typical time of a measurement (section 9.1).
func (b *bme280Model) duration() time.Duration {
	t, p, h := b.settings()
	us := 1000 + 2000*t
	if p > 0 {
		us += 2000*p + 500
	}
	if h > 0 {
		us += 2000*h + 500
	}
	return time.Duration(us) * time.Microsecond
}

// finish puts the results of a measurement that is over into the data registers.
func (b *bme280Model) finish() {
	if b.done.IsZero() || b.now().Before(b.done) {
		return
	}
	b.done = time.Time{}
	b.registers[bmeStatus] &^= 8
	b.registers[bmeCtrlMeas] &^= 3 // back to sleep
	t, p, h := b.settings()
	rawT, rawP, rawH := 0x80000, 0x80000, 0x8000
	if t > 0 {
		rawT = coarse(b.trim.rawTemperature(b.felt.temperature), t)
		if p > 0 {
			rawP = coarse(b.trim.rawPressure(b.felt.pressure, rawT), p)
		}
		if h > 0 {
			rawH = b.trim.rawHumidity(b.felt.humidity, rawT)
		}
	}
	copy(b.registers[bmeData:], []byte{
		byte(rawP >> 12), byte(rawP >> 4), byte(rawP << 4),
		byte(rawT >> 12), byte(rawT >> 4), byte(rawT << 4),
		byte(rawH >> 8), byte(rawH),
	})
	b.dryUp()
}

// coarse keeps the 16 bits of a single sample and one more for each doubling (tables 20 and 21).
func coarse(raw, samples int) int {
	bits := 16 + int(math.Log2(float64(samples)))
	return raw &^ (1<<(20-bits) - 1)
}

// bmeTrim is the trimming parameters of one chip, with the compensation in floating point (section 8.1): another path
// than the integers of the driver, and turned round by bisection.
type bmeTrim struct {
	t [4]float64 // by number, from 1
	p [10]float64
	h [7]float64
}

// newBMETrim varies the parameters of a real chip a little, as chips do.
func newBMETrim(c chance) bmeTrim {
	vary := func(key int64, v, by float64) float64 { return math.Round(v + by*(2*c.unit(key)-1)) }
	return bmeTrim{
		t: [4]float64{0, vary(1, 28176, 300), vary(2, 26220, 150), vary(3, 50, 0)},
		p: [10]float64{0, vary(4, 38237, 250), vary(5, -10824, 80), 3024, vary(6, 7799, 200), vary(7, -99, 60), -7, 9900, -10230, 4285},
		h: [7]float64{0, 75, vary(8, 366, 8), 0, vary(9, 309, 20), vary(10, 10, 40), 30},
	}
}

func (c bmeTrim) store(r *[256]byte) {
	word := func(at int, v float64) {
		r[at], r[at+1] = byte(int64(v)), byte(int64(v)>>8)
	}
	for i := 1; i <= 3; i++ {
		word(0x88+2*(i-1), c.t[i])
	}
	for i := 1; i <= 9; i++ {
		word(0x8E+2*(i-1), c.p[i])
	}
	r[0xA1] = byte(int64(c.h[1]))
	word(0xE1, c.h[2])
	r[0xE3] = byte(int64(c.h[3]))
	h4, h5 := int64(c.h[4]), int64(c.h[5])
	r[0xE4], r[0xE5], r[0xE6] = byte(h4>>4), byte(h4&15)|byte(h5&15)<<4, byte(h5>>4)
	r[0xE7] = byte(int64(c.h[6]))
}

func (c bmeTrim) fine(raw int) float64 {
	x := float64(raw)
	d := x/131072 - c.t[1]/8192
	return (x/16384-c.t[1]/1024)*c.t[2] + d*d*c.t[3]
}

func (c bmeTrim) pressure(raw int, fine float64) float64 {
	a := fine/2 - 64000
	b := a*a*c.p[6]/32768 + a*c.p[5]*2
	b = b/4 + c.p[4]*65536
	a = (1 + (c.p[3]*a*a/524288+c.p[2]*a)/524288/32768) * c.p[1]
	p := (1048576 - float64(raw) - b/4096) * 6250 / a
	return p + (c.p[9]*p*p/2147483648+p*c.p[8]/32768+c.p[7])/16
}

func (c bmeTrim) humidity(raw int, fine float64) float64 {
	x := fine - 76800
	x = (float64(raw) - (c.h[4]*64 + c.h[5]/16384*x)) * (c.h[2] / 65536 * (1 + c.h[6]/67108864*x*(1+c.h[3]/67108864*x)))
	return x * (1 - c.h[1]*x/524288)
}

func (c bmeTrim) rawTemperature(celsius float64) int {
	return sort.Search(1<<20-1, func(raw int) bool { return c.fine(raw)/5120 >= celsius })
}

func (c bmeTrim) rawPressure(pascal float64, rawT int) int {
	fine := c.fine(rawT)
	return sort.Search(1<<20-1, func(raw int) bool { return c.pressure(raw, fine) <= pascal })
}

func (c bmeTrim) rawHumidity(percent float64, rawT int) int {
	fine := c.fine(rawT)
	return sort.Search(1<<16-1, func(raw int) bool { return c.humidity(raw, fine) >= percent })
}
