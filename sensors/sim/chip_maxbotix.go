package sim

import (
	"fmt"
	"math"
	"time"

	"loam/sensors"
)

// maxbotixModel is a MaxSonar that sends "R", digits and a carriage return. Its first words after power-on are about itself.
type maxbotixModel struct {
	around surroundings
	chat   chatter
	step   float64 // mm
	digits int
	boots  bool
}

func newMaxbotix(step float64, digits int) func(surroundings) serialDevice {
	return func(s surroundings) serialDevice {
		m := &maxbotixModel{around: s, step: step, digits: digits}
		m.chat = chatter{now: s.now, period: 150 * time.Millisecond, frame: m.line}
		return m
	}
}

func (*maxbotixModel) hear([]byte, bool) []byte { return nil }

func (m *maxbotixModel) speak(powered bool) []byte {
	if !powered {
		m.boots = true
		return []byte("\rHRXL-MaxSonar-WRL\rPN:MB7389\rCopyright 2011-2013\rMaxBotix Inc.\r")
	}
	if m.boots {
		m.boots = false
		return []byte("RoHS 1.8b090  0713\rTempI\r")
	}
	return m.chat.next()
}

func (m *maxbotixModel) line(t time.Time) []byte {
	return fmt.Appendf(nil, "R%0*.0f\r", m.digits, math.Round(m.around.feel(sensors.Distance, t)/m.step))
}
