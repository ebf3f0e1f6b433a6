package sim

import (
	"encoding/binary"
	"math"
	"time"
)

// ads1115Model is a Texas Instruments ADS1115 (SBAS444): configuration and result registers, multiplexer, gain, data rate,
// and an oscillator that is off by up to a tenth. The comparator is not modelled; its registers keep what is written.
type ads1115Model struct {
	now     func() time.Time
	inputs  [4]func(time.Time) float64 // V; nil: nothing connected
	chance  chance
	pointer byte

	registers [4]uint16
	done      time.Time
	felt      float64 // V between the inputs of the running conversion
}

const (
	adsResult = 0
	adsConfig = 1
	adsStart  = 1 << 15
)

func newADS1115(c chance, now func() time.Time, inputs [4]func(time.Time) float64) *ads1115Model {
	a := &ads1115Model{now: now, inputs: inputs, chance: c}
	a.restart()
	return a
}

func (a *ads1115Model) restart() {
	a.registers = [4]uint16{0, 0x0583, 0x8000, 0x7FFF}
	a.done = time.Time{}
}

func (a *ads1115Model) exchange(w, r []byte, powered bool) error {
	if !powered {
		a.restart()
	}
	a.finish()
	switch len(w) {
	case 0:
	case 1, 3:
		if a.pointer = w[0]; a.pointer > 3 {
			return errRegister
		}
	default:
		return errRegister
	}
	if len(w) == 3 && a.pointer != adsResult {
		v := binary.BigEndian.Uint16(w[1:])
		a.registers[a.pointer] = v
		if a.pointer == adsConfig {
			a.configure(v, powered)
		}
	}
	if len(r) > 0 {
		if len(r) != 2 {
			return errRegister
		}
		v := a.registers[a.pointer]
		if a.pointer == adsConfig && a.done.IsZero() {
			v |= adsStart // idle
		}
		binary.BigEndian.PutUint16(r, v)
	}
	return nil
}

func (a *ads1115Model) configure(v uint16, powered bool) {
	a.registers[adsConfig] = v &^ adsStart
	if !powered {
		a.restart()
		return
	}
	if v&adsStart == 0 {
		return
	}
	a.felt = a.difference(int(v >> 12 & 7))
	rate := []float64{8, 16, 32, 64, 128, 250, 475, 860}[v>>5&7]
	rate *= 0.9 + 0.2*a.chance.of("oscillator").unit(0)
	a.done = a.now().Add(25*time.Microsecond + time.Duration(float64(time.Second)/rate))
}

// difference returns the voltage between the two inputs that a setting of the multiplexer connects.
func (a *ads1115Model) difference(mux int) float64 {
	if mux >= 4 {
		return a.input(mux - 4)
	}
	pairs := [4][2]int{{0, 1}, {0, 3}, {1, 3}, {2, 3}}
	return a.input(pairs[mux][0]) - a.input(pairs[mux][1])
}

func (a *ads1115Model) input(i int) float64 {
	if a.inputs[i] == nil {
		return 0.58 + 0.02*a.chance.of("floating").noise(a.now())
	}
	return a.inputs[i](a.now())
}

func (a *ads1115Model) finish() {
	if a.done.IsZero() || a.now().Before(a.done) {
		return
	}
	a.done = time.Time{}
	scale := []float64{6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256}[a.registers[adsConfig]>>9&7]
	code := math.Round(a.felt / scale * 32768)
	a.registers[adsResult] = uint16(int16(min(max(code, math.MinInt16), math.MaxInt16)))
}
