package sim

import (
	"math"
	"time"

	"loam/sensors"
)

// mhz19Model is a Winsen MH-Z19B with a range of 5000 ppm, by its manual V1.5. It speaks when it is asked.
type mhz19Model struct {
	around surroundings
	since  time.Time // when it got its power; zero: long ago
}

func newMHZ19(s surroundings) serialDevice { return &mhz19Model{around: s} }

func (m *mhz19Model) hear(sent []byte, powered bool) []byte {
	t := m.around.now()
	if !powered { // it restarts before it can answer
		m.since = t
		return nil
	}
	if len(sent) != 9 || sent[0] != 0xFF || sent[1] != 0x01 || sum8(sent[1:]) != 0 || sent[2] != 0x86 {
		return nil
	}
	ppm := 410 // while it heats
	if m.since.IsZero() || t.Sub(m.since) >= 3*time.Minute {
		ppm = min(int(math.Round(m.around.feel(sensors.CarbonDioxide, t))), 5000)
	}
	b := []byte{0xFF, 0x86, byte(ppm / 256), byte(ppm % 256), 0x3E, 0, 0, 0}
	return append(b, -sum8(b[1:]))
}
