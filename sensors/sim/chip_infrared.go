package sim

import (
	"math"
	"time"

	"loam/sensors"
)

// mlx90614Model is a Melexis MLX90614 (revision 008): words of RAM and EEPROM, each with a code over the transaction. Other
// commands, and bare writes, are not acknowledged.
type mlx90614Model struct {
	surroundings
	address byte
	powered time.Time // since when
}

func newMLX90614(a surroundings) i2cChip { return &mlx90614Model{surroundings: a, address: 0x5A} }

func (m *mlx90614Model) exchange(w, r []byte, powered bool) error {
	if !powered {
		m.powered = m.now()
	}
	if len(w) != 1 || len(r) != 3 {
		return ErrNoAcknowledge
	}
	v := uint16(0)
	switch w[0] {
	case 0x07:
		// The first value after power-on comes from an empty filter.
		if m.now().Sub(m.powered) >= 250*time.Millisecond {
			kelvin := m.feel(sensors.SurfaceTemperature, m.now()) + NoiseTemperature*m.luck.noise(m.now()) + 273.15
			v = uint16(math.Round(kelvin / 0.02))
		}
	case 0x2E:
		v = 0xBE00 | uint16(m.address)
	case 0x24:
		v = 0xFFFF // emissivity
	default:
		return ErrNoAcknowledge
	}
	r[0], r[1] = byte(v), byte(v>>8)
	r[2] = crc8(0x107, 0, []byte{m.address << 1, w[0], m.address<<1 | 1, r[0], r[1]})
	return nil
}
