package sim

import (
	"encoding/binary"
	"math"
	"time"

	"loam/sensors"
)

// ina219Model is a TI INA219 (SBOS448G) with a shunt of 0.1 Ω: configuration, both voltages, triggered and continuous.
type ina219Model struct {
	surroundings
	pointer   byte
	registers [6]uint16
	done      time.Time
}

func newINA219(a surroundings) i2cChip {
	m := &ina219Model{surroundings: a}
	m.restart()
	return m
}

func (m *ina219Model) restart() { m.registers, m.done = [6]uint16{0x399F}, time.Time{} }

func (m *ina219Model) exchange(w, r []byte, powered bool) error {
	if !powered {
		m.restart()
	}
	m.finish()
	switch len(w) {
	case 0:
	case 1, 3:
		if m.pointer = w[0]; m.pointer > 5 {
			return errRegister
		}
	default:
		return errRegister
	}
	if len(w) == 3 && m.pointer == 0 {
		m.configure(binary.BigEndian.Uint16(w[1:]), powered)
	}
	if len(r) == 2 {
		binary.BigEndian.PutUint16(r, m.registers[m.pointer])
	} else if len(r) != 0 {
		return errRegister
	}
	return nil
}

func (m *ina219Model) configure(v uint16, powered bool) {
	if v>>15 == 1 || !powered {
		m.restart()
		return
	}
	m.registers[0] = v
	m.registers[2] &^= 2 // not ready
	if v&3 != 0 {
		m.done = m.now().Add(adcTime(v>>7) + adcTime(v>>3))
	}
}

// adcTime is how long a setting of the converter takes (table 5), on a chip that is 5 % slow.
func adcTime(code uint16) time.Duration {
	code &= 15
	if code < 8 {
		return []time.Duration{84, 148, 276, 532}[code&3] * 105 / 100 * time.Microsecond
	}
	return time.Duration(532<<(code&7)) * 105 / 100 * time.Microsecond
}

func (m *ina219Model) finish() {
	if m.done.IsZero() || m.now().Before(m.done) {
		return
	}
	m.done = time.Time{}
	volts := m.feel(sensors.SupplyVoltage, m.now())
	milliamps := m.feel(sensors.SupplyCurrent, m.now())
	full := 4000 << (m.registers[0] >> 11 & 3) // of the shunt, in 10 µV
	shunt := math.Round(milliamps * 0.1 / 0.01)
	m.registers[1] = uint16(int16(min(max(shunt, -float64(full)), float64(full))))
	m.registers[2] = uint16(math.Round(volts/0.004))<<3 | 2
}
