package sim

import (
	"errors"
	"fmt"
	"sync"
)

// Fault is what can be wrong with a chip.
type Fault int

// The faults.
const (
	Healthy   Fault = iota
	Unplugged       // nobody answers
	PowerOn         // it restarts all the time: it answers with its power-on values and never measures
	Hung            // a call on the bus does not come back until the fault changes
	Garbled         // what is read has wrong bits
)

// String returns the fault in words.
func (f Fault) String() string {
	words := []string{"healthy", "unplugged", "power-on", "hung", "garbled"}
	if f < 0 || int(f) >= len(words) {
		return fmt.Sprintf("fault(%d)", int(f))
	}
	return words[f]
}

// What a simulated bus says, as a real one would.
var (
	ErrNoAcknowledge = errors.New("sim: no acknowledge")
	ErrBusClosed     = errors.New("sim: bus is closed")
)

// state is the fault of one chip. It is its own lock: a hung bus must not keep anyone from mending it.
type state struct {
	mu      sync.Mutex
	fault   Fault
	changed chan struct{} // closed at the next change
}

func (s *state) set(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// now returns the fault, after waiting until it is not [Hung].
func (s *state) now() Fault {
	for {
		s.mu.Lock()
		f := s.fault
		if f != Hung {
			s.mu.Unlock()
			return f
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		<-changed
	}
}

// garble turns over one bit of every byte, another one each time it is called with another key.
func garble(b []byte, key uint64) {
	for i := range b {
		key = mix(key)
		b[i] ^= 1 << (key & 7)
	}
}
