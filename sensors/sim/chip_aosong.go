package sim

import (
	"math"
	"time"
)

// aht20Model is an Aosong AHT20 (version 1.0). It has to be told to load its calibration after power-on.
type aht20Model struct {
	surroundings
	calibrated bool
	done       time.Time
	frame      [7]byte
}

func newAHT20(a surroundings) i2cChip { return &aht20Model{surroundings: a} }

func (m *aht20Model) status() byte {
	s := byte(0x10)
	if m.calibrated {
		s |= 1 << 3
	}
	if m.now().Before(m.done) {
		s |= 1 << 7
	}
	return s
}

func (m *aht20Model) exchange(w, r []byte, powered bool) error {
	if !powered {
		m.calibrated, m.done, m.frame = false, time.Time{}, [7]byte{}
	}
	switch {
	case len(w) == 1 && w[0] == 0x71 && len(r) == 1:
		r[0] = m.status()
		return nil
	case len(w) == 3 && w[0] == 0xBE && w[1] == 0x08 && w[2] == 0x00:
		m.calibrated = powered
	case len(w) == 3 && w[0] == 0xAC && w[1] == 0x33 && w[2] == 0x00:
		if m.calibrated {
			m.measure()
		}
	case len(w) > 0:
		return ErrNoAcknowledge
	}
	m.frame[0] = m.status()
	m.frame[6] = crc8(0x131, 0xFF, m.frame[:6])
	copy(r, m.frame[:])
	return nil
}

func (m *aht20Model) measure() {
	m.done = m.now().Add(86 * time.Millisecond) // a slow one
	t := airOnBench(m.surroundings, m.now())
	h := uint32(math.Round(t.humidity / 100 * (1 << 20)))
	c := uint32(math.Round((t.temperature + 50) / 200 * (1 << 20)))
	m.frame = [7]byte{0, byte(h >> 12), byte(h >> 4), byte(h<<4) | byte(c>>16), byte(c >> 8), byte(c), 0}
}

// am2320Model is an Aosong AM2320 (manual 1.0): it sleeps, wakes when it is addressed without acknowledging it, and answers
// with what it measured when it was last asked.
type am2320Model struct {
	surroundings
	woken    time.Time
	answer   []byte
	measured time.Time
	last     air
}

func newAM2320(a surroundings) i2cChip { return &am2320Model{surroundings: a} }

func (m *am2320Model) exchange(w, r []byte, powered bool) error {
	if !powered {
		m.woken, m.measured, m.answer = time.Time{}, time.Time{}, nil // it says nothing in the first two seconds
		return ErrNoAcknowledge
	}
	now := m.now()
	if awake := now.Sub(m.woken); awake < 800*time.Microsecond || awake > 3*time.Millisecond {
		m.woken, m.answer = now, nil
		return ErrNoAcknowledge
	}
	switch {
	case len(w) == 3 && len(r) == 0 && w[0] == 3 && w[1] == 0 && w[2] == 4:
		m.answer = m.frame()
		m.woken = now.Add(-time.Millisecond) // it stays awake for the answer
	case len(w) == 0 && len(r) == len(m.answer):
		copy(r, m.answer)
		m.answer, m.woken = nil, time.Time{}
		m.last, m.measured = airOnBench(m.surroundings, now), now
	default:
		return ErrNoAcknowledge
	}
	return nil
}

func (m *am2320Model) frame() []byte {
	h, c := uint16(math.Round(m.last.humidity*10)), uint16(math.Round(math.Abs(m.last.temperature)*10))
	if m.last.temperature < 0 {
		c |= 0x8000
	}
	b := []byte{3, 4, byte(h >> 8), byte(h), byte(c >> 8), byte(c)}
	crc := crc16(b)
	return append(b, byte(crc), byte(crc>>8))
}

// crc16 divides the message, each byte with its lowest bit first, by x¹⁶+x¹⁵+x²+1.
func crc16(message []byte) uint16 {
	rest := 0xFFFF
	for i := range len(message) * 8 {
		if (rest^int(message[i/8]>>(i%8)))&1 != 0 {
			rest = rest>>1 ^ 0xA001
		} else {
			rest >>= 1
		}
	}
	return uint16(rest)
}
