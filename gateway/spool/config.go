package spool

import (
	"errors"
	"fmt"
	"time"

	"loam/internal/config"
	"loam/sensors/clock"
)

// Config says how a spool keeps readings. The zero value is the default.
type Config struct {
	// MaxBytes bounds the file; see the package's documentation for how room is made. Default 1 GiB: 32 channels, once a
	// minute, for several years. The write-ahead log beside it takes some megabytes more.
	MaxBytes int64 `toml:"max_bytes"`
	// Sync says when an append is on disk: always (when it returns), or at most so long after.
	Sync Sync `toml:"sync"`
	// Hold is how long readings wait for an unset clock, to be dated by it (default 7 days, at most 30).
	Hold config.Duration `toml:"hold_unsynced"`
}

const (
	defaultMaxBytes = 1 << 30
	minBytes        = 128 << 10
	defaultHold     = 7 * 24 * time.Hour
	longestSync     = time.Hour
)

// Sync is the longest time between an append and its commit; 0: each append is committed before it returns.
type Sync time.Duration

// UnmarshalText reads "always" or a length of time.
func (s *Sync) UnmarshalText(text []byte) error {
	if string(text) == "always" {
		*s = 0
		return nil
	}
	var d config.Duration
	if err := d.UnmarshalText(text); err != nil {
		return fmt.Errorf("sync: say \"always\", or a length of time: %w", err)
	}
	*s = Sync(d)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Sync) MarshalText() ([]byte, error) {
	if s == 0 {
		return []byte("always"), nil
	}
	return config.Duration(s).MarshalText()
}

// ErrConfig is wrapped by everything that [Config.Validate] says.
var ErrConfig = errors.New("spool is not configured right")

// Validate says what is wrong with the configuration, all of it at once.
func (c Config) Validate() error {
	var p config.Problems
	p.Check(c.MaxBytes == 0 || c.MaxBytes >= minBytes, "[spool] max_bytes %d: at least %d", c.MaxBytes, minBytes)
	p.Check(c.Sync >= 0 && time.Duration(c.Sync) <= longestSync, "[spool] sync %s: \"always\", or up to %s", time.Duration(c.Sync), longestSync)
	p.Check(c.Hold >= 0 && time.Duration(c.Hold) <= clock.LongestRedate, "[spool] hold_unsynced %s: up to %s: beyond it uptime has drifted too far to date by", time.Duration(c.Hold), clock.LongestRedate)
	if err := p.Err(); err != nil {
		return fmt.Errorf("spool: %w: %w", ErrConfig, err)
	}
	return nil
}

// HoldFor is how long readings wait for an unset clock.
func (c Config) HoldFor() time.Duration { return c.Hold.Or(defaultHold) }

func (c Config) maxBytes() int64 {
	if c.MaxBytes == 0 {
		return defaultMaxBytes
	}
	return c.MaxBytes
}
