// Package store is the contract of the time-series store: the projection of the evidence that people look at.
//
// A store can be lost: it is rebuilt from evidence, value for value. The members below this folder are listed in
// catalog/, and each passes storetest/ against the real server.
package store

import (
	"context"
	"errors"
	"time"

	"loam/gateway/qc"
	"loam/sensors"
)

// Key names one series. With the acquisition time it is the identity of a point.
type Key struct {
	Site     string
	Gateway  string
	Channel  sensors.Channel
	Quantity sensors.Quantity
}

// Point is one reading with its flags.
type Point struct {
	Key
	At    time.Time // acquisition time, UTC, millisecond resolution
	Value float64
	Raw   float64 // as the probe said it
	Flag  qc.Flag // all tests together
	Tests string  // one digit for each of qc.Tests, in that order
}

// Store keeps points. Implementations are safe for concurrent use, and every call ends when ctx does.
type Store interface {
	// Write keeps the points. Writing a point again replaces it, so a replay changes nothing; either all points are kept
	// when Write returns nil, or the caller writes the same ones again.
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
