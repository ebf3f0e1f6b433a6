package qc

import "time"

// Obs is one observation of a series.
type Obs struct {
	At      time.Time
	Value   float64
	Missing bool // the observation was due and has no value
}

// Verdict is what the tests say of one observation.
type Verdict struct {
	Flag  Flag    // all together, see [Aggregate]
	Tests [5]Flag // in the order of [Tests]
}

// Digits writes the tests as a point carries them: one digit each, in the order of [Tests].
func (v Verdict) Digits() string {
	digits := make([]byte, len(v.Tests))
	for i, f := range v.Tests {
		digits[i] = '0' + byte(f)
	}
	return string(digits)
}

// ParseDigits reads what [Verdict.Digits] wrote; false where it is not that.
func ParseDigits(s string) ([5]Flag, bool) {
	var tests [5]Flag
	if len(s) != len(tests) {
		return tests, false
	}
	for i := range tests {
		tests[i] = Flag(s[i] - '0')
		if rank(tests[i]) < 0 {
			return [5]Flag{}, false
		}
	}
	return tests, true
}

func verdict(tests [5]Flag) Verdict {
	v := Verdict{Flag: Missing, Tests: tests}
	for _, f := range tests {
		v.Flag = worse(v.Flag, f)
	}
	return v
}

// The positions of the tests in a verdict, as [Tests] lists them.
const (
	atGrossRange = iota
	atSpike
	atRateOfChange
	atFlatLine
	atTimeGap
)

// memory is how long a silence may last and still be called a gap; after a longer one a series starts anew.
const memory = 24 * time.Hour

// defaultReach is what separates neighbours from strangers where no gap test says it.
const defaultReach = memory

// reach is how far apart two observations may be and still be neighbours.
func (c Config) reach() time.Duration {
	if c.TimeGap == nil {
		return defaultReach
	}
	return c.TimeGap.span()
}

// Context returns how much of the series before and after an observation its verdict can depend on. A part of a series
// evaluated with this much more on both sides gives the verdicts of the whole.
func (c Config) Context() time.Duration {
	back := memory
	if c.FlatLine != nil {
		back = max(back, seconds(c.FlatLine.SuspectThreshold), seconds(c.FlatLine.FailThreshold))
	}
	return back + c.reach()
}

func seconds(s float64) time.Duration { return time.Duration(s) * time.Second }

