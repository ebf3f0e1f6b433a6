package sampler

import (
	"errors"
	"fmt"
	"time"
)

// ErrStalled is wrapped by what [Sampler.Stalled] says.
var ErrStalled = errors.New("sampling has stopped turning")

// Stalled says what keeps [Sampler.Run] from turning, if anything: ticks that do not come, buses of which not one comes
// back, or a hand-over that does not end. Each is given limit beyond its own time. One bus that hangs is no stall while
// another answers, and a sink that refuses is none at all: starting anew would mend neither.
func (s *Sampler) Stalled(limit time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now().Uptime
	late := func(since time.Duration) bool { return since > 0 && now-since > limit }
	if late(s.due) {
		return fmt.Errorf("sampler: %w: a tick is %s late", ErrStalled, (now - s.due).Round(time.Second))
	}
	if late(s.handing) {
		return fmt.Errorf("sampler: %w: the spool has not come back for %s", ErrStalled, (now - s.handing).Round(time.Second))
	}
	for _, l := range s.lanes {
		if !late(l.since) {
			return nil
		}
	}
	if len(s.lanes) == 0 {
		return nil
	}
	return fmt.Errorf("sampler: %w: no bus has answered for more than %s", ErrStalled, limit)
}
