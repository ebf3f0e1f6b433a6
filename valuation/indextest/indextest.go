// Package indextest holds the rules that every index keeps. An index package runs them in its own test:
//
//	indextest.Run(t, soilmoisture.Kind(), indextest.Case{Levels: …, Refused: …, Better: +1})
package indextest

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/sensors"
	"loam/valuation"
)

// Levels are reference levels as a method writes them.
type Levels map[string]string

// Case says how to try an index.
type Case struct {
	Levels  Levels   // good ones
	Refused []Levels // contradictory or impossible ones; missing and unknown names are tried anyway
	// Better says where more is better: +1 a higher value never lowers the score, -1 never raises it, 0 neither.
	Better int
	// Low and High bound the values tried, in units; a few beyond any sense are always mixed in.
	Low, High int64
}

// Run checks the rules.
func Run(t *testing.T, k valuation.Kind, c Case) {
	t.Helper()
	index, err := k.New(decimals(t, c.Levels))
	if err != nil {
		t.Fatalf("%s refuses good reference levels: %v", k.Name, err)
	}
	t.Run("entry is complete", func(t *testing.T) { entry(t, k) })
	t.Run("levels are checked", func(t *testing.T) { levels(t, k, c) })
	t.Run("nothing to score is no score", func(t *testing.T) { empty(t, index) })
	t.Run("pure, bounded, covered", rapid.MakeCheck(func(t *rapid.T) { laws(t, index, c) }))
	t.Run("channels in any order", rapid.MakeCheck(func(t *rapid.T) { order(t, index, c) }))
	t.Run("wider uncertainty, wider bounds", rapid.MakeCheck(func(t *rapid.T) { wider(t, index, c) }))
	if c.Better != 0 {
		t.Run("monotone", rapid.MakeCheck(func(t *rapid.T) { monotone(t, index, c) }))
	}
}

func entry(t *testing.T, k valuation.Kind) {
	if k.Name == "" || k.Title == "" || k.Source == "" || len(k.Quantities) == 0 {
		t.Errorf("entry lacks a name, title, source or quantity: %+v", k)
	}
	if !slices.Contains([]string{"A1", "A2", "B1", "B2", "B3", "C1"}, k.Class) {
		t.Errorf("%q is no SEEA condition class", k.Class)
	}
	for _, q := range k.Quantities {
		if _, err := q.Kind(); err != nil {
			t.Error(err)
		}
	}
	for _, p := range k.Parameters {
		if p.Name == "" || p.Help == "" {
			t.Errorf("parameter %+v is not explained", p)
		}
	}
}

func levels(t *testing.T, k valuation.Kind, c Case) {
	refuse := func(what string, l map[string]sensors.Decimal) {
		if _, err := k.New(l); !errors.Is(err, valuation.ErrLevels) {
			t.Errorf("%s: error is %v, want one that wraps ErrLevels", what, err)
		}
	}
	refuse("no levels", nil)
	for name := range c.Levels {
		without := decimals(t, c.Levels)
		delete(without, name)
		refuse("without "+name, without)
		fine := decimals(t, c.Levels)
		fine[name] = sensors.Decimal{Mantissa: 1234567891, Exponent: -10}
		refuse(name+" finer than a millionth", fine)
	}
	more := decimals(t, c.Levels)
	more["colour_of_the_moon"] = sensors.Decimal{Mantissa: 1}
	refuse("with a name nobody knows", more)
	for _, l := range c.Refused {
		refuse("contradictory levels", decimals(t, l))
	}
}

func empty(t *testing.T, index valuation.Index) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, in := range []valuation.Input{
		{From: from, To: from.Add(time.Hour)},
		{From: from, To: from.Add(time.Hour), Series: []valuation.Series{{Channel: "a"}}},
	} {
		if r, err := index.Evaluate(in); !errors.Is(err, valuation.ErrNoData) {
			t.Errorf("result %+v, error %v: want ErrNoData", r, err)
		}
	}
	if _, err := index.Evaluate(valuation.Input{From: from, To: from}); err == nil || errors.Is(err, valuation.ErrNoData) {
		t.Errorf("an empty period: error %v", err)
	}
	outside := valuation.Series{Channel: "a", Hours: []valuation.Hour{{Start: from.Add(time.Hour), Mean: 1, Good: 1}}}
	if _, err := index.Evaluate(valuation.Input{From: from, To: from.Add(time.Hour), Series: []valuation.Series{outside}}); err == nil {
		t.Error("an hour outside the period was accepted")
	}
}

