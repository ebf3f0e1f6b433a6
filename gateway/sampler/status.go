package sampler

import (
	"errors"
	"slices"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// Status is how a probe has been doing since the sampler was made. Ages are differences of uptime: the wall clock may have
// been set meanwhile.
type Status struct {
	Probe    string
	Bus      string
	Every    time.Duration // how often it is asked, where that is its own; 0: in each round
	Began    clock.Instant // when the sampler was made
	Answered clock.Instant // when it was last asked to the end, whatever came of it; zero: never yet
	Good     clock.Instant // when it last gave a usable sample; zero: never yet
	Failing  clock.Instant // since when it has given none; zero while it does
	Failures uint64        // in a row
	Err      error         // of the last answer; nil where there was nothing to say
	Channels []ChannelStatus
}

// ChannelStatus is how one channel of a probe has been doing.
type ChannelStatus struct {
	Channel  sensors.Channel
	Quantity sensors.Quantity // of the sample
	Last     sensors.Reading  // zero where there was none yet
	Same     clock.Instant    // since when the probe has been saying what it said last
	Repeats  uint64           // how often it has said it
}

func newStatus(p Probe, now clock.Instant) *Status {
	s := &Status{Probe: p.Name, Bus: p.Bus, Every: p.Every, Began: now}
	for _, c := range p.Channels {
		s.Channels = append(s.Channels, ChannelStatus{Channel: c.ID, Quantity: c.Quantity})
	}
	return s
}

// took notes a reading.
func (s *Status) took(r sensors.Reading) {
	i := slices.IndexFunc(s.Channels, func(c ChannelStatus) bool { return c.Channel == r.Channel })
	c := &s.Channels[i]
	if c.Repeats == 0 || c.Last.Raw.Cmp(r.Raw) != 0 {
		c.Same, c.Repeats = r.At, 0
	}
	c.Repeats++
	c.Last = r
}

// Statuses returns how every probe has been doing, in the order they were given.
func (s *Sampler) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Status
	for _, st := range s.statuses {
		c := *st
		if s.saving {
			c.Every = max(c.Every, s.saver.Every)
		}
		c.Channels = slices.Clone(st.Channels)
		all = append(all, c)
	}
	return all
}

// note keeps a probe's status, counts its failures, and logs when they begin and when they are over: not in every round,
// however their words change. A probe that is not ready yet has not failed. It is called under the lock.
func (s *Sampler) note(a answer, out outcome) {
	st := s.byName[a.probe.Name]
	st.Answered = a.at
	st.Err = errors.Join(out.unusable, out.uncalibrated)
	if out.readings > 0 {
		st.Good = a.at
	}
	if out.unusable != nil && errors.Is(out.unusable, sensors.ErrNotReady) {
		return
	}
	s.say(complaint{probe: a.probe.Name}, out.unusable, "probe gives no usable sample; it is asked again in each round", "probe is back")
	s.say(complaint{a.probe.Name, true}, out.uncalibrated, "readings are passed on uncalibrated", "readings are calibrated again")
	if out.unusable == nil {
		st.Failing, st.Failures = clock.Instant{}, 0
		return
	}
	s.meter.failures.WithLabelValues(a.probe.Name).Inc()
	if st.Failures == 0 {
		st.Failing = a.at
	}
	st.Failures++
}

// complaint is what can be wrong with a probe for longer than a round.
type complaint struct {
	probe       string
	calibration bool // its readings are passed on uncalibrated; otherwise, there are none
}

// say logs the beginning and the end of what is wrong, once each.
func (s *Sampler) say(c complaint, err error, begins, ends string) {
	switch {
	case err != nil && !s.failing[c]:
		s.failing[c] = true
		s.log.Warn(begins, "probe", c.probe, "error", err)
	case err == nil && s.failing[c]:
		delete(s.failing, c)
		s.log.Info(ends, "probe", c.probe)
	}
}
