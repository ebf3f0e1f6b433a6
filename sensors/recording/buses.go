package recording

import (
	"context"
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewirereg"
	"periph.io/x/conn/v3/physic"

	"loam/sensors/serial"
)

// I2C returns the bus with everything that is said on it recorded under a name.
func (r *Recorder) I2C(name string, bus i2c.BusCloser) i2c.BusCloser {
	return recordedI2C{bus, name, r}
}

type recordedI2C struct {
	i2c.BusCloser
	name string
	r    *Recorder
}

// Tx implements [i2c.Bus].
func (b recordedI2C) Tx(addr uint16, w, read []byte) error {
	err := b.BusCloser.Tx(addr, w, read)
	l := line{Bus: b.name, Do: doTx, Address: addr, Write: w, Read: read}
	l.failed(err)
	b.r.note(l)
	return err
}

// OneWire returns the bus with everything that is said on it recorded under a name.
func (r *Recorder) OneWire(name string, bus onewire.BusCloser) onewire.BusCloser {
	return recordedOneWire{bus, name, r}
}

type recordedOneWire struct {
	onewire.BusCloser
	name string
	r    *Recorder
}

// Tx implements [onewire.Bus].
func (b recordedOneWire) Tx(w, read []byte, power onewire.Pullup) error {
	err := b.BusCloser.Tx(w, read, power)
	l := line{Bus: b.name, Do: doTx, Mode: kindOneWire, Write: w, Read: read, Power: power == onewire.StrongPullup}
	l.failed(err)
	b.r.note(l)
	return err
}

// Search implements [onewire.Bus].
func (b recordedOneWire) Search(alarmOnly bool) ([]onewire.Address, error) {
	found, err := b.BusCloser.Search(alarmOnly)
	l := line{Bus: b.name, Do: doSearch}
	for _, a := range found {
		l.Found = append(l.Found, uint64(a))
	}
	l.failed(err)
	b.r.note(l)
	return found, err
}

// Serial returns an opener whose ports record everything that is said on them.
func (r *Recorder) Serial(open serial.Opener) serial.Opener {
	return func(ctx context.Context, name string, m serial.Mode) (serial.Port, error) {
		p, err := open(ctx, name, m)
		if err != nil {
			return nil, err
		}
		return recordedPort{p, name, m, r}, nil
	}
}

type recordedPort struct {
	serial.Port
	name string
	mode serial.Mode
	r    *Recorder
}

// Transact implements [serial.Port].
func (p recordedPort) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	return p.Port.Transact(ctx, func(ctx context.Context, c serial.Conn) error { return do(ctx, recordedConn{c, p}) })
}

type recordedConn struct {
	serial.Conn
	port recordedPort
}

func (c recordedConn) note(l line, err error) {
	l.Bus, l.Mode = c.port.name, c.port.mode.String()
	l.failed(err)
	c.port.r.note(l)
}

// Write implements [serial.Conn].
func (c recordedConn) Write(ctx context.Context, b []byte) error {
	err := c.Conn.Write(ctx, b)
	c.note(line{Do: doWrite, Write: b}, err)
	return err
}

// Read implements [serial.Conn].
func (c recordedConn) Read(ctx context.Context, b []byte, wait time.Duration) (int, error) {
	n, err := c.Conn.Read(ctx, b, wait)
	c.note(line{Do: doRead, Read: b[:n]}, err)
	return n, err
}

// Discard implements [serial.Conn].
func (c recordedConn) Discard(ctx context.Context) error {
	err := c.Conn.Discard(ctx)
	c.note(line{Do: doDiscard}, err)
	return err
}

// Break implements [serial.Conn].
func (c recordedConn) Break(ctx context.Context, d time.Duration) error {
	err := c.Conn.Break(ctx, d)
	c.note(line{Do: doBreak}, err)
	return err
}

// Register puts the recorded I2C and 1-wire buses into periph's registries, under the names they were recorded with, and
// returns how to take them out. Serial ports are opened with [Player.OpenSerial].
func (p *Player) Register() (unregister func() error, err error) {
	var undo []func() error
	unregister = func() error {
		var errs []error
		for _, u := range undo {
			errs = append(errs, u())
		}
		return errors.Join(errs...)
	}
	for name, kind := range p.kinds {
		switch kind {
		case kindI2C:
			err = i2creg.Register(name, nil, -1, func() (i2c.BusCloser, error) { return playedI2C{p, name}, nil })
			undo = append(undo, func() error { return i2creg.Unregister(name) })
		case kindOneWire:
			err = onewirereg.Register(name, nil, -1, func() (onewire.BusCloser, error) { return playedOneWire{p, name}, nil })
			undo = append(undo, func() error { return onewirereg.Unregister(name) })
		}
		if err != nil {
			undo = undo[:len(undo)-1]
			return nil, errors.Join(fmt.Errorf("recording: %s: %w", name, err), unregister())
		}
	}
	return unregister, nil
}

