package main

import (
	"context"
	"sync/atomic"
	"time"

	"loam/sensors/clock"
)

// syncedClock is a clock that is taken to be synchronised.
type syncedClock struct{ clock.Clock }

// Now implements clock.Clock.
func (c syncedClock) Now() clock.Instant {
	at := c.Clock.Now()
	at.State = clock.Synced
	return at
}

// demoClock stands in the past while the history is lived through and tells the machine's time afterwards. The machine of
// a demo is taken to be synchronised: its probes are simulated, too.
type demoClock struct {
	past *clock.Virtual
	real clock.Clock
	live atomic.Bool
}

// Now implements clock.Clock.
func (c *demoClock) Now() clock.Instant {
	if !c.live.Load() {
		return c.past.Now()
	}
	return c.real.Now()
}

// Sleep implements clock.Clock.
func (c *demoClock) Sleep(ctx context.Context, d time.Duration) error {
	if !c.live.Load() {
		return c.past.Sleep(ctx, d)
	}
	return c.real.Sleep(ctx, d)
}
