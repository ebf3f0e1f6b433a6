package sim

import (
	"fmt"
	"sync"
	"sync/atomic"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/physic"
)

// i2cChip is a chip's registers, as a bus master meets them. Calls come one at a time.
type i2cChip interface {
	// exchange takes what was written and fills what is read. powered is false while the chip keeps restarting.
	exchange(w, r []byte, powered bool) error
}

// i2cBus is a virtual bus. A call on it has the bus for itself, as on copper: a chip that hangs holds up the others.
type i2cBus struct {
	name  string
	mu    sync.Mutex
	chips map[uint16]*i2cSeat
	calls uint64
	users atomic.Int32 // handles that are open
}

type i2cSeat struct {
	state
	chip i2cChip
}

func (b *i2cBus) open() (i2c.BusCloser, error) {
	b.users.Add(1)
	return &i2cHandle{bus: b}, nil
}

func (b *i2cBus) register() error   { return i2creg.Register(b.name, nil, -1, b.open) }
func (b *i2cBus) unregister() error { return i2creg.Unregister(b.name) }
func (b *i2cBus) handles() int      { return int(b.users.Load()) }

func (b *i2cBus) tx(addr uint16, w, r []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	seat := b.chips[addr]
	if seat == nil {
		return fmt.Errorf("%s address %#x: %w", b.name, addr, ErrNoAcknowledge)
	}
	fault := seat.now()
	if fault == Unplugged {
		return fmt.Errorf("%s address %#x: %w", b.name, addr, ErrNoAcknowledge)
	}
	if err := seat.chip.exchange(w, r, fault != PowerOn); err != nil {
		return fmt.Errorf("%s address %#x: %w", b.name, addr, err)
	}
	if b.calls++; fault == Garbled {
		garble(r, b.calls)
	}
	return nil
}

// i2cHandle is the bus as one driver opened it.
type i2cHandle struct {
	bus    *i2cBus
	mu     sync.Mutex
	closed bool
}

// String implements [i2c.Bus].
func (h *i2cHandle) String() string { return h.bus.name }

// SetSpeed implements [i2c.Bus].
func (h *i2cHandle) SetSpeed(physic.Frequency) error { return nil }

// Tx implements [i2c.Bus].
func (h *i2cHandle) Tx(addr uint16, w, r []byte) error {
	h.mu.Lock()
	closed := h.closed
	h.mu.Unlock()
	if closed {
		return fmt.Errorf("%s: %w", h.bus.name, ErrBusClosed)
	}
	return h.bus.tx(addr, w, r)
}

// Close implements [i2c.BusCloser]. Closing twice is an error, as it is for a file.
func (h *i2cHandle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("%s: %w", h.bus.name, ErrBusClosed)
	}
	h.closed = true
	h.bus.users.Add(-1)
	return nil
}
