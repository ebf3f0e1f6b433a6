// Package uarttest has a serial port for drivers' tests, with a probe made of one function behind it.
package uarttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
)

// Port is a port on which time stands still: a read that would have to wait ends at once.
type Port struct {
	// Answer returns what the probe sends when it is sent something. It may be nil.
	Answer func(sent []byte) []byte
	// Speak returns what the probe sends by itself when it is waited for. It may be nil.
	Speak func() []byte

	Unread []byte // what came before anybody asked
	Mode   serial.Mode
	Sent   [][]byte
	Open   int // handles

	// Piece is how many bytes a read returns at most; 0: all there are.
	Piece int
}

// Wire returns a wiring of a probe named "probe" on the port, and its clock.
func Wire(p *Port, settings map[string]string) (sensors.Wiring, *clock.Virtual) {
	c := clock.NewVirtual(time.Date(2026, time.May, 4, 0, 0, 0, 0, time.UTC), clock.BootID{1})
	return sensors.Wiring{Probe: "probe", Bus: "PORT", Settings: settings, Clock: c, Serial: p.open}, c
}

func (p *Port) open(_ context.Context, _ string, m serial.Mode) (serial.Port, error) {
	p.Mode = m
	p.Open++
	return &handle{Port: p}, nil
}

type handle struct {
	*Port
	closed bool
}

// Transact implements [serial.Port].
func (h *handle) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	if h.closed {
		return serial.ErrClosed
	}
	return do(ctx, conn{h.Port})
}

// Close implements [serial.Port].
func (h *handle) Close() error {
	if !h.closed {
		h.closed = true
		h.Open--
	}
	return nil
}

type conn struct{ *Port }

// Write implements [serial.Conn].
func (c conn) Write(ctx context.Context, b []byte) error {
	c.Sent = append(c.Sent, append([]byte(nil), b...))
	if c.Answer != nil {
		c.Unread = append(c.Unread, c.Answer(b)...)
	}
	return ctx.Err()
}

// Read implements [serial.Conn].
func (c conn) Read(ctx context.Context, b []byte, _ time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(c.Unread) == 0 && c.Speak != nil {
		c.Unread = append(c.Unread, c.Speak()...)
	}
	if len(c.Unread) == 0 {
		return 0, fmt.Errorf("PORT: %w", serial.ErrSilent)
	}
	if c.Piece > 0 {
		b = b[:min(len(b), c.Piece)]
	}
	n := copy(b, c.Unread)
	c.Unread = c.Unread[n:]
	return n, nil
}

// Discard implements [serial.Conn].
func (c conn) Discard(ctx context.Context) error {
	c.Unread = nil
	return ctx.Err()
}

// Break implements [serial.Conn].
func (c conn) Break(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// Values returns samples as text, by quantity; each has to be there once.
func Values(t testing.TB, samples []sensors.Sample) map[sensors.Quantity]string {
	t.Helper()
	all := map[sensors.Quantity]string{}
	for _, s := range samples {
		if _, twice := all[s.Quantity]; twice {
			t.Errorf("%s came twice", s.Quantity)
		}
		all[s.Quantity] = s.Value.String()
	}
	return all
}
