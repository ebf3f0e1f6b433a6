package sampler

import (
	"context"
	"fmt"
	"time"

	"loam/sensors"
)

// MaxHeld bounds the readings kept in memory while the sink refuses them: a full disk for a quarter of an hour at 60
// readings a second, in about 10 MB. When more come, the oldest are given up, counted and logged: what is left is then
// one stretch without a gap, up to now.
const MaxHeld = 50_000

// handOnTimeout bounds a hand-over that a round which was called off still makes.
const handOnTimeout = 10 * time.Second

// handOn gives the sink everything that is held, also when ctx has ended: what was measured is not thrown away because
// the gateway is being stopped.
func (s *Sampler) handOn(ctx context.Context) error {
	s.mu.Lock()
	readings := s.held
	s.held = nil
	s.handing = s.clock.Now().Uptime
	s.mu.Unlock()

	var err error
	if len(readings) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOnTimeout)
		defer cancel()
		err = s.sink.Append(ctx, readings)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.handing = 0
	if err != nil {
		s.held = append(readings, s.held...)
		s.trim()
		err = fmt.Errorf("sampler: %d readings wait in memory: %w", len(s.held), err)
	}
	s.meter.held.Set(float64(len(s.held)))
	return err
}

// trim gives up the oldest readings where too many are held. It is called under the lock.
func (s *Sampler) trim() {
	over := len(s.held) - MaxHeld
	if over <= 0 {
		return
	}
	s.log.Error("readings are given up: the spool has refused them for too long", "readings", over, "oldest", s.held[0].At.Wall)
	s.meter.lost.Add(float64(over))
	s.held = append([]sensors.Reading(nil), s.held[over:]...)
}
