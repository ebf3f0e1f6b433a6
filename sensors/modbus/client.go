package modbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
)

const (
	// replyTime is what the serial line guide names as usual at 9600 baud and up (2.4.1): one second.
	replyTime = time.Second
	// gap ends a frame. The standard has 1.5 characters; a USB adapter hands bytes on in bursts, 16 ms apart and more.
	gap = 60 * time.Millisecond
	// attempts is how often a request is sent: single bits do fall over on long lines.
	attempts = 2
	// maxBytes is how much is listened to in one attempt: two of the longest frames there are.
	maxBytes = 512
)

// Client is one probe on a line. One goroutine at a time uses it; several clients share a line.
type Client struct {
	at      sensors.ProbeError
	port    serial.Port // nil when closed
	address byte
	clock   clock.Clock
	mode    serial.Mode
}

// Open checks the wiring and opens its port in the mode. Nothing is said to the probe yet.
func Open(ctx context.Context, m sensors.Model, w sensors.Wiring, mode serial.Mode) (*Client, error) {
	w, at, err := m.Locate(w)
	if err != nil {
		return nil, err
	}
	if w.Address < 1 || w.Address > 254 {
		return nil, at.With(fmt.Errorf("address %d: a Modbus probe has 1 to 254", w.Address), "")
	}
	port, err := w.Serial(ctx, w.Bus, mode)
	if err != nil {
		return nil, at.With(err, "is the adapter plugged in, and the device named as in /dev/serial/by-id?")
	}
	return &Client{at: at, port: port, address: byte(w.Address), clock: w.Clock, mode: mode}, nil
}

// Read asks for registers, a second time where the first reply is missing or damaged.
func (c *Client) Read(ctx context.Context, r Request) ([]uint16, error) {
	if c.port == nil {
		return nil, c.at.With(sensors.ErrClosed, "")
	}
	err := r.Validate()
	var registers []uint16
	for n := 0; err == nil && registers == nil; n++ {
		err = c.port.Transact(ctx, func(ctx context.Context, conn serial.Conn) (err error) {
			registers, err = c.ask(ctx, conn, r)
			return err
		})
		if n+1 < attempts && again(err) {
			err = nil
		}
	}
	if err != nil {
		return nil, c.at.With(fmt.Errorf("read %s at %s: %w", r, c.mode, err), hint(err))
	}
	return registers, nil
}

// again says whether the same request may well be answered another time.
func again(err error) bool { return errors.Is(err, serial.ErrSilent) || errors.Is(err, ErrGarbled) }

// hint says what a person can do.
func hint(err error) string {
	var e Exception
	switch {
	case errors.As(err, &e):
		return "is it this model, with these registers?"
	case errors.Is(err, ErrGarbled), errors.Is(err, ErrNoise):
		return "are address and speed right, does no other probe have this address, and does the line have 120 Ω at both ends?"
	case errors.Is(err, serial.ErrSilent):
		return "does it have power, are A and B not swapped, and are address and speed right?"
	}
	return ""
}

// ask is one request and its reply.
func (c *Client) ask(ctx context.Context, conn serial.Conn, r Request) ([]uint16, error) {
	if err := c.silence(ctx, conn); err != nil {
		return nil, err
	}
	if err := conn.Write(ctx, r.Frame(c.address)); err != nil {
		return nil, err
	}
	return c.listen(ctx, conn, r)
}

// silence waits until nobody has spoken for 3.5 characters, which is what begins a frame; above 19200 baud it is 1.75 ms.
func (c *Client) silence(ctx context.Context, conn serial.Conn) error {
	wait := max(c.mode.Time(7)/2, 1750*time.Microsecond)
	var b [64]byte
	for came := 0; came < maxBytes; {
		if err := conn.Discard(ctx); err != nil {
			return err
		}
		if err := c.clock.Sleep(ctx, wait); err != nil {
			return err
		}
		n, err := conn.Read(ctx, b[:], time.Millisecond)
		if errors.Is(err, serial.ErrSilent) {
			return nil
		}
		if err != nil {
			return err
		}
		came += n
	}
	return ErrNoise
}

// listen waits for the reply. Where something else came first, such as another probe's late reply, it waits once more.
func (c *Client) listen(ctx context.Context, conn serial.Conn, r Request) ([]uint16, error) {
	var buffer [maxBytes]byte
	n, wait, more := 0, replyTime, true
	for n < len(buffer) {
		m, err := conn.Read(ctx, buffer[n:], wait)
		switch {
		case errors.Is(err, serial.ErrSilent) && n > 0 && more:
			wait, more = replyTime, false
			continue
		case errors.Is(err, serial.ErrSilent) && n > 0:
			return nil, fmt.Errorf("%w: % x: %w", ErrGarbled, buffer[:min(n, 32)], err)
		case err != nil:
			return nil, err
		}
		n += m
		if registers, err, found := r.find(c.address, buffer[:n]); found {
			return registers, err
		}
		wait = gap
	}
	return nil, fmt.Errorf("%w: %d bytes", ErrGarbled, n)
}

// Now looks at the probe's clock.
func (c *Client) Now() clock.Instant { return c.clock.Now() }

// Error is err as this probe's, with what a person can do about it.
func (c *Client) Error(err error, hint string) error { return c.at.With(err, hint) }

// Close gives the port back. Closing twice does nothing.
func (c *Client) Close() error {
	if c.port == nil {
		return nil
	}
	port := c.port
	c.port = nil
	if err := port.Close(); err != nil {
		return c.at.With(err, "")
	}
	return nil
}
