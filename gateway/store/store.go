// Package store is the contract of the time-series store: the projection of the evidence that people look at.
//
// A store can be lost: it is rebuilt from evidence, value for value. The members below this folder are listed in
// catalog/, and each passes storetest/ against the real server.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"time"

	"loam/gateway/qc"
	"loam/internal/name"
	"loam/sensors"
)

// Key names one series. With the acquisition time it is the identity of a point.
type Key struct {
	Site     string
	Gateway  string
	Channel  sensors.Channel
	Quantity sensors.Quantity
}

// Compare orders keys by site, gateway, channel and quantity.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Site, other.Site), cmp.Compare(k.Gateway, other.Gateway), cmp.Compare(k.Channel, other.Channel), cmp.Compare(k.Quantity, other.Quantity))
}

// String names the series for people.
func (k Key) String() string {
	return fmt.Sprintf("%s/%s/%s/%s", k.Site, k.Gateway, k.Channel, k.Quantity)
}

// Point is one reading with its flags.
type Point struct {
	Key
	At    time.Time // acquisition time, UTC, millisecond resolution
	Value float64   // finite
	Raw   float64   // as the probe said it; finite
	Flag  qc.Flag   // all tests together
	Tests string    // one digit for each of qc.Tests, in that order
}

// Store keeps points. Implementations are safe for concurrent use, and every call ends when ctx does.
type Store interface {
	// Write keeps the points. Writing a point again replaces it, so a replay changes nothing; either all points are kept
	// when Write returns nil, or the caller writes the same ones again. Of two points with the same key and time in one
	// call the later one is kept.
	Write(ctx context.Context, points []Point) error
	// Keys lists the series that hold at least one point, sorted by site, gateway, channel and quantity.
	Keys(ctx context.Context) ([]Key, error)
	// Range returns the points of a series with from <= At < to, oldest first. No series, no points, no error.
	Range(ctx context.Context, k Key, from, to time.Time) ([]Point, error)
	// Latest returns the newest point of a series, and false where there is none.
	Latest(ctx context.Context, k Key) (Point, bool, error)
	// Count returns how many points there are in all.
	Count(ctx context.Context) (int64, error)
	// Clear removes every point, before a rebuild.
	Clear(ctx context.Context) error
	// Ping says whether the store can be reached now.
	Ping(ctx context.Context) error
	// Close releases what the store holds.
	Close() error
}

// ErrRejected is wrapped by an error of Write when the store will never accept these points, however often they come.
var ErrRejected = errors.New("the store refuses these points")

// Points lie within these times: what 64 bits of nanoseconds can hold, rounded to whole years. Before and after there is
// nothing a probe could have measured.
var (
	Earliest = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)
	End      = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC) // not included
)

var quantity = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// Validate says what is wrong with the key, if anything. Backends write keys into queries as they are: nothing that
// could be mistaken for a part of one is let through.
func (k Key) Validate() error {
	if !name.Valid(k.Site) || !name.Valid(k.Gateway) || !name.Valid(string(k.Channel)) || !quantity.MatchString(string(k.Quantity)) {
		return fmt.Errorf("store: series %q is not well named: use lower-case letters, digits and dashes: %w", k.String(), ErrRejected)
	}
	return nil
}

// Validate says what no backend could keep of points, if anything. Every Write starts with it, so that all backends
// refuse the same.
func Validate(points []Point) error {
	for i, p := range points {
		if i == 0 || p.Key != points[i-1].Key { // points come by series: matching a name costs more than all the rest
			if err := p.Key.Validate(); err != nil {
				return err
			}
		}
		if err := p.validate(); err != nil {
			return err
		}
	}
	return nil
}

func (p Point) validate() error {
	_, digits := qc.ParseDigits(p.Tests)
	switch {
	case !finite(p.Value) || !finite(p.Raw):
		return fmt.Errorf("store: %s at %s: %v (raw %v) is no number: %w", p.Key, p.At.Format(time.RFC3339Nano), p.Value, p.Raw, ErrRejected)
	case p.At.Before(Earliest) || !p.At.Before(End):
		return fmt.Errorf("store: %s: time %s is outside %d to %d: %w", p.Key, p.At.Format(time.RFC3339Nano), Earliest.Year(), End.Year()-1, ErrRejected)
	case p.At.Nanosecond()%int(time.Millisecond) != 0:
		return fmt.Errorf("store: %s: time %s is finer than a millisecond: %w", p.Key, p.At.Format(time.RFC3339Nano), ErrRejected)
	case !digits:
		return fmt.Errorf("store: %s: tests %q: give one flag digit for each test: %w", p.Key, p.Tests, ErrRejected)
	}
	switch p.Flag {
	case qc.Good, qc.NotEvaluated, qc.Suspect, qc.Fail, qc.Missing:
		return nil
	}
	return fmt.Errorf("store: %s: flag %d is none: %w", p.Key, p.Flag, ErrRejected)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
