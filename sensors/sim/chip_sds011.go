package sim

import (
	"math"
	"time"

	"loam/sensors"
)

// sds011Model is a Nova Fitness SDS011 by its control protocol V1.3: in its factory setting it sends by itself.
type sds011Model struct {
	around surroundings
	chat   chatter

	query, asleep bool
	period        byte
	woke          time.Time // zero: long ago
}

func newSDS011(s surroundings) serialDevice {
	d := &sds011Model{around: s, period: 3}
	d.chat = chatter{now: s.now, period: time.Second, frame: d.data}
	return d
}

// restart is what a loss of power leaves: mode and period outlast it.
func (d *sds011Model) restart() { d.asleep, d.woke = false, d.around.now() }

func (d *sds011Model) speak(powered bool) []byte {
	if !powered {
		d.restart()
		return nil
	}
	if d.query || d.asleep {
		return nil
	}
	return d.chat.next()
}

func (d *sds011Model) hear(sent []byte, powered bool) []byte {
	if !powered {
		d.restart()
		return nil
	}
	if len(sent) != 19 || sent[0] != 0xAA || sent[1] != 0xB4 || sent[18] != 0xAB || sent[15] != 0xFF || sent[16] != 0xFF || sum8(sent[2:17]) != sent[17] {
		return nil
	}
	write, value := sent[3] == 1, sent[4]
	if d.asleep && (sent[2] != 6 || !write || value != 1) {
		return nil
	}
	switch sent[2] {
	case 2:
		if write {
			d.query = value == 1
		}
		if value = 0; d.query {
			value = 1
		}
	case 4:
		return d.data(d.around.now())
	case 6:
		if write && value == 1 && d.asleep {
			d.woke = d.around.now()
		}
		if write {
			d.asleep = value == 0
		}
	case 8:
		if write {
			d.period = value
		}
		value = d.period
	default:
		return nil
	}
	return d.framed(0xC5, sent[2], sent[3], value, 0)
}

// data is the concentrations of a moment. Until the flow is steady, the probe sees less than there is.
func (d *sds011Model) data(t time.Time) []byte {
	seen := 1.0
	if !d.woke.IsZero() && t.Sub(d.woke) < 30*time.Second {
		seen = 0.4
	}
	fine := int(math.Round(10 * seen * d.around.feel(sensors.PM25, t)))
	coarse := int(math.Round(10 * seen * d.around.feel(sensors.PM10, t)))
	return d.framed(0xC0, byte(fine), byte(fine>>8), byte(coarse), byte(coarse>>8))
}

func (d *sds011Model) framed(kind byte, data ...byte) []byte {
	b := append([]byte{0xAA, kind}, data...)
	b = append(b, 0xA1, 0x60) // the device's name
	return append(b, sum8(b[2:]), 0xAB)
}

// sum8 is the low byte of the sum of all bytes.
func sum8(b []byte) byte {
	n := 0
	for _, v := range b {
		n += int(v)
	}
	return byte(n)
}