// Evaluate runs the configured tests over one series, sorted by time, and returns one verdict for each observation.
//
// The rules are those of the tests, made local and stricter, because credits hang on them:
//
//   - Where there is nothing to compare with, the verdict is not evaluated: upstream calls the first rate of change,
//     one after a missing value and a flat-line window that is not full yet good, and gives the first time the gap
//     verdict of the second.
//   - Observations further apart than the gap test allows are no neighbours: spike and rate of change are not evaluated
//     across a gap, and a flat line starts anew after it. A silence of more than [Config.Context] is a new beginning,
//     not a gap.
//   - The flat-line window is the time before the observation, not a number of observations derived from the median
//     interval of the whole series: a verdict never changes because of what is measured a year later. On an evenly
//     spaced series both are the same. A window that already varies is good before it is full.
//   - Intervals count in milliseconds, not in whole seconds.
func (c Config) Evaluate(obs []Obs) []Verdict {
	verdicts := make([]Verdict, 0, len(obs))
	s := c.Stream()
	for _, o := range obs {
		if v, ok := s.Push(o); ok {
			verdicts = append(verdicts, v)
		}
	}
	if v, ok := s.Newest(); ok {
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// Stream evaluates a series as it comes, oldest first, in bounded memory.
type Stream struct {
	config  Config
	context time.Duration
	reach   time.Duration
	count   int
	before  Obs // the one before newest
	newest  Obs
	tests   [5]Flag   // of newest, its spike still without a successor
	started time.Time // when the present run without a gap began
	flat    [2]window // suspect, fail
}

// Stream returns a stream that has seen nothing yet.
func (c Config) Stream() *Stream {
	s := &Stream{config: c, context: c.Context(), reach: c.reach()}
	if f := c.FlatLine; f != nil {
		s.flat = [2]window{{period: seconds(f.SuspectThreshold), tolerance: f.Tolerance}, {period: seconds(f.FailThreshold), tolerance: f.Tolerance}}
	}
	return s
}

// Newest returns the verdict of the last observation pushed as if none will follow; false before the first.
func (s *Stream) Newest() (Verdict, bool) { return verdict(s.tests), s.count > 0 }

// Push adds the next observation and returns the verdict of the one before it, which is now final.
func (s *Stream) Push(o Obs) (settled Verdict, ok bool) {
	o.Missing = o.Missing || missing(o.Value)
	if s.count > 0 {
		s.tests[atSpike] = s.spike(o)
		settled, ok = verdict(s.tests), true
	}
	if s.count == 0 || o.At.Sub(s.newest.At) > s.reach {
		s.restart(o.At)
	}
	tests := [5]Flag{
		atGrossRange: s.grossRange(o), atSpike: NotEvaluated, atRateOfChange: s.rateOfChange(o),
		atFlatLine: s.flatLine(o), atTimeGap: s.timeGap(o),
	}
	if o.Missing {
		tests = [5]Flag{Missing, Missing, Missing, Missing, Missing}
	}
	s.before, s.newest, s.tests = s.newest, o, tests
	s.count++
	return settled, ok
}

func (s *Stream) restart(at time.Time) {
	s.started = at
	s.flat[0].clear()
	s.flat[1].clear()
}

// linked says whether b follows a closely enough to be compared with it.
func (s *Stream) linked(a, b Obs) bool {
	return !a.Missing && !b.Missing && b.At.Sub(a.At) <= s.reach
}

func (s *Stream) spike(next Obs) Flag {
	switch {
	case s.newest.Missing:
		return Missing
	case s.config.Spike == nil, s.count < 2, !s.linked(s.before, s.newest), !s.linked(s.newest, next):
		return NotEvaluated
	}
	return s.config.Spike.flag(s.before.Value, s.newest.Value, next.Value)
}

func (s *Stream) grossRange(o Obs) Flag {
	if s.config.GrossRange == nil {
		return NotEvaluated
	}
	return s.config.GrossRange.flag(o.Value)
}

func (s *Stream) rateOfChange(o Obs) Flag {
	if s.config.RateOfChange == nil || s.count == 0 || !s.linked(s.newest, o) || !o.At.After(s.newest.At) {
		return NotEvaluated
	}
	return s.config.RateOfChange.flag(s.newest.Value, o.Value, o.At.Sub(s.newest.At))
}

func (s *Stream) timeGap(o Obs) Flag {
	if s.config.TimeGap == nil || s.count == 0 {
		return NotEvaluated
	}
	switch silence := o.At.Sub(s.newest.At); {
	case silence > s.context:
		return NotEvaluated
	case silence > s.reach:
		return Fail
	}
	return Good
}

func (s *Stream) flatLine(o Obs) Flag {
	if s.config.FlatLine == nil || o.Missing {
		return NotEvaluated
	}
	suspect, fail := s.flat[0].push(o, s.started), s.flat[1].push(o, s.started)
	switch {
	case fail == still:
		return Fail
	case suspect == still:
		return Suspect
	case suspect == varies && fail == varies:
		return Good
	}
	return NotEvaluated
}

// motion is what a window says.
type motion uint8

const (
	unknown motion = iota // nothing has moved so far, and the window is not full
	varies
	still
)

// window keeps the range over the period before the newest observation: candidates for its highest and lowest value,
// each list falling towards the newest.
type window struct {
	period    time.Duration
	tolerance float64
	high, low []Obs
	recent    [2]time.Time // the two observations before the newest
	seen      int
}

func (w *window) clear() {
	w.high, w.low, w.seen = w.high[:0], w.low[:0], 0
}

// push adds o to a run that began at started. Fewer than three observations do not make a line.
func (w *window) push(o Obs, started time.Time) motion {
	from := o.At.Add(-w.period)
	w.high = slide(w.high, o, from, func(old float64) bool { return old <= o.Value })
	w.low = slide(w.low, o, from, func(old float64) bool { return old >= o.Value })
	enough := w.seen >= 2 && !w.recent[0].Before(from)
	w.recent[0], w.recent[1] = w.recent[1], o.At
	w.seen++
	switch {
	case float64(w.high[0].Value-w.low[0].Value) >= w.tolerance:
		return varies
	case enough && !started.After(from):
		return still
	}
	return unknown
}

// slide drops what o covers and what lies before from, and adds o.
func slide(list []Obs, o Obs, from time.Time, covered func(float64) bool) []Obs {
	for len(list) > 0 && covered(list[len(list)-1].Value) {
		list = list[:len(list)-1]
	}
	gone := 0
	for gone < len(list) && list[gone].At.Before(from) {
		gone++
	}
	return append(list[gone:], o)
}
