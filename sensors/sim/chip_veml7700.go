package sim

import (
	"encoding/binary"
	"math"
	"sort"
	"time"
)

// veml7700Model is a Vishay VEML7700 (84286, application note 84323): registers of 16 bits, gain and integration time, a
// result that is old until an integration is over, and counts that fall behind in bright light.
type veml7700Model struct {
	now        func() time.Time
	feel       func(time.Time) float64 // lx
	resolution float64                 // lx for a count at gain 2 and 800 ms

	registers [8]uint16
	done      time.Time // of the integration that runs
}

const (
	vemlConfig = 0
	vemlLight  = 4
)

func newVEML7700(resolution float64, now func() time.Time, feel func(time.Time) float64) *veml7700Model {
	v := &veml7700Model{now: now, feel: feel, resolution: resolution}
	v.restart()
	return v
}

func (v *veml7700Model) restart() {
	v.registers = [8]uint16{vemlConfig: 1, 7: 0xC481}
	v.done = time.Time{}
}

func (v *veml7700Model) exchange(w, r []byte, powered bool) error {
	if len(w) == 0 || w[0] > 7 || len(w) == 1 && len(r) != 2 || len(w) != 1 && (len(w) != 3 || len(r) != 0) {
		return errRegister
	}
	if !powered {
		v.restart()
	}
	v.integrate()
	if len(r) == 2 {
		binary.LittleEndian.PutUint16(r, v.registers[w[0]])
		return nil
	}
	if w[0] < vemlLight && powered {
		v.registers[w[0]] = binary.LittleEndian.Uint16(w[1:])
	}
	if w[0] == vemlConfig {
		v.done = time.Time{}
		if v.registers[vemlConfig]&1 == 0 {
			v.done = v.now().Add(2500*time.Microsecond + time.Duration(1.3*v.milliseconds()*float64(time.Millisecond)))
		}
	}
	return nil
}

func (v *veml7700Model) milliseconds() float64 {
	switch v.registers[vemlConfig] >> 6 & 0xF {
	case 0xC:
		return 25
	case 8:
		return 50
	case 1:
		return 200
	case 2:
		return 400
	case 3:
		return 800
	}
	return 100
}

func (v *veml7700Model) integrate() {
	if v.done.IsZero() || v.now().Before(v.done) {
		return
	}
	gain := []float64{1, 2, 0.125, 0.25}[v.registers[vemlConfig]>>11&3]
	linear := vemlLinear(v.feel(v.now()))
	counts := linear / (v.resolution * (800 / v.milliseconds()) * (2 / gain))
	v.registers[vemlLight] = uint16(min(math.Round(counts), 65535))
	v.done = v.now() // it goes on integrating
}

// vemlLinear is the light whose correction by the application note gives lux. Between 1000 and 1075 lx there is none, since
// the correction jumps there.
func vemlLinear(lux float64) float64 {
	correct := func(x float64) float64 {
		return x * (1.0023 + x*(8.1488e-5+x*(-9.3924e-9+x*6.0135e-13)))
	}
	if lux < correct(1000) {
		return min(lux, 1000)
	}
	return float64(sort.Search(400_000_000, func(i int) bool { return correct(float64(i)/1000) >= lux })) / 1000
}
