// Package scan looks for the probes that are wired to a machine: it lets the drivers of the catalog try every address
// they know, and says who answered as what. Some chips cannot be told from others at the same address; then all that
// could be are named, and a person decides.
package scan

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewirereg"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
)

// Found is something that answers at an address.
type Found struct {
	Kind       sensors.BusKind
	Bus        string
	Address    uint64
	Candidates []Candidate // who it could be; none: something answers that no driver knows
}

// Candidate is a model that understood the answer.
type Candidate struct {
	Model   sensors.Model
	Samples []sensors.Sample // what it said; none where it is not ready yet
}

// Scanner looks for probes.
type Scanner struct {
	Models  []sensors.Model
	Clock   clock.Clock
	Timeout time.Duration // for each driver at each address
	Ports   serial.Opener // for serial ports
	Prefix  string        // before the names of the buses that are used, see recording.Prefix
	Heard   func(Found)   // told of each find as it comes; may be nil
}

// I2C tries every model at every address it can have, on each of the buses; a model that can have any, at its default.
func (s Scanner) I2C(ctx context.Context, buses []string) ([]Found, error) {
	var all []Found
	for _, bus := range buses {
		for address := uint64(0x08); address <= 0x77; address++ {
			if err := ctx.Err(); err != nil {
				return all, err
			}
			f := Found{Kind: sensors.I2C, Bus: bus, Address: address}
			for _, m := range s.Models {
				if m.Bus != sensors.I2C || !slices.Contains(m.Addresses, address) && m.Default != address {
					continue
				}
				if c, ok := s.try(ctx, m, f); ok {
					f.Candidates = append(f.Candidates, c)
				}
			}
			if len(f.Candidates) > 0 || s.answers(bus, uint16(address)) {
				all = s.heard(all, f)
			}
		}
	}
	return all, nil
}

// OneWire searches each of the buses and tries the models on what is there.
func (s Scanner) OneWire(ctx context.Context, buses []string) ([]Found, error) {
	var all []Found
	for _, name := range buses {
		addresses, err := search(s.Prefix + name)
		if err != nil {
			return all, fmt.Errorf("scan: %s: %w", name, err)
		}
		for _, a := range addresses {
			if err := ctx.Err(); err != nil {
				return all, err
			}
			f := Found{Kind: sensors.OneWire, Bus: name, Address: uint64(a)}
			for _, m := range s.Models {
				if m.Bus != sensors.OneWire {
					continue
				}
				if c, ok := s.try(ctx, m, f); ok {
					f.Candidates = append(f.Candidates, c)
				}
			}
			all = s.heard(all, f)
		}
	}
	return all, nil
}

// Serial tries the models of a kind of bus on a serial port, at each of the addresses (none: the models' own).
func (s Scanner) Serial(ctx context.Context, kind sensors.BusKind, port string, addresses []uint64) ([]Found, error) {
	if len(addresses) == 0 {
		addresses = []uint64{0}
	}
	var all []Found
	for _, a := range addresses {
		if err := ctx.Err(); err != nil {
			return all, err
		}
		f := Found{Kind: kind, Bus: port, Address: a}
		for _, m := range s.Models {
			if m.Bus != kind {
				continue
			}
			if c, ok := s.try(ctx, m, f); ok {
				f.Candidates = append(f.Candidates, c)
			}
		}
		if len(f.Candidates) > 0 {
			all = s.heard(all, f)
		}
	}
	return all, nil
}

func search(bus string) ([]onewire.Address, error) {
	b, err := onewirereg.Open(bus)
	if err != nil {
		return nil, err
	}
	found, err := b.Search(false)
	var none interface{ NoDevices() bool }
	if errors.As(err, &none) && none.NoDevices() {
		err = nil
	}
	return found, errors.Join(err, b.Close())
}

func (s Scanner) heard(all []Found, f Found) []Found {
	if s.Heard != nil {
		s.Heard(f)
	}
	return append(all, f)
}

// try opens a model where something may be, and asks it once. A model that needs settings nobody has made is left out.
func (s Scanner) try(ctx context.Context, m sensors.Model, f Found) (Candidate, bool) {
	w := sensors.Wiring{Probe: m.Name, Bus: f.Bus, Address: f.Address, Clock: s.Clock, Serial: s.Ports}
	if f.Kind == sensors.I2C || f.Kind == sensors.OneWire {
		w.Bus = s.Prefix + f.Bus
	}
	if slices.ContainsFunc(m.Outputs, func(o sensors.Output) bool {
		return o.Quantity == sensors.WaterTemperature || o.Quantity == sensors.SoilTemperature
	}) {
		w.Medium = "water" // to be told by whoever puts it there
	}
	g := sensors.Attach(m, w, s.Timeout)
	samples, err := g.Sense(ctx)
	if closed := g.Close(); closed != nil && err == nil {
		err = closed
	}
	return Candidate{Model: m, Samples: samples}, err == nil || errors.Is(err, sensors.ErrNotReady)
}

// answers asks whether anything is at an address, by reading a byte: the gentlest thing there is to do to a stranger.
func (s Scanner) answers(bus string, address uint16) bool {
	b, err := i2creg.Open(s.Prefix + bus)
	if err != nil {
		return false
	}
	var one [1]byte
	err = b.Tx(address, nil, one[:])
	return errors.Join(err, b.Close()) == nil
}

// Buses returns the names of the I2C and 1-wire buses that are registered, without those that begin with the prefix.
func Buses(without string) (i2cs, wires []string) {
	for _, r := range i2creg.All() {
		if without == "" || len(r.Name) < len(without) || r.Name[:len(without)] != without {
			i2cs = append(i2cs, r.Name)
		}
	}
	for _, r := range onewirereg.All() {
		if without == "" || len(r.Name) < len(without) || r.Name[:len(without)] != without {
			wires = append(wires, r.Name)
		}
	}
	return i2cs, wires
}

// SerialPort is a serial port by the name that stays, and by the one that may change at the next boot.
type SerialPort struct{ Stable, Device string }

// SerialPorts lists the serial ports of USB adapters below a root ("/"), by their stable id, and the UARTs of a Pi's header.
func SerialPorts(root string) ([]SerialPort, error) {
	byID := filepath.Join(root, "dev/serial/by-id")
	entries, err := os.ReadDir(byID)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("scan: %w", err)
	}
	var ports []SerialPort
	for _, e := range entries {
		target, err := filepath.EvalSymlinks(filepath.Join(byID, e.Name()))
		if err != nil {
			continue // pulled out while we looked
		}
		ports = append(ports, SerialPort{Stable: filepath.Join("/dev/serial/by-id", e.Name()), Device: "/dev/" + filepath.Base(target)})
	}
	if _, err := os.Stat(filepath.Join(root, "dev/serial0")); err == nil {
		ports = append(ports, SerialPort{Stable: "/dev/serial0", Device: "/dev/serial0"})
	}
	return ports, nil
}
