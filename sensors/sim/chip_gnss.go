package sim

import (
	"fmt"
	"math"
	"strings"
	"time"

	"loam/sensors"
)

// gnssModel is a satellite receiver that sends RMC, GGA and others once a second, with five digits of minutes.
type gnssModel struct {
	around surroundings
	chat   chatter
}

func newGNSS(s surroundings) serialDevice {
	m := &gnssModel{around: s}
	m.chat = chatter{now: s.now, period: time.Second, frame: m.second}
	return m
}

func (*gnssModel) hear([]byte, bool) []byte { return nil }

func (m *gnssModel) speak(powered bool) []byte {
	if !powered { // it searches for satellites
		t := m.around.now().UTC()
		return []byte(sentence("GNRMC,%s.00,V,,,,,,,%s,,,N", t.Format("150405"), t.Format("020106")) +
			sentence("GNGGA,%s.00,,,,,0,00,99.99,,,,,,", t.Format("150405")))
	}
	return m.chat.next()
}

// second is what is sent about a moment.
func (m *gnssModel) second(t time.Time) []byte {
	t = t.UTC()
	clock := t.Format("150405.00")
	place := sexagesimal(m.around.feel(sensors.Latitude, t), 2, "N", "S") + "," + sexagesimal(m.around.feel(sensors.Longitude, t), 3, "E", "W")
	return []byte(sentence("GNRMC,%s,A,%s,0.012,,%s,,,A", clock, place, t.Format("020106")) +
		sentence("GNGGA,%s,%s,1,09,1.02,%.1f,M,46.9,M,,", clock, place, m.around.feel(sensors.Altitude, t)) +
		sentence("GPGSV,1,1,02,05,40,083,46,13,32,270,38") +
		sentence("PUBX,04,%s,%s,1,2,18,0,0,21", t.Format("150405.00"), t.Format("020106")))
}

// sexagesimal writes degrees and minutes without a sign between them.
func sexagesimal(v float64, digits int, plus, minus string) string {
	side := plus
	if v < 0 {
		v, side = -v, minus
	}
	units := int64(math.Round(v * 60 * 1e5)) // of 0.00001'
	return fmt.Sprintf("%0*d%02d.%05d,%s", digits, units/6e6, units%6e6/1e5, units%1e5, side)
}

// sentence puts a sentence's mark, checksum and end around it.
func sentence(format string, a ...any) string {
	s := fmt.Sprintf(format, a...)
	var x byte
	for _, c := range []byte(s) {
		x ^= c
	}
	return strings.Join([]string{"$", s, fmt.Sprintf("*%02X\r\n", x)}, "")
}
