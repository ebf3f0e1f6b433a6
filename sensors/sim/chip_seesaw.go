package sim

import (
	"math"
	"time"
)

// seesawModel is Adafruit's seesaw firmware as the STEMMA soil sensor has it: a module and a function are written, and
// after a pause what they say is read. It says FFFFh when it is asked too early, now and then even in time.
type seesawModel struct {
	now    func() time.Time
	feel   func(time.Time) float64 // counts
	chance chance

	asked [2]byte
	at    time.Time
}

func (s *seesawModel) exchange(w, r []byte, powered bool) error {
	if (len(w) > 0) == (len(r) > 0) {
		return errRegister // it does not bear a repeated start
	}
	if len(w) > 0 {
		if len(w) < 2 {
			return errRegister
		}
		s.asked, s.at = [2]byte(w), s.now()
		return nil
	}
	for i := range r {
		r[i] = 0xFF
	}
	switch s.asked {
	case [2]byte{0x00, 0x01}:
		r[0] = 0x55
	case [2]byte{0x0F, 0x10}:
		early := s.now().Sub(s.at) < 3*time.Millisecond || s.chance.of("busy").unit(s.now().UnixMicro()) < 0.05
		if powered && !early && len(r) == 2 {
			n := uint16(math.Round(s.feel(s.now())))
			r[0], r[1] = byte(n>>8), byte(n)
		}
	}
	return nil
}
