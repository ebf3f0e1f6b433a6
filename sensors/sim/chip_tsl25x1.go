package sim

import (
	"math"
	"time"
)

// tsl25x1Model is what the light sensors TSL2561 (TAOS059N) and TSL2591 (DS000338) have in common: byte registers behind a
// command, and two channels that count light while the chip is on.
type tsl25x1Model struct {
	now  func() time.Time
	kind tslKind
	// count is what the two channels count of the light, at the settings in the registers.
	count func(m *tsl25x1Model) (both, infrared, full float64)

	registers [32]byte
	done      time.Time
}

// tslKind is where the two chips differ.
type tslKind struct {
	power, id, idValue, data byte
	on                       byte // in the register of power, while it counts
	status                   byte // register whose lowest bit says that data are valid; 0: there is none
	commands                 byte // bits that a command has to have
	integration              func(setting byte) time.Duration
}

func newTSL25x1(kind tslKind, now func() time.Time, count func(*tsl25x1Model) (float64, float64, float64)) *tsl25x1Model {
	m := &tsl25x1Model{now: now, kind: kind, count: count}
	m.restart()
	return m
}

func (m *tsl25x1Model) restart() {
	m.registers = [32]byte{}
	m.registers[m.kind.id] = m.kind.idValue
	m.done = time.Time{}
}

func (m *tsl25x1Model) exchange(w, r []byte, powered bool) error {
	if len(w) == 0 || len(w) > 2 || w[0]&m.kind.commands != m.kind.commands || (len(w) == 2) == (len(r) > 0) {
		return errRegister
	}
	if !powered {
		m.restart()
	}
	m.integrate()
	register := w[0] & 0x1F
	if m.kind.status == 0 {
		register &= 0xF // bit 4 of a command is another thing on the TSL2561
	}
	if len(r) > 0 {
		copy(r, m.registers[register:])
		return nil
	}
	if powered && register < m.kind.id {
		m.registers[register] = w[1]
		m.done = time.Time{}
		if m.registers[m.kind.power] == m.kind.on {
			m.done = m.now().Add(m.kind.integration(m.registers[1]))
		}
		if m.kind.status != 0 {
			m.registers[m.kind.status] &^= 1
		}
	}
	return nil
}

// integrate puts the counts of an integration that is over into the data registers.
func (m *tsl25x1Model) integrate() {
	if m.done.IsZero() || m.now().Before(m.done) {
		return
	}
	both, infrared, full := m.count(m)
	for i, v := range []float64{both, infrared} {
		n := uint16(min(math.Round(v), full))
		m.registers[int(m.kind.data)+2*i], m.registers[int(m.kind.data)+2*i+1] = byte(n), byte(n>>8)
	}
	if m.kind.status != 0 {
		m.registers[m.kind.status] |= 1
	}
	m.done = m.now()
}

// newTSL2561 is a TSL2561 in the package T under light a quarter of which is infrared: where the curve of the data sheet
// and its straight pieces meet.
func newTSL2561(now func() time.Time, feel func(time.Time) float64) *tsl25x1Model {
	part := []float64{11. / 322, 81. / 322, 1, 0}
	fulls := []float64{5047, 37177, 65535, 65535}
	nominal := []float64{13.7, 101, 402, 0}
	slow := func(setting byte) time.Duration {
		return time.Duration(nominal[setting&3] * 735 / 690 * float64(time.Millisecond))
	}
	kind := tslKind{power: 0, on: 3, id: 0xA, idValue: 0x50, data: 0xC, commands: 0x80, integration: slow}
	return newTSL25x1(kind, now, func(m *tsl25x1Model) (float64, float64, float64) {
		timing := m.registers[1]
		const ratio = 0.25
		both := feel(now()) / (0.0304 - 0.062*math.Pow(ratio, 1.4)) * part[timing&3]
		if timing&0x10 == 0 {
			both /= 16
		}
		return both, ratio * both, fulls[timing&3]
	})
}

// newTSL2591 is a TSL2591 under light of which infrared changes its share as the light does.
func newTSL2591(now func() time.Time, feel func(time.Time) float64) *tsl25x1Model {
	slow := func(setting byte) time.Duration { return time.Duration(setting&7+1) * 108 * time.Millisecond }
	kind := tslKind{power: 0, on: 3, id: 0x12, idValue: 0x50, data: 0x14, status: 0x13, commands: 0xA0, integration: slow}
	return newTSL25x1(kind, now, func(m *tsl25x1Model) (float64, float64, float64) {
		control := m.registers[1]
		lux := feel(now())
		ratio := 0.15 + 0.15*lux/(1000+lux)
		gain := []float64{1, 25, 428, 9876}[control>>4&3]
		steps := float64(control&7 + 1)
		both := lux / ((1 - ratio) * (1 - ratio)) * (100 * steps * gain / 408)
		full := 65535.
		if steps == 1 {
			full = 36863
		}
		return both, ratio * both, full
	})
}
