package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewirereg"
)

// ROM commands.
const (
	romMatch  = 0x55
	romSkip   = 0xCC
	romSearch = 0xF0
)

// wireChip is what a 1-wire device does once it is addressed.
type wireChip interface {
	// command takes a function command with its data and fills what is read.
	command(w, r []byte, powered bool)
}

type wireSeat struct {
	state
	rom  uint64
	chip wireChip
}

// wireBus is a virtual 1-wire bus. Devices pull the line low and nothing pulls it high, so that what several say at once
// is the AND of it, and silence is ones.
type wireBus struct {
	name      string
	mu        sync.Mutex
	seats     []*wireSeat
	searching []*wireSeat // who still takes part in the search that runs
	bit       int
	calls     uint64
	users     atomic.Int32 // handles that are open
}

// errNoPresence is what a reset without an answer means.
type errNoPresence struct{ bus string }

func (e errNoPresence) Error() string { return e.bus + ": sim: no presence pulse" }

// NoDevices implements [onewire.NoDevicesError].
func (e errNoPresence) NoDevices() bool { return true }

// Is makes it the [ErrNoAcknowledge] of this kind of bus.
func (e errNoPresence) Is(target error) bool { return target == ErrNoAcknowledge }

var errROMCommand = errors.New("sim: not a ROM command these devices know")

func (b *wireBus) open() (onewire.BusCloser, error) {
	b.users.Add(1)
	return &wireHandle{bus: b}, nil
}

func (b *wireBus) register() error   { return onewirereg.Register(b.name, nil, -1, b.open) }
func (b *wireBus) unregister() error { return onewirereg.Unregister(b.name) }
func (b *wireBus) handles() int      { return int(b.users.Load()) }

// present returns who answers a reset, and whether each is well.
func (b *wireBus) present() (seats []*wireSeat, faults []Fault) {
	for _, s := range b.seats {
		if f := s.now(); f != Unplugged {
			seats, faults = append(seats, s), append(faults, f)
		}
	}
	return seats, faults
}

func (b *wireBus) tx(w, r []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	seats, faults := b.present()
	if len(seats) == 0 {
		return errNoPresence{b.name}
	}
	for i := range r {
		r[i] = 0xFF
	}
	b.calls++
	if len(w) == 0 {
		return nil
	}
	switch {
	case w[0] == romSearch:
		b.searching, b.bit = seats, 0
		return nil
	case w[0] == romMatch && len(w) >= 9:
		rom := binary.LittleEndian.Uint64(w[1:9])
		for i, s := range seats {
			if s.rom == rom {
				b.say(s, faults[i], w[9:], r)
			}
		}
		return nil
	case w[0] == romSkip:
		for i, s := range seats {
			b.say(s, faults[i], w[1:], r)
		}
		return nil
	}
	return fmt.Errorf("%s: %w: %#x", b.name, errROMCommand, w[0])
}

func (b *wireBus) say(s *wireSeat, f Fault, w, r []byte) {
	if len(w) == 0 {
		return
	}
	said := make([]byte, len(r))
	for i := range said {
		said[i] = 0xFF
	}
	s.chip.command(w, said, f != PowerOn)
	if f == Garbled {
		garble(said, b.calls)
	}
	for i := range r {
		r[i] &= said[i]
	}
}

// triplet is one step of the search: all that still take part say a bit and its opposite, and those whose bit is not the
// one taken fall silent.
func (b *wireBus) triplet(direction byte) onewire.TripletResult {
	b.mu.Lock()
	defer b.mu.Unlock()
	var res onewire.TripletResult
	for _, s := range b.searching {
		if s.rom>>b.bit&1 == 0 {
			res.GotZero = true
		} else {
			res.GotOne = true
		}
	}
	switch {
	case res.GotZero && res.GotOne:
		res.Taken = direction & 1
	case res.GotOne:
		res.Taken = 1
	}
	var still []*wireSeat
	for _, s := range b.searching {
		if byte(s.rom>>b.bit&1) == res.Taken {
			still = append(still, s)
		}
	}
	b.searching = still
	b.bit++
	return res
}

// wireHandle is the bus as one driver opened it.
type wireHandle struct {
	bus    *wireBus
	mu     sync.Mutex
	closed bool
}

func (h *wireHandle) usable() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("%s: %w", h.bus.name, ErrBusClosed)
	}
	return nil
}

// String implements [onewire.Bus].
func (h *wireHandle) String() string { return h.bus.name }

// Tx implements [onewire.Bus].
func (h *wireHandle) Tx(w, r []byte, _ onewire.Pullup) error {
	if err := h.usable(); err != nil {
		return err
	}
	return h.bus.tx(w, r)
}

// SearchTriplet implements [onewire.BusSearcher].
func (h *wireHandle) SearchTriplet(direction byte) (onewire.TripletResult, error) {
	if err := h.usable(); err != nil {
		return onewire.TripletResult{}, err
	}
	return h.bus.triplet(direction), nil
}

// Search implements [onewire.Bus] by periph's own search algorithm.
func (h *wireHandle) Search(alarmOnly bool) ([]onewire.Address, error) {
	return onewire.Search(h, alarmOnly)
}

// Close implements [onewire.BusCloser].
func (h *wireHandle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("%s: %w", h.bus.name, ErrBusClosed)
	}
	h.closed = true
	h.bus.users.Add(-1)
	return nil
}
