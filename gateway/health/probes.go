package health

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"loam/gateway/qc"
	"loam/gateway/sampler"
	"loam/sensors"
	"loam/sensors/clock"
)

// State is how a probe or a channel is doing, in a word.
type State string

// The states, the gravest last.
const (
	Waiting     State = "waiting"   // not asked yet, or not ready yet
	Good        State = "good"      // what it says can be used
	Passed      State = "unapplied" // its calibration cannot be applied; what it says is passed on, and earns nothing
	Flat        State = "flat"      // it says the same for longer than nature does
	Implausible State = "implausible"
	Silent      State = "silent"
	Failing     State = "failing"
)

// Rhythm is what probes are judged by, at one moment.
type Rhythm struct {
	interval time.Duration
	timeout  time.Duration
	tests    qc.Settings
	now      clock.Instant
}

// NewRhythm is that of probes which are asked each interval, and may take as long as timeout. A probe may go without a
// sample for three turns and the time of one answer.
func NewRhythm(interval, timeout time.Duration) Rhythm {
	return Rhythm{interval: interval, timeout: timeout, tests: qc.Defaults()}
}

// At is the same, at another moment.
func (r Rhythm) At(now clock.Instant) Rhythm {
	r.now = now
	return r
}

// patience is how long a probe may go without a sample.
func (r Rhythm) patience(s sampler.Status) time.Duration {
	return 3*max(r.interval, s.Every) + r.timeout
}

func (r Rhythm) since(at clock.Instant) time.Duration { return r.now.Uptime - at.Uptime }

// ProbeState judges a probe as a whole: whether it answers.
func (r Rhythm) ProbeState(s sampler.Status) State {
	last := s.Good
	if last == (clock.Instant{}) {
		last = s.Began
	}
	switch {
	case s.Failures > 0 && s.Good == (clock.Instant{}), s.Failures >= 3:
		return Failing
	case r.since(last) > r.patience(s):
		return Silent
	case s.Good == (clock.Instant{}), errors.Is(s.Err, sensors.ErrNotReady):
		return Waiting
	}
	return Good
}

// ChannelState judges one channel of a probe that answers.
func (r Rhythm) ChannelState(s sampler.Status, c sampler.ChannelStatus) State {
	if c.Repeats == 0 {
		if s.Good == (clock.Instant{}) || r.since(s.Began) <= r.patience(s) {
			return Waiting
		}
		return Silent
	}
	kind, err := c.Last.RawQuantity.Kind()
	switch {
	case r.since(c.Last.At) > r.patience(s):
		return Silent
	case err == nil && (c.Last.Raw.Cmp(kind.Min) < 0 || c.Last.Raw.Cmp(kind.Max) > 0):
		return Implausible
	case r.flat(c):
		return Flat
	case errors.Is(s.Err, sensors.ErrUncalibrated) && c.Last.Calibration.ID == "":
		return Passed
	}
	return Good
}

// flat uses the periods of the hub's flat-line test, so that the gateway warns of what will not earn. Quantities that rest
// for weeks have none; and three samples, however far apart, are no line.
func (r Rhythm) flat(c sampler.ChannelStatus) bool {
	test := r.tests.For("", c.Last.RawQuantity).FlatLine
	if test == nil || c.Repeats <= 3 {
		return false
	}
	return (c.Last.At.Uptime - c.Same.Uptime).Seconds() >= test.SuspectThreshold
}

// Probes states how each probe and each of its channels is doing.
func (r Rhythm) Probes(statuses []sampler.Status) []Check {
	var checks []Check
	for _, s := range statuses {
		checks = append(checks, r.probe(s))
		if state := r.ProbeState(s); state == Failing || state == Silent {
			continue // said already
		}
		for _, c := range s.Channels {
			checks = append(checks, r.channel(s, c))
		}
	}
	return checks
}

func (r Rhythm) probe(s sampler.Status) Check {
	t := topic{"probe." + s.Probe, "a probe that says nothing leaves a gap, and what is missing earns nothing"}
	const cure = "look at its cable, plug and power; then at its bus and address in the configuration"
	switch r.ProbeState(s) {
	case Failing:
		return t.fail(cure, "probe %s has given no sample %s (%s): %s", s.Probe, r.forHowLong(s), plural(int(s.Failures), "failure"), said(s.Err))
	case Silent:
		return t.fail(cure+"; a bus that hangs needs the probe or the machine switched off and on", "probe %s has given no sample %s, and no error either: %s", s.Probe, r.forHowLong(s), r.turn(s))
	case Waiting:
		if s.Err != nil {
			return t.ok("probe %s: %s", s.Probe, said(s.Err))
		}
		return t.unknown("probe %s has not been asked yet", s.Probe)
	}
	if s.Failures > 0 {
		return t.warn(cure, "probe %s has just failed: %s", s.Probe, said(s.Err))
	}
	return t.ok("probe %s answered %s ago", s.Probe, length(r.since(s.Good)))
}

func (r Rhythm) turn(s sampler.Status) string {
	if s.Answered == (clock.Instant{}) {
		return "it has never come back"
	}
	return fmt.Sprintf("it last came back %s ago", length(r.since(s.Answered)))
}

func (r Rhythm) forHowLong(s sampler.Status) string {
	if s.Good == (clock.Instant{}) {
		return "since the gateway started, " + length(r.since(s.Began)) + " ago"
	}
	return "for " + length(r.since(s.Good))
}

func (r Rhythm) channel(s sampler.Status, c sampler.ChannelStatus) Check {
	t := topic{"channel." + string(c.Channel), "what is not believable is flagged by the hub and earns nothing"}
	switch r.ChannelState(s, c) {
	case Waiting:
		return t.unknown("channel %s has no reading yet", c.Channel)
	case Silent:
		return t.fail("see whether the probe can measure this quantity: `loam sensors list`", "channel %s has no %s, though its probe %s answers", c.Channel, c.Quantity, s.Probe)
	case Implausible:
		return t.fail("see that the probe is where it belongs (in the soil, in the water), dry inside and wired right", "channel %s says %s, which cannot be", c.Channel, value(c))
	case Flat:
		return t.warn("see whether the probe is still in its place; take it out or warm it in the hand and watch the value", "channel %s has said %s for %s", c.Channel, value(c), length(c.Last.At.Uptime-c.Same.Uptime))
	case Passed:
		return t.warn("see that the other channel is read, or calibrate anew: `loam calibrate "+string(c.Channel)+"`", "channel %s is passed on uncalibrated: %s", c.Channel, said(s.Err))
	}
	return t.ok("channel %s says %s", c.Channel, value(c))
}

// value writes what the probe said last, with its unit.
func value(c sampler.ChannelStatus) string {
	kind, err := c.Last.RawQuantity.Kind()
	if err != nil {
		return c.Last.Raw.String()
	}
	return strings.TrimSpace(c.Last.Raw.String() + " " + kind.Symbol)
}

// longestError keeps what a driver says within what a person reads.
const longestError = 400

// said is an error as one short line; drivers put addresses and causes into it, never anything secret.
func said(err error) string {
	if err == nil {
		return "it gives no reason"
	}
	s := strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "sampler: ")), " ")
	if r := []rune(s); len(r) > longestError {
		s = string(r[:longestError]) + " …"
	}
	return s
}
