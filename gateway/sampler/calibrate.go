package sampler

import (
	"errors"
	"fmt"
	"time"

	"loam/gateway/wire"
	"loam/sensors"
)

// nearby is how old, or how much younger, a reading of another channel may be to compensate a sample with. Within a round
// they are seconds apart; when the other probe fails, its last word stands for so long.
const nearby = 5 * time.Minute

// closeRound calibrates what the round has brought, and adds it to what is held. It is called under the lock.
//
// Channels that need no other come first, so that the others find what this round measured, whichever probe answered
// first.
func (s *Sampler) closeRound() (taken int, failed []error) {
	answers := s.open
	s.open = nil
	errs := make([]outcome, len(answers))
	for _, compensated := range []bool{false, true} {
		for i, a := range answers {
			readings := s.calibrate(a, compensated, &errs[i])
			taken += len(readings)
			s.held = append(s.held, readings...)
		}
	}
	for i, a := range answers {
		if a.err != nil {
			errs[i].unusable = a.err
		}
		if !a.off {
			s.note(a, errs[i])
		}
		if err := errors.Join(errs[i].unusable, errs[i].uncalibrated); err != nil {
			failed = append(failed, err)
		}
	}
	s.weigh()
	s.meter.readings.Add(float64(taken))
	s.trim()
	return taken, failed
}

// outcome is what was wrong with an answer.
type outcome struct {
	readings     int
	unusable     error // no reading came of it, or not all that should have
	uncalibrated error // a reading came of it that claims no calibration
}

// calibrate makes readings of an answer's samples, for the channels that are compensated by another or for those that are
// not.
func (s *Sampler) calibrate(a answer, compensated bool, out *outcome) []sensors.Reading {
	var readings []sensors.Reading
	for _, sample := range a.samples {
		for _, c := range a.probe.Channels {
			if c.Quantity != sample.Quantity || (c.Calibration.Compensation != nil) != compensated {
				continue
			}
			named := func(err error) error { return fmt.Errorf("sampler: probe %s: channel %s: %w", a.probe.Name, c.ID, err) }
			reading, err := c.Calibration.Apply(c.ID, sample, s.near(sample.At.Uptime))
			if errors.Is(err, sensors.ErrUncalibrated) {
				out.uncalibrated = errors.Join(out.uncalibrated, named(err))
				err = nil
			}
			if err == nil {
				err = wire.CheckReading(reading) // held, one that can never be sent would hold up all others
			}
			if err != nil {
				out.unusable = errors.Join(out.unusable, named(err))
				continue
			}
			readings = append(readings, reading)
			s.latest[c.ID] = reading
			s.byName[a.probe.Name].took(reading)
		}
	}
	out.readings += len(readings)
	return readings
}

// near finds what another channel said about when a sample was taken.
func (s *Sampler) near(uptime time.Duration) sensors.Nearby {
	return func(c sensors.Channel) (sensors.Reading, bool) {
		r, ok := s.latest[c]
		return r, ok && (r.At.Uptime-uptime).Abs() <= nearby
	}
}
