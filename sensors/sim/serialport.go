package sim

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"loam/sensors/serial"
)

// serialDevice is a probe on a serial port.
type serialDevice interface {
	// hear takes what was sent and returns the answer; nil: none, as where another probe is meant. powered is false while
	// the probe keeps restarting.
	hear(sent []byte, powered bool) []byte
}

// talker is a [serialDevice] that also sends by itself.
type talker interface {
	// speak returns what was sent since it was last asked; asked again at the same moment, what it sends next.
	speak(powered bool) []byte
}

// sleeper is a [serialDevice] that a break wakes.
type sleeper interface{ wake() }

// serialPort is a virtual port. Its time does not pass while nothing comes: a read that has to wait ends at once.
type serialPort struct {
	name  string
	seats []*serialSeat
	turn  chan struct{}
	users atomic.Int32

	mode   serial.Mode // of the devices: a master that speaks otherwise is not understood
	unread []byte
	calls  uint64
}

type serialSeat struct {
	state
	device serialDevice
}

func newSerialPort(name string, mode serial.Mode) *serialPort {
	return &serialPort{name: name, mode: mode, turn: make(chan struct{}, 1)}
}

func (p *serialPort) register() error   { return nil } // [Site.OpenSerial] finds it
func (p *serialPort) unregister() error { return nil }
func (p *serialPort) handles() int      { return int(p.users.Load()) }

// OpenSerial is a [serial.Opener] for the site's ports.
func (s *Site) OpenSerial(ctx context.Context, name string, m serial.Mode) (serial.Port, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, b := range s.buses {
		if p, ok := b.(*serialPort); ok && p.name == name {
			p.users.Add(1)
			return &serialHandle{port: p, mode: m}, nil
		}
	}
	return nil, fmt.Errorf("sim: %s has no serial port %q", s.place, name)
}

// serialHandle is the port as one driver opened it.
type serialHandle struct {
	port   *serialPort
	mode   serial.Mode
	mu     sync.Mutex
	closed bool
}

// Transact implements [serial.Port].
func (h *serialHandle) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	h.mu.Lock()
	closed := h.closed
	h.mu.Unlock()
	if closed {
		return serial.ErrClosed
	}
	select {
	case h.port.turn <- struct{}{}:
		defer func() { <-h.port.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return do(ctx, serialConn{h.port, h.mode == h.port.mode})
}

// Close implements [serial.Port].
func (h *serialHandle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		h.port.users.Add(-1)
	}
	return nil
}

// serialConn is a port during a transaction.
type serialConn struct {
	port       *serialPort
	understood bool
}

// Write implements [serial.Conn].
func (c serialConn) Write(ctx context.Context, b []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.each(func(seat *serialSeat, f Fault) []byte {
		if f == Unplugged || !c.understood {
			return nil
		}
		return seat.device.hear(b, f != PowerOn)
	})
	return nil
}

// Read implements [serial.Conn].
func (c serialConn) Read(ctx context.Context, b []byte, _ time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(b) == 0 {
		return 0, nil
	}
	if len(c.port.unread) == 0 {
		c.speak()
	}
	if len(c.port.unread) == 0 {
		return 0, fmt.Errorf("%s: %w", c.port.name, serial.ErrSilent)
	}
	n := copy(b, c.port.unread)
	c.port.unread = c.port.unread[n:]
	return n, nil
}

// each asks every device for what it sends, one after the other, and keeps it to be read.
func (c serialConn) each(ask func(*serialSeat, Fault) []byte) {
	for _, seat := range c.port.seats {
		f := seat.now()
		sent := append([]byte(nil), ask(seat, f)...)
		if c.port.calls++; f == Garbled {
			garble(sent, c.port.calls)
		}
		c.port.unread = append(c.port.unread, sent...)
	}
}

// Discard implements [serial.Conn]. What devices sent by themselves up to now is thrown away too.
func (c serialConn) Discard(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.speak()
	c.port.unread = nil
	return nil
}

// speak has every device send what it sends by itself.
func (c serialConn) speak() {
	c.each(func(seat *serialSeat, f Fault) []byte {
		if t, ok := seat.device.(talker); ok && f != Unplugged && c.understood {
			return t.speak(f != PowerOn)
		}
		return nil
	})
}

// Break implements [serial.Conn].
func (c serialConn) Break(ctx context.Context, _ time.Duration) error {
	for _, seat := range c.port.seats {
		if s, ok := seat.device.(sleeper); ok && seat.now() != Unplugged {
			s.wake()
		}
	}
	return ctx.Err()
}
