// Package valuation is the contract of an index: a function from verified series to a score with bounds, coverage and
// reasons. Everything in it is a scaled integer, so a statement recomputes bit for bit on every machine.
//
// The way through the folders below: an index package each (listed in catalog/, kept honest by indextest/), series
// (verified readings to hours), method (what a community chose), statement (the published, signed form and the bundle),
// assessment (a method applied to a site and a period), schedule (when), recompute (anyone can).
package valuation

import (
	"errors"
	"time"

	"loam/sensors"
)

// Score is 0 (collapse) to [Full] (reference condition), in millionths.
type Score int64

// Full is the score 1.
const Full Score = 1_000_000

// Hour is the verified readings of one channel within one hour of the period.
type Hour struct {
	Start time.Time     // UTC, a whole number of hours after the period's start
	Mean  sensors.Micro // rounded half away from zero
	Good  int           // how many readings stand behind it; at least 1
}

// Series is one channel's hours within a period, oldest first. An hour without a verified reading is absent.
type Series struct {
	Gateway  string
	Channel  sensors.Channel
	Quantity sensors.Quantity
	Hours    []Hour
}

// Input is what an index is evaluated on.
type Input struct {
	From, To time.Time // From <= t < To; the last hour may be a short one
	Series   []Series  // every channel of the site that measures the index's quantity
	// Uncertainty is the half-width of the 90 % interval of an hourly mean, in the quantity's unit, as the method gives it.
	Uncertainty sensors.Micro
}

// Result is what an index found.
type Result struct {
	Score    Score
	Lower    Score // bounds of the 90 % interval: Lower <= Score <= Upper
	Upper    Score
	Covered  int      // hours with at least one verified reading on at least one channel
	Expected int      // hours in the period
	Reasons  []string // plain sentences: what made the score what it is, most important first
}

// Coverage returns Covered / Expected in millionths.
func (r Result) Coverage() Score {
	if r.Expected == 0 {
		return 0
	}
	return Score(int64(r.Covered) * int64(Full) / int64(r.Expected))
}

// Index values one aspect of an ecosystem's health. Evaluate is a pure function: same input, same result, on every
// machine; missing hours are never filled.
type Index interface {
	Evaluate(in Input) (Result, error)
}

// Parameter is a reference level an index needs.
type Parameter struct {
	Name string // as written in a method: "wilting_point"
	Help string // one line with the unit
}

// Kind is an entry of the catalog: an index that a method may use. Being listed pays nothing; only a method does.
type Kind struct {
	Name       string // as written in a method: "soil_moisture_regime"
	Title      string // for people
	Quantities []sensors.Quantity
	Class      string // SEEA ecosystem condition class: "A1" physical state, "A2" chemical state
	Parameters []Parameter
	Source     string // standard or paper the rule is from
	// New checks the reference levels (every Parameter present and nothing else) and returns the index.
	New func(levels map[string]sensors.Decimal) (Index, error)
}

// ErrNoData says that no verified hour was there to score: there is no score then, not a zero.
var ErrNoData = errors.New("no verified reading in the period")

// ErrLevels is wrapped by everything that is wrong with reference levels.
var ErrLevels = errors.New("reference levels")
