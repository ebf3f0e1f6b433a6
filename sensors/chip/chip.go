// Package chip is a chip on I2C as its driver sees it: what is written and read at one address, with errors that say
// whose they are, waits that end with their context, and a handle that is given back.
package chip

import (
	"context"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"

	"loam/sensors"
	"loam/sensors/clock"
)

// Chip is an open chip. One goroutine at a time uses it.
type Chip struct {
	at    sensors.ProbeError
	bus   i2c.BusCloser // nil when closed
	dev   i2c.Dev
	clock clock.Clock
}

// Open checks the wiring and opens its bus. Nothing is said to the chip yet.
func Open(m sensors.Model, w sensors.Wiring) (*Chip, error) {
	w, at, err := m.Locate(w)
	if err != nil {
		return nil, err
	}
	bus, err := i2creg.Open(w.Bus)
	if err != nil {
		return nil, at.With(err, "is I2C enabled (raspi-config) and the bus name right? ls /dev/i2c-* shows the buses")
	}
	return &Chip{at: at, bus: bus, dev: i2c.Dev{Bus: bus, Addr: uint16(w.Address)}, clock: w.Clock}, nil
}

// Tx writes w and then reads into r, either of which may be empty. With both, there is a repeated start between them and
// no stop: a chip that does not bear that is written to and read from in two calls.
func (c *Chip) Tx(ctx context.Context, w, r []byte) error {
	if c.bus == nil {
		return c.at.With(sensors.ErrClosed, "")
	}
	if err := ctx.Err(); err != nil {
		return c.at.With(err, "")
	}
	if err := c.dev.Tx(w, r); err != nil {
		return c.at.With(err, "does the probe have power, and are SDA and SCL not swapped?")
	}
	return nil
}

// Write writes the bytes.
func (c *Chip) Write(ctx context.Context, b ...byte) error { return c.Tx(ctx, b, nil) }

// Read reads from a register on.
func (c *Chip) Read(ctx context.Context, register byte, into []byte) error {
	return c.Tx(ctx, []byte{register}, into)
}

// Wait waits for d by the probe's clock, or until ctx ends.
func (c *Chip) Wait(ctx context.Context, d time.Duration) error {
	if err := c.clock.Sleep(ctx, d); err != nil {
		return c.at.With(err, "")
	}
	return nil
}

// Now looks at the probe's clock.
func (c *Chip) Now() clock.Instant { return c.clock.Now() }

// Error is err as this probe's, with what a person can do about it.
func (c *Chip) Error(err error, hint string) error { return c.at.With(err, hint) }

// Close gives the bus back. Closing twice does nothing.
func (c *Chip) Close() error {
	if c.bus == nil {
		return nil
	}
	bus := c.bus
	c.bus = nil
	if err := bus.Close(); err != nil {
		return c.at.With(err, "")
	}
	return nil
}
