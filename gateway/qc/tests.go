package qc

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// The tests below answer for a whole series at once and keep ioos_qc's rules to the letter, surprises included, so that
// its configurations mean here what they mean there. NaN and the infinities are missing values, the zero time is a
// missing time. [Config.Evaluate] is the stricter form that earning is judged by.

// ErrSettings is wrapped by everything that is wrong with a test's settings or with the series given to it.
var ErrSettings = errors.New("quality-control settings")

func missing(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }

func fill(n int, f Flag) []Flag { return slices.Repeat([]Flag{f}, n) }

func markMissing(flags []Flag, values []float64) {
	for i, v := range values {
		if missing(v) {
			flags[i] = Missing
		}
	}
}

// Aggregate joins the verdicts of several tests on the same series, point by point: fail before suspect before good
// before not evaluated before missing. One good verdict therefore hides that another test could not be evaluated; who
// pays on flags looks at the tests one by one.
func Aggregate(vectors ...[]Flag) ([]Flag, error) {
	if len(vectors) == 0 {
		return nil, nil
	}
	out := fill(len(vectors[0]), Missing)
	for k, v := range vectors {
		if len(v) != len(out) {
			return nil, fmt.Errorf("qc: %w: vector %d has %d flags, the first has %d", ErrSettings, k, len(v), len(out))
		}
		for i, f := range v {
			out[i] = worse(out[i], f)
		}
	}
	return out, nil
}

// worse returns which of two flags stands when they are joined. Numbers that are no flag never stand.
func worse(a, b Flag) Flag {
	if rank(b) > rank(a) {
		return b
	}
	return a
}

func rank(f Flag) int {
	return slices.Index([]Flag{Missing, NotEvaluated, Good, Suspect, Fail}, f)
}

// Flags says which values lie outside the spans; the ends are inside. An infinite value is outside, not missing.
func (t GrossRangeTest) Flags(values []float64) ([]Flag, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	flags := fill(len(values), Good)
	for i, v := range values {
		flags[i] = t.flag(v)
	}
	return flags, nil
}

func (t GrossRangeTest) flag(v float64) Flag {
	outside := func(s *Span) bool { return s != nil && (v < min(s[0], s[1]) || v > max(s[0], s[1])) }
	switch {
	case math.IsNaN(v):
		return Missing
	case outside(t.FailSpan):
		return Fail
	case outside(t.SuspectSpan):
		return Suspect
	}
	return Good
}

// Flags says which values stand out from both their neighbours. The first and the last, and those with a missing
// neighbour, cannot be judged. A threshold of 0 is none.
func (t SpikeTest) Flags(values []float64) ([]Flag, error) {
	if err := t.validMethod(); err != nil {
		return nil, err
	}
	flags := fill(len(values), NotEvaluated)
	for i := 1; i+1 < len(values); i++ {
		flags[i] = t.flag(values[i-1], values[i], values[i+1])
	}
	markMissing(flags, values)
	return flags, nil
}

func (t SpikeTest) flag(before, v, after float64) Flag {
	if missing(before) || missing(v) || missing(after) {
		return NotEvaluated
	}
	d, ok := t.height(before, v, after)
	switch {
	case !ok:
		return NotEvaluated
	case t.FailThreshold != 0 && d > t.FailThreshold:
		return Fail
	case t.SuspectThreshold != 0 && d > t.SuspectThreshold:
		return Suspect
	}
	return Good
}

// height is how far v stands out. The conversions keep compilers from fusing operations, which would round differently
// on some machines.
func (t SpikeTest) height(before, v, after float64) (float64, bool) {
	if t.Method == Differential {
		up, down := float64(v-before), float64(after-v)
		if float64(up*down) >= 0 {
			return 0, true
		}
		return min(math.Abs(up), math.Abs(down)), true
	}
	middle := float64(float64(before+after) / 2)
	return math.Abs(float64(v - middle)), !math.IsInf(middle, 0)
}

// Flags says which values moved too fast since the one before. The first value, and one after a missing value, could
// not be judged and are good all the same; upstream counts in whole seconds, so a step of 1.9 s is one of 1 s.
func (t RateOfChangeTest) Flags(values []float64, times []time.Time) ([]Flag, error) {
	if err := sameLength(values, times); err != nil {
		return nil, err
	}
	flags := fill(len(values), Good)
	for i := 1; i < len(values); i++ {
		if missing(values[i-1]) || missing(values[i]) || times[i-1].IsZero() || times[i].IsZero() {
			continue
		}
		flags[i] = t.flag(values[i-1], values[i], wholeSeconds(times[i].Sub(times[i-1])))
	}
	markMissing(flags, values)
	return flags, nil
}

