package sampler

import (
	"context"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// lane is a bus with its probes: they are asked one after the other, and wait for nobody else's.
type lane struct {
	bus    string
	probes []Probe
	start  chan time.Time // a tick, for a lane that is not busy

	// Under the sampler's lock.
	busy  bool
	round uint64        // that it answers to
	since time.Duration // uptime when the probe that is being asked was asked; 0 where none is
}

func newLane(bus string) *lane { return &lane{bus: bus, start: make(chan time.Time, 1)} }

// answer is what came of asking one probe.
type answer struct {
	probe   Probe
	samples []sensors.Sample
	err     error
	at      clock.Instant
	off     bool // it was called off, which says nothing about the probe
}

// ask asks one probe.
func (s *Sampler) ask(ctx context.Context, l *lane, p Probe) answer {
	s.asking(l, s.clock.Now().Uptime)
	a := answer{probe: p}
	a.samples, a.err = p.Source.Sense(ctx)
	if a.err != nil {
		a.samples, a.err = nil, fmt.Errorf("sampler: probe %s: %w", p.Name, a.err)
	}
	a.at, a.off = s.clock.Now(), ctx.Err() != nil
	s.asking(l, 0)
	return a
}

func (s *Sampler) asking(l *lane, since time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.since = since
}

// due says whether the probe is asked at a tick.
func (p Probe) due(tick time.Time) bool {
	return p.Every <= 0 || tick.Truncate(p.Every).Equal(tick)
}

// serve asks the lane's probes at each of its ticks.
func (s *Sampler) serve(ctx context.Context, l *lane) {
	for {
		var tick time.Time
		select {
		case <-ctx.Done():
			return
		case tick = <-l.start:
		}
		for _, p := range l.probes {
			if p.due(tick) {
				s.brings(s.ask(ctx, l, p))
			}
		}
		s.idle(l)
	}
}

// brings adds an answer to the round that is open.
func (s *Sampler) brings(a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, a)
}

// idle notes that a lane has answered. The last one of its round closes it; one that is late closes what is open, unless
// others are still awaited.
func (s *Sampler) idle(l *lane) {
	s.mu.Lock()
	l.busy = false
	if l.round == s.round {
		s.awaited--
	}
	all := s.awaited == 0
	s.mu.Unlock()
	if all {
		s.signal()
	}
}

// signal wakes whoever closes rounds and hands readings on.
func (s *Sampler) signal() {
	select {
	case s.answered <- struct{}{}:
	default: // it has yet to come for the last one
	}
}
