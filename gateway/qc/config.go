package qc

import (
	"fmt"
	"math"
	"time"
)

// Span is two bounds in either order; both belong to it.
type Span [2]float64

// Config is which tests one quantity is put through, in the words of ioos_qc. A test that is absent is not evaluated.
type Config struct {
	GrossRange   *GrossRangeTest   `toml:"gross_range_test,omitempty" json:"gross_range_test,omitempty"`
	Spike        *SpikeTest        `toml:"spike_test,omitempty" json:"spike_test,omitempty"`
	RateOfChange *RateOfChangeTest `toml:"rate_of_change_test,omitempty" json:"rate_of_change_test,omitempty"`
	FlatLine     *FlatLineTest     `toml:"flat_line_test,omitempty" json:"flat_line_test,omitempty"`
	TimeGap      *TimeGapTest      `toml:"time_gap_test,omitempty" json:"time_gap_test,omitempty"`
}

// GrossRangeTest fails what lies outside FailSpan and suspects what lies outside SuspectSpan, in the quantity's unit.
type GrossRangeTest struct {
	FailSpan    *Span `toml:"fail_span" json:"fail_span"`
	SuspectSpan *Span `toml:"suspect_span,omitempty" json:"suspect_span,omitempty"` // inside FailSpan
}

// SpikeMethod is how far a value stands out from its neighbours.
type SpikeMethod string

// The methods of the spike test.
const (
	Average      SpikeMethod = "average"      // distance from the middle of both neighbours; the default
	Differential SpikeMethod = "differential" // the smaller of the steps up and down, where they are opposite
)

// SpikeTest thresholds are in the quantity's unit; 0 or absent is no threshold.
type SpikeTest struct {
	SuspectThreshold float64     `toml:"suspect_threshold,omitempty" json:"suspect_threshold,omitempty"`
	FailThreshold    float64     `toml:"fail_threshold,omitempty" json:"fail_threshold,omitempty"`
	Method           SpikeMethod `toml:"method,omitempty" json:"method,omitempty"`
}

// RateOfChangeTest thresholds are in the quantity's unit per second.
type RateOfChangeTest struct {
	Threshold     float64  `toml:"threshold" json:"threshold"`
	FailThreshold *float64 `toml:"fail_threshold,omitempty" json:"fail_threshold,omitempty"`
}

// FlatLineTest thresholds are in seconds, the tolerance in the quantity's unit: a range below it is flat.
type FlatLineTest struct {
	SuspectThreshold float64 `toml:"suspect_threshold" json:"suspect_threshold"`
	FailThreshold    float64 `toml:"fail_threshold" json:"fail_threshold"`
	Tolerance        float64 `toml:"tolerance" json:"tolerance"`
}

// TimeGapTest fails the reading after a silence of more than FailSpanHours.
type TimeGapTest struct {
	FailSpanHours *float64 `toml:"fail_span_hours,omitempty" json:"fail_span_hours,omitempty"` // absent: 2, as upstream
}

// DefaultGapHours is what upstream takes for a gap when nothing is said.
const DefaultGapHours = 2

// span is cut to whole seconds, as upstream does.
func (t TimeGapTest) span() time.Duration {
	hours := float64(DefaultGapHours)
	if t.FailSpanHours != nil {
		hours = *t.FailSpanHours
	}
	return time.Duration(math.Trunc(float64(hours*3600))) * time.Second
}

// Validate says what is wrong with the spans, if anything.
func (t GrossRangeTest) Validate() error {
	f, s := t.FailSpan, t.SuspectSpan
	switch {
	case f == nil:
		return fmt.Errorf("qc: gross_range_test: %w: give fail_span = [lowest, highest]", ErrSettings)
	case !finite(f[:]...) || s != nil && !finite(s[:]...):
		return fmt.Errorf("qc: gross_range_test: %w: a bound is not a number", ErrSettings)
	case s != nil && (min(s[0], s[1]) < min(f[0], f[1]) || max(s[0], s[1]) > max(f[0], f[1])):
		return fmt.Errorf("qc: gross_range_test: %w: suspect_span %v must lie within fail_span %v", ErrSettings, *s, *f)
	}
	return nil
}

func (t SpikeTest) validMethod() error {
	if t.Method != "" && t.Method != Average && t.Method != Differential {
		return fmt.Errorf("qc: spike_test: %w: method %q: use %q or %q", ErrSettings, t.Method, Average, Differential)
	}
	return nil
}

// Validate says what is wrong with the settings as a whole, if anything. It is stricter than the tests themselves: what
// could never flag anything is refused, because it would pass for a test that was evaluated.
func (c Config) Validate() error {
	if c.GrossRange != nil {
		if err := c.GrossRange.Validate(); err != nil {
			return err
		}
	}
	if s := c.Spike; s != nil {
		if err := s.validMethod(); err != nil {
			return err
		}
		if !finite(s.SuspectThreshold, s.FailThreshold) || s.SuspectThreshold < 0 || s.FailThreshold < 0 || s.SuspectThreshold == 0 && s.FailThreshold == 0 {
			return fmt.Errorf("qc: spike_test: %w: give suspect_threshold or fail_threshold, more than 0", ErrSettings)
		}
	}
	if r := c.RateOfChange; r != nil {
		if !positive(r.Threshold) || r.FailThreshold != nil && !positive(*r.FailThreshold) {
			return fmt.Errorf("qc: rate_of_change_test: %w: thresholds are units per second, more than 0", ErrSettings)
		}
	}
	if f := c.FlatLine; f != nil {
		if !(f.SuspectThreshold >= 1 && f.FailThreshold >= 1 && f.SuspectThreshold <= maxSeconds && f.FailThreshold <= maxSeconds) {
			return fmt.Errorf("qc: flat_line_test: %w: suspect_threshold and fail_threshold are seconds, from 1 to %d", ErrSettings, maxSeconds)
		}
		if !positive(f.Tolerance) {
			return fmt.Errorf("qc: flat_line_test: %w: tolerance %v never flags: give the smallest change the probe can show", ErrSettings, f.Tolerance)
		}
	}
	if g := c.TimeGap; g != nil && !(g.span() >= time.Second && g.span() <= maxSeconds*time.Second) {
		return fmt.Errorf("qc: time_gap_test: %w: fail_span_hours must be more than 0 and at most %d", ErrSettings, maxSeconds/3600)
	}
	return nil
}

// maxSeconds bounds how far back a verdict may look: 40 days.
const maxSeconds = 40 * 24 * 3600

func positive(v float64) bool { return v > 0 && finite(v) }

func finite(values ...float64) bool {
	for _, v := range values {
		if missing(v) {
			return false
		}
	}
	return true
}