func laws(t *rapid.T, index valuation.Index, c Case) {
	in := input(t, c)
	r, err := index.Evaluate(in)
	again, errAgain := index.Evaluate(in)
	if !reflect.DeepEqual(r, again) || (err == nil) != (errAgain == nil) {
		t.Fatalf("the same input gave %+v, %v and then %+v, %v", r, err, again, errAgain)
	}
	measured := map[time.Time]bool{}
	for _, s := range in.Series {
		for _, h := range s.Hours {
			measured[h.Start] = true
		}
	}
	if len(measured) == 0 {
		if !errors.Is(err, valuation.ErrNoData) {
			t.Fatalf("no hours, error %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Lower < 0 || r.Lower > r.Score || r.Score > r.Upper || r.Upper > valuation.Full {
		t.Fatalf("0 <= %d <= %d <= %d <= %d does not hold", r.Lower, r.Score, r.Upper, valuation.Full)
	}
	if r.Covered != len(measured) || r.Expected != in.Expected() || r.Coverage() > valuation.Full {
		t.Fatalf("covered %d of %d, want %d of %d", r.Covered, r.Expected, len(measured), in.Expected())
	}
	if len(r.Reasons) == 0 || r.Reasons[0] == "" {
		t.Fatal("a score without a reason")
	}
	if in.Uncertainty == 0 && (r.Lower != r.Score || r.Upper != r.Score) {
		t.Fatalf("no uncertainty, yet bounds %d..%d around %d", r.Lower, r.Upper, r.Score)
	}
}

func order(t *rapid.T, index valuation.Index, c Case) {
	in := input(t, c)
	r, _ := index.Evaluate(in)
	in.Series = rapid.Permutation(in.Series).Draw(t, "order")
	if other, _ := index.Evaluate(in); !reflect.DeepEqual(r, other) {
		t.Fatalf("%+v became %+v", r, other)
	}
}

func wider(t *rapid.T, index valuation.Index, c Case) {
	in := input(t, c)
	r, err := index.Evaluate(in)
	if err != nil {
		return
	}
	in.Uncertainty = valuation.Shift(in.Uncertainty, sensors.Micro(rapid.Int64Range(0, math.MaxInt64).Draw(t, "more")))
	if w, _ := index.Evaluate(in); w.Lower > r.Lower || w.Upper < r.Upper || w.Score != r.Score {
		t.Fatalf("bounds %d..%d became %d..%d", r.Lower, r.Upper, w.Lower, w.Upper)
	}
}

func monotone(t *rapid.T, index valuation.Index, c Case) {
	in := input(t, c)
	before, err := index.Evaluate(in)
	if err != nil {
		return
	}
	more := sensors.Micro(rapid.Int64Range(0, math.MaxInt64).Draw(t, "more"))
	for _, s := range in.Series {
		for i := range s.Hours {
			s.Hours[i].Mean = valuation.Shift(s.Hours[i].Mean, more)
		}
	}
	after, err := index.Evaluate(in)
	if err != nil {
		t.Fatal(err)
	}
	if (after.Score-before.Score)*valuation.Score(c.Better) < 0 {
		t.Fatalf("values moved up by %s: score went from %d to %d", more, before.Score, after.Score)
	}
}

// input draws a period, channels with gaps, and values: most of them sensible, some at the ends of what an integer holds.
func input(t *rapid.T, c Case) valuation.Input {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 47).Draw(t, "half hours")) * 30 * time.Minute)
	hours := rapid.IntRange(1, 72).Draw(t, "hours")
	value := rapid.OneOf(
		rapid.Int64Range(c.Low*sensors.MicroPerUnit, c.High*sensors.MicroPerUnit),
		rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, 0, math.MaxInt64 - 1, math.MaxInt64}),
	)
	in := valuation.Input{
		From: from, To: from.Add(time.Duration(hours) * time.Hour),
		Uncertainty: sensors.Micro(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, (c.High-c.Low)*sensors.MicroPerUnit), rapid.Just(int64(math.MaxInt64))).Draw(t, "uncertainty")),
	}
	for range rapid.IntRange(0, 4).Draw(t, "channels") {
		s := valuation.Series{Gateway: "g", Channel: sensors.Channel(rapid.StringMatching(`[a-z]{4}`).Draw(t, "channel"))}
		for h := range hours {
			if rapid.Bool().Draw(t, "measured") {
				s.Hours = append(s.Hours, valuation.Hour{Start: from.Add(time.Duration(h) * time.Hour), Mean: sensors.Micro(value.Draw(t, "value")), Good: 1})
			}
		}
		in.Series = append(in.Series, s)
	}
	return in
}

func decimals(t testing.TB, l Levels) map[string]sensors.Decimal {
	parsed := map[string]sensors.Decimal{}
	for name, text := range l {
		d, err := sensors.ParseDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed[name] = d
	}
	return parsed
}

// Golden returns an input of ten days and three channels with gaps that is the same everywhere, for results that are
// kept as fixed integers: values run from low to high, in millionths.
func Golden(low, high, uncertainty sensors.Micro) valuation.Input {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	in := valuation.Input{From: from, To: from.Add(240 * time.Hour), Uncertainty: uncertainty}
	state := uint64(20260301)
	for _, name := range []sensors.Channel{"north", "east", "south"} {
		s := valuation.Series{Gateway: "g", Channel: name}
		for h := range 240 {
			state = state*6364136223846793005 + 1442695040888963407
			if state>>63 == 0 {
				continue // every second hour is missing
			}
			mean := low + sensors.Micro((state>>11)%uint64(high-low))
			s.Hours = append(s.Hours, valuation.Hour{Start: from.Add(time.Duration(h) * time.Hour), Mean: mean, Good: 1})
		}
		in.Series = append(in.Series, s)
	}
	return in
}
