package sampler

import (
	"context"
	"fmt"
	"time"

	"loam/sensors/clock"
)

// grace is how long a round waits for its slowest bus before the readings of the others are handed on without it: one
// commit a round where all is well, and no reading long in memory where it is not. A shorter interval is the grace.
const grace = 2 * time.Second

func checkInterval(interval time.Duration) error {
	if interval <= 0 {
		return fmt.Errorf("sampler: interval %s: use more than 0", interval)
	}
	return nil
}

// tick begins a round at each multiple of interval. It waits for nothing but the clock.
func (s *Sampler) tick(ctx context.Context, interval time.Duration) error {
	late := time.AfterFunc(min(grace, interval), s.signal)
	defer late.Stop()
	for {
		at, err := waitForTick(ctx, s.clock, interval, s.expect)
		if err != nil {
			return err
		}
		if s.begin(at) {
			late.Reset(min(grace, interval))
		} else {
			s.signal() // every bus is busy; what is held is tried again nevertheless
		}
	}
}

// begin closes the last round and starts every lane that is not busy. It says whether there was one.
func (s *Sampler) begin(tick time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeRound()
	if s.spared(tick) {
		return false
	}
	s.round++
	s.awaited = 0
	for _, l := range s.lanes {
		if l.busy {
			s.meter.missed.WithLabelValues(l.bus).Inc()
			continue
		}
		l.busy, l.round = true, s.round
		s.awaited++
		l.start <- tick // there is room: it has taken its last one
	}
	return s.awaited > 0
}

// expect notes when the next tick must have come.
func (s *Sampler) expect(due time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = due
}

// keep closes rounds and hands readings on, until ctx ends.
func (s *Sampler) keep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.answered:
		}
		s.mu.Lock()
		s.closeRound()
		s.mu.Unlock()
		if err := s.handOn(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("readings could not be kept; they are tried again in the next round", "error", err)
		}
	}
}

// waitForTick sleeps until the next multiple of interval. A timer may fire a moment early by the wall clock: that tick is
// waited for, not taken and then taken again. It returns the multiple. expect hears by which uptime each sleep has to end.
func waitForTick(ctx context.Context, clk clock.Clock, interval time.Duration, expect func(time.Duration)) (time.Time, error) {
	tick := clk.Now().Wall.Truncate(interval).Add(interval)
	for {
		now := clk.Now()
		wait := tick.Sub(now.Wall)
		if wait <= 0 {
			return tick, ctx.Err()
		}
		if wait > interval { // the clock was set back
			tick = now.Wall.Truncate(interval).Add(interval)
			continue
		}
		expect(now.Uptime + wait)
		if err := clk.Sleep(ctx, wait); err != nil {
			return tick, err
		}
	}
}
