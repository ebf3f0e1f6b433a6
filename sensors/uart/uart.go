// Package uart is a probe that has a serial port for itself, as its driver sees it: errors that say whose they are, waits
// that end with their context, frames found again after garbage, and a handle that is given back.
package uart

import (
	"context"
	"errors"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
)

// Port is an open port with its probe. One goroutine at a time uses it.
type Port struct {
	at     sensors.ProbeError
	port   serial.Port // nil when closed
	wiring sensors.Wiring
}

// Open checks the wiring and opens its port. Nothing is said to the probe yet.
func Open(ctx context.Context, m sensors.Model, w sensors.Wiring, mode serial.Mode) (*Port, error) {
	w, at, err := m.Locate(w)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, at.With(err, "")
	}
	port, err := w.Serial(ctx, w.Bus, mode)
	if err != nil {
		return nil, at.With(err, "is the adapter plugged in and the port's name right? ls /dev/serial/by-id shows the adapters")
	}
	return &Port{at: at, port: port, wiring: w}, nil
}

// Setting returns a setting of the probe.
func (p *Port) Setting(name string) string { return p.wiring.Settings[name] }

// Number returns a setting of the probe that is a number.
func (p *Port) Number(name string) sensors.Decimal { return p.wiring.Number(name) }

// Transact gives do the port for one exchange. Its errors come back as this probe's.
func (p *Port) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	if p.port == nil {
		return p.at.With(sensors.ErrClosed, "")
	}
	if err := ctx.Err(); err != nil {
		return p.at.With(err, "")
	}
	err := p.port.Transact(ctx, do)
	var named *sensors.ProbeError
	switch {
	case err == nil || errors.As(err, &named):
		return err
	case errors.Is(err, serial.ErrSilent):
		return p.at.With(err, "does the probe have power, and are its TX and the port's RX connected, and the other way round?")
	case errors.Is(err, ErrNoFrame):
		return p.at.With(err, "is it this kind of probe, on a line of its own, with a ground in common?")
	}
	return p.at.With(err, "")
}

// Now looks at the probe's clock.
func (p *Port) Now() clock.Instant { return p.wiring.Clock.Now() }

// Wait waits for d by the probe's clock, or until ctx ends.
func (p *Port) Wait(ctx context.Context, d time.Duration) error {
	if err := p.wiring.Clock.Sleep(ctx, d); err != nil {
		return p.at.With(err, "")
	}
	return nil
}

// Error is err as this probe's, with what a person can do about it.
func (p *Port) Error(err error, hint string) error { return p.at.With(err, hint) }

// Close gives the port back. Closing twice does nothing.
func (p *Port) Close() error {
	if p.port == nil {
		return nil
	}
	port := p.port
	p.port = nil
	if err := port.Close(); err != nil {
		return p.at.With(err, "")
	}
	return nil
}
