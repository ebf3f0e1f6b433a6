// Package pulse is lines whose pulses are counted: a tipping bucket, a cup anemometer, a water meter.
package pulse

import (
	"context"
	"time"

	"loam/sensors/clock"
)

// Count is a look at a counter.
type Count struct {
	Pulses uint64 // since the counter was opened
	At     clock.Instant
}

// Counter counts a line's pulses for as long as it is open, whether anybody looks or not.
type Counter interface {
	// Count looks at the counter.
	Count(ctx context.Context) (Count, error)
	// Close stops counting. Closing twice does nothing.
	Close() error
}

// Line says which line and how its pulses are told from bounces.
type Line struct {
	Name     string        // as the machine's GPIO registry knows it: "GPIO17"
	Debounce time.Duration // edges closer than this to the pulse before are its bounces
}

// Opener opens a counter on a line.
type Opener func(ctx context.Context, l Line, clk clock.Clock) (Counter, error)
