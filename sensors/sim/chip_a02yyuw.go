package sim

import (
	"math"
	"time"

	"loam/sensors"
)

// a02yyuwModel is a DYP A02YYUW, which sends by itself, or an A02YYTW, which waits for a falling edge.
type a02yyuwModel struct {
	around     surroundings
	chat       chatter
	controlled bool
}

func newA02YYUW(controlled bool) func(surroundings) serialDevice {
	return func(s surroundings) serialDevice {
		m := &a02yyuwModel{around: s, controlled: controlled}
		m.chat = chatter{now: s.now, period: 100 * time.Millisecond, frame: m.frame}
		return m
	}
}

func (m *a02yyuwModel) speak(powered bool) []byte {
	if !powered || m.controlled {
		return nil
	}
	return m.chat.next()
}

func (m *a02yyuwModel) hear(sent []byte, powered bool) []byte {
	if !powered || !m.controlled || len(sent) == 0 {
		return nil
	}
	return m.frame(m.around.now())
}

func (m *a02yyuwModel) frame(t time.Time) []byte {
	mm := int(math.Round(m.around.feel(sensors.Distance, t)))
	b := []byte{0xFF, byte(mm / 256), byte(mm % 256)}
	return append(b, sum8(b))
}
