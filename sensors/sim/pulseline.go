package sim

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"loam/sensors/clock"
	"loam/sensors/pulse"
)

// pulseLine is a virtual line with pulses on it.
type pulseLine struct {
	name  string
	total func(time.Time) uint64 // pulses since the world began; never falls
	users atomic.Int32
	state
}

func (l *pulseLine) register() error   { return nil } // [Site.OpenPulses] finds it
func (l *pulseLine) unregister() error { return nil }
func (l *pulseLine) handles() int      { return int(l.users.Load()) }

// OpenPulses is a [pulse.Opener] for the site's lines.
func (s *Site) OpenPulses(ctx context.Context, line pulse.Line, clk clock.Clock) (pulse.Counter, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, b := range s.buses {
		if l, ok := b.(*pulseLine); ok && l.name == line.Name {
			l.users.Add(1)
			return &pulseCounter{line: l, clock: clk, begin: l.total(s.now())}, nil
		}
	}
	return nil, fmt.Errorf("sim: %s has no line %q", s.place, line.Name)
}

// pulseCounter is a line as one driver opened it.
type pulseCounter struct {
	line   *pulseLine
	clock  clock.Clock
	begin  uint64
	heard  uint64 // since it was opened
	closed atomic.Bool
}

// Count implements [pulse.Counter].
func (c *pulseCounter) Count(ctx context.Context) (pulse.Count, error) {
	fault := c.line.now() // waits where the line hangs
	at := c.clock.Now()
	if fault == Healthy {
		c.heard = c.line.total(at.Wall) - c.begin
	}
	return pulse.Count{Pulses: c.heard, At: at}, ctx.Err()
}

// Close implements [pulse.Counter].
func (c *pulseCounter) Close() error {
	if !c.closed.Swap(true) {
		c.line.users.Add(-1)
	}
	return nil
}
