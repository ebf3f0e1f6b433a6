package serial

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	bug "go.bug.st/serial"
)

// Host opens the machine's own ports. Handles on the same port share it; the last one closes it. A port that failed, as
// one whose USB adapter was pulled out does, is opened anew by the next transaction. The zero value is ready to use.
type Host struct {
	mu    sync.Mutex
	ports map[string]*port
}

// slice bounds one wait in the kernel, so that the end of a context is noticed in time.
const slice = 100 * time.Millisecond

// Open is an [Opener].
func (h *Host) Open(ctx context.Context, name string, m Mode) (Port, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.ports[name]
	if p == nil {
		p = &port{host: h, name: name, mode: m, turn: make(chan struct{}, 1)}
		if err := p.open(); err != nil { // before anybody counts on it
			return nil, err
		}
		if h.ports == nil {
			h.ports = map[string]*port{}
		}
		h.ports[name] = p
	}
	if p.mode != m {
		return nil, fmt.Errorf("serial: %s: %w: %s, not %s", name, ErrMode, p.mode, m)
	}
	p.users++
	return &handle{port: p}, nil
}

// port is a device that handles share.
type port struct {
	host  *Host
	name  string
	mode  Mode
	users int           // under host.mu
	turn  chan struct{} // holds the one whose transaction it is

	device bug.Port // nil: to be opened; under turn, or host.mu where nobody else has it
}

func (p *port) open() error {
	parity := map[Parity]bug.Parity{NoParity: bug.NoParity, EvenParity: bug.EvenParity, OddParity: bug.OddParity}[p.mode.Parity]
	stop := bug.OneStopBit
	if p.mode.StopBits == 2 {
		stop = bug.TwoStopBits
	}
	d, err := bug.Open(p.name, &bug.Mode{BaudRate: p.mode.Baud, DataBits: p.mode.DataBits, Parity: parity, StopBits: stop})
	if err != nil {
		return fmt.Errorf("serial: open %s: %w", p.name, err)
	}
	p.device = d
	return nil
}

// fail closes a device that does not work any more and passes err on.
func (p *port) fail(err error) error {
	if p.device != nil {
		_ = p.device.Close() // it is broken; the first error says why
		p.device = nil
	}
	return fmt.Errorf("serial: %s: %w", p.name, err)
}

// handle is a port as one driver opened it.
type handle struct {
	mu   sync.Mutex
	port *port // nil when closed
}

// Transact implements [Port].
func (h *handle) Transact(ctx context.Context, do func(context.Context, Conn) error) error {
	h.mu.Lock()
	p := h.port
	h.mu.Unlock()
	if p == nil {
		return ErrClosed
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return fmt.Errorf("serial: %s is busy: %w", p.name, ctx.Err())
	}
	if p.device == nil {
		if err := p.open(); err != nil {
			return err
		}
	}
	return do(ctx, conn{p})
}

// Close implements [Port].
func (h *handle) Close() error {
	h.mu.Lock()
	p := h.port
	h.port = nil
	h.mu.Unlock()
	if p == nil {
		return nil
	}
	p.host.mu.Lock()
	defer p.host.mu.Unlock()
	if p.users--; p.users > 0 {
		return nil
	}
	delete(p.host.ports, p.name)
	if p.device == nil {
		return nil
	}
	err := p.device.Close()
	p.device = nil
	if err != nil {
		return fmt.Errorf("serial: close %s: %w", p.name, err)
	}
	return nil
}

// conn is a port during a transaction.
type conn struct{ port *port }

// Write implements [Conn].
func (c conn) Write(ctx context.Context, b []byte) error {
	for len(b) > 0 {
		if err := c.alive(ctx); err != nil {
			return err
		}
		n, err := c.port.device.Write(b)
		if err != nil {
			return c.port.fail(err)
		}
		b = b[n:]
	}
	return nil
}

// Read implements [Conn].
func (c conn) Read(ctx context.Context, b []byte, wait time.Duration) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		if err := c.alive(ctx); err != nil {
			return 0, err
		}
		d := min(wait, slice)
		if err := c.port.device.SetReadTimeout(max(d, time.Millisecond)); err != nil {
			return 0, c.port.fail(err)
		}
		n, err := c.port.device.Read(b)
		if err != nil {
			return 0, c.port.fail(err)
		}
		if n > 0 {
			return n, nil
		}
		if wait -= d; wait <= 0 {
			return 0, fmt.Errorf("serial: %s: %w", c.port.name, ErrSilent)
		}
	}
}

// Discard implements [Conn].
func (c conn) Discard(ctx context.Context) error {
	if err := c.alive(ctx); err != nil {
		return err
	}
	if err := c.port.device.ResetInputBuffer(); err != nil {
		return c.port.fail(err)
	}
	return nil
}

// Break implements [Conn].
func (c conn) Break(ctx context.Context, d time.Duration) error {
	if err := c.alive(ctx); err != nil {
		return err
	}
	if err := c.port.device.Break(d); err != nil {
		return c.port.fail(err)
	}
	return nil
}

// alive says whether there is a reason not to go on: ctx has ended, or the device failed before in this transaction.
func (c conn) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.port.device == nil {
		return errors.New("serial: " + c.port.name + " failed before")
	}
	return nil
}