func (t RateOfChangeTest) flag(before, v float64, step time.Duration) Flag {
	if step == 0 {
		return Good
	}
	rate := math.Abs(float64(float64(v-before) / step.Seconds()))
	switch {
	case t.FailThreshold != nil && rate > *t.FailThreshold:
		return Fail
	case rate > t.Threshold:
		return Suspect
	}
	return Good
}

// wholeSeconds cuts d as upstream does. Below a second upstream divides by zero; there d stays what it is.
func wholeSeconds(d time.Duration) time.Duration {
	if d.Abs() < time.Second {
		return d
	}
	return d.Truncate(time.Second)
}

// Flags says where the signal stood still. The thresholds become numbers of observations by the median interval of the
// whole series; a window of that many intervals, ending at the point, that ranges over less than the tolerance is flat.
// Missing values within a window are ignored; with fewer than three points all are good.
func (t FlatLineTest) Flags(values []float64, times []time.Time) ([]Flag, error) {
	if err := sameLength(values, times); err != nil {
		return nil, err
	}
	flags := fill(len(values), Good)
	if len(values) < 3 {
		return flags, nil // upstream returns before it looks for missing values
	}
	interval := medianInterval(times)
	if interval <= 0 {
		return nil, fmt.Errorf("qc: flat_line_test: %w: the times do not advance: sort the series by time", ErrSettings)
	}
	for _, step := range []struct {
		threshold float64
		flag      Flag
	}{{t.SuspectThreshold, Suspect}, {t.FailThreshold, Fail}} {
		if !(step.threshold >= 0) {
			return nil, fmt.Errorf("qc: flat_line_test: %w: threshold %v: give seconds", ErrSettings, step.threshold)
		}
		count := len(values)
		if step.threshold <= maxSeconds {
			count = int(seconds(step.threshold) / interval)
		}
		markFlat(flags, values, count, t.Tolerance, step.flag)
	}
	markMissing(flags, values)
	return flags, nil
}

// markFlat marks each value that ends a window of count intervals whose range is below the tolerance.
func markFlat(flags []Flag, values []float64, count int, tolerance float64, f Flag) {
	var high, low []Obs // slide wants times: the position in seconds
	for i, v := range values {
		from := time.Unix(int64(i-count), 0)
		if o := (Obs{At: time.Unix(int64(i), 0), Value: v}); !missing(v) {
			high = slide(high, o, from, func(old float64) bool { return old <= v })
			low = slide(low, o, from, func(old float64) bool { return old >= v })
			if i >= count && float64(high[0].Value-low[0].Value) < tolerance {
				flags[i] = f
			}
		}
	}
}

func medianInterval(times []time.Time) time.Duration {
	var steps []time.Duration
	for i := 1; i < len(times); i++ {
		if !times[i].IsZero() && !times[i-1].IsZero() {
			steps = append(steps, times[i].Sub(times[i-1]))
		}
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	half := len(steps) / 2
	if len(steps)%2 == 1 {
		return wholeSeconds(steps[half])
	}
	return wholeSeconds((steps[half-1] + steps[half]) / 2)
}

// Flags says which times follow a gap. The first takes the verdict of the second; a time after a missing one cannot be
// judged.
func (t TimeGapTest) Flags(times []time.Time) []Flag {
	flags := fill(len(times), Good)
	for i, at := range times {
		switch {
		case at.IsZero():
			flags[i] = Missing
		case i == 0 || times[i-1].IsZero():
			flags[i] = NotEvaluated
		case at.Sub(times[i-1]) > t.span():
			flags[i] = Fail
		}
	}
	if len(times) > 1 && (times[0].IsZero() || !times[1].IsZero()) {
		flags[0] = flags[1]
	}
	return flags
}

func sameLength(values []float64, times []time.Time) error {
	if len(values) != len(times) {
		return fmt.Errorf("qc: %w: %d values and %d times", ErrSettings, len(values), len(times))
	}
	return nil
}
