package sim

import (
	"bytes"
	"math"
	"time"

	"loam/sensors"
)

// plantowerModel is a Plantower PMS5003 or PMS7003 (data words: 13), or a PMS3003 (9), as their data manuals have it.
type plantowerModel struct {
	around surroundings
	words  int
	chat   chatter

	passive bool
	asleep  bool
	woke    time.Time // zero: long ago
}

func newPlantower(words int) func(surroundings) serialDevice {
	return func(s surroundings) serialDevice {
		p := &plantowerModel{around: s, words: words}
		p.chat = chatter{now: s.now, period: 2 * time.Second, frame: p.frame}
		return p
	}
}

// restart is what a loss of power leaves.
func (p *plantowerModel) restart() { p.passive, p.asleep, p.woke = false, false, p.around.now() }

func (p *plantowerModel) speak(powered bool) []byte {
	if !powered { // it does not come as far as the first frame
		p.restart()
		return nil
	}
	if p.passive || p.asleep {
		return nil
	}
	return p.chat.next()
}

func (p *plantowerModel) hear(sent []byte, powered bool) []byte {
	if !powered {
		p.restart()
		return nil
	}
	if p.words == 9 || len(sent) != 7 || !bytes.Equal(withSum16(sent[:5]), sent) {
		return nil
	}
	switch [3]byte(sent[2:5]) {
	case [3]byte{0xE1, 0, 0}, [3]byte{0xE1, 0, 1}:
		if p.asleep {
			return nil
		}
		p.passive = sent[4] == 0
		return withSum16([]byte{0x42, 0x4D, 0, 4, 0xE1, sent[4]})
	case [3]byte{0xE2, 0, 0}:
		if p.passive && !p.asleep {
			return p.frame(p.around.now())
		}
	case [3]byte{0xE4, 0, 0}:
		p.asleep = true
		return withSum16([]byte{0x42, 0x4D, 0, 4, 0xE4, 0})
	case [3]byte{0xE4, 0, 1}:
		if p.asleep {
			p.asleep, p.woke = false, p.around.now()
		}
	}
	return nil
}

// frame is the data frame of a moment. Until its fan turns, the probe sees less than there is.
func (p *plantowerModel) frame(t time.Time) []byte {
	seen := 1.0
	if !p.woke.IsZero() && t.Sub(p.woke) < 30*time.Second {
		seen = 0.3
	}
	var w []uint16
	for _, q := range []sensors.Quantity{sensors.PM1, sensors.PM25CF1, sensors.PM10, sensors.PM1, sensors.PM25, sensors.PM10} {
		w = append(w, uint16(math.Round(seen*p.around.feel(q, t))))
	}
	if p.words == 13 {
		for _, share := range []float64{180, 52, 9, 1.2, 0.3, 0.1} {
			w = append(w, uint16(share*p.around.feel(sensors.PM25, t)))
		}
		w = append(w, 0x9700) // version, no error
	} else {
		w = append(w, 0, 0, 0x0051)
	}
	b := []byte{0x42, 0x4D, 0, byte(2*p.words + 2)}
	for _, v := range w {
		b = append(b, byte(v>>8), byte(v))
	}
	return withSum16(b)
}

// withSum16 appends the 16-bit sum of all bytes.
func withSum16(b []byte) []byte {
	n := 0
	for _, v := range b {
		n += int(v)
	}
	return append(append([]byte(nil), b...), byte(n>>8), byte(n))
}