type playedI2C struct {
	p    *Player
	name string
}

func (b playedI2C) String() string                  { return b.name }
func (b playedI2C) SetSpeed(physic.Frequency) error { return nil }
func (b playedI2C) Close() error                    { return nil }

// Tx implements [i2c.Bus].
func (b playedI2C) Tx(addr uint16, w, r []byte) error {
	l, err := b.p.next(line{Bus: b.name, Do: doTx, Address: addr, Write: w})
	if err != nil {
		return err
	}
	return fill(r, l)
}

// fill gives what was read, all of it.
func fill(r []byte, l line) error {
	if len(r) != len(l.Read) {
		return fmt.Errorf("recording: %s: %w: %d bytes were read, and %d are asked", l.Bus, ErrDiffers, len(l.Read), len(r))
	}
	copy(r, l.Read)
	return l.said()
}

type playedOneWire struct {
	p    *Player
	name string
}

func (b playedOneWire) String() string { return b.name }
func (b playedOneWire) Close() error   { return nil }

// Tx implements [onewire.Bus].
func (b playedOneWire) Tx(w, r []byte, _ onewire.Pullup) error {
	l, err := b.p.next(line{Bus: b.name, Do: doTx, Write: w})
	if err != nil {
		return err
	}
	return fill(r, l)
}

// Search implements [onewire.Bus].
func (b playedOneWire) Search(bool) ([]onewire.Address, error) {
	l, err := b.p.next(line{Bus: b.name, Do: doSearch})
	if err != nil {
		return nil, err
	}
	var found []onewire.Address
	for _, a := range l.Found {
		found = append(found, onewire.Address(a))
	}
	return found, l.said()
}

// OpenSerial is a [serial.Opener] for the recorded ports.
func (p *Player) OpenSerial(_ context.Context, name string, _ serial.Mode) (serial.Port, error) {
	if p.kinds[name] != kindSerial {
		return nil, fmt.Errorf("recording: no serial port %q was recorded", name)
	}
	return playedPort{p, name}, nil
}

type playedPort struct {
	p    *Player
	name string
}

// Transact implements [serial.Port].
func (h playedPort) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	return do(ctx, playedConn(h))
}

// Close implements [serial.Port].
func (h playedPort) Close() error { return nil }

type playedConn struct {
	p    *Player
	name string
}

// Write implements [serial.Conn].
func (c playedConn) Write(_ context.Context, b []byte) error {
	l, err := c.p.next(line{Bus: c.name, Do: doWrite, Write: b})
	if err != nil {
		return err
	}
	return l.said()
}

// Read implements [serial.Conn].
func (c playedConn) Read(_ context.Context, b []byte, _ time.Duration) (int, error) {
	l, err := c.p.next(line{Bus: c.name, Do: doRead})
	if err != nil {
		return 0, err
	}
	if len(l.Read) > len(b) {
		return 0, fmt.Errorf("recording: %s: %w: %d bytes came, and there is room for %d", c.name, ErrDiffers, len(l.Read), len(b))
	}
	return copy(b, l.Read), l.said()
}

// Discard implements [serial.Conn].
func (c playedConn) Discard(context.Context) error {
	_, err := c.p.next(line{Bus: c.name, Do: doDiscard})
	return err
}

// Break implements [serial.Conn].
func (c playedConn) Break(context.Context, time.Duration) error {
	_, err := c.p.next(line{Bus: c.name, Do: doBreak})
	return err
}

// Prefix is what [Recorder.Wrap] puts before the name of a bus.
const Prefix = "recorded-"

// Wrap puts a recorded twin of every I2C and 1-wire bus into periph's registries, under its name with [Prefix] before
// it, and returns how to take them out.
func (r *Recorder) Wrap() (unregister func() error, err error) {
	var undo []func() error
	unregister = func() error {
		var errs []error
		for _, u := range undo {
			errs = append(errs, u())
		}
		return errors.Join(errs...)
	}
	for _, ref := range i2creg.All() {
		err := i2creg.Register(Prefix+ref.Name, nil, -1, func() (i2c.BusCloser, error) {
			bus, err := ref.Open()
			if err != nil {
				return nil, err
			}
			return r.I2C(ref.Name, bus), nil
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("recording: %w", err), unregister())
		}
		undo = append(undo, func() error { return i2creg.Unregister(Prefix + ref.Name) })
	}
	for _, ref := range onewirereg.All() {
		err := onewirereg.Register(Prefix+ref.Name, nil, -1, func() (onewire.BusCloser, error) {
			bus, err := ref.Open()
			if err != nil {
				return nil, err
			}
			return r.OneWire(ref.Name, bus), nil
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("recording: %w", err), unregister())
		}
		undo = append(undo, func() error { return onewirereg.Unregister(Prefix + ref.Name) })
	}
	return unregister, nil
}
