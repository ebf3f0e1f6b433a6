package atlas

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
	"loam/sensors/serial"
	"loam/sensors/uart"
)

// line is a circuit to talk to.
type line interface {
	// ask says a command and returns the text of the reply, empty where there is only the word that it succeeded. wait is
	// how long the circuit takes, by its data sheet.
	ask(ctx context.Context, command string, wait time.Duration) (string, error)
	Now() clock.Instant
	Error(err error, hint string) error
	Close() error
}

// A circuit that is not done is asked again so often, each time after a pause.
const (
	patience = 10
	pause    = 100 * time.Millisecond
)

// wire is a circuit on I2C.
type wire struct{ *chip.Chip }

func openWire(m sensors.Model, w sensors.Wiring) (line, error) {
	c, err := chip.Open(m, w)
	return wire{c}, err
}

// ask implements [line]. Between the command and its reply there is a stop.
func (w wire) ask(ctx context.Context, command string, wait time.Duration) (string, error) {
	if err := w.Tx(ctx, []byte(command), nil); err != nil {
		return "", err
	}
	var text string
	var err error
	for range patience {
		if err := w.Wait(ctx, wait); err != nil {
			return "", err
		}
		var b [maxReply]byte
		if err := w.Tx(ctx, nil, b[:]); err != nil {
			return "", err
		}
		if text, err = parseReply(b[:]); !errors.Is(err, ErrNotReady) {
			break
		}
		wait = pause
	}
	if err != nil {
		return "", refused(w, command, err)
	}
	return text, nil
}

// refused is what came instead of a reply to a command.
func refused(l line, command string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, ErrSyntax):
		hint = "is it this circuit, and its firmware recent?"
	case errors.Is(err, ErrNoData):
		hint = "it restarted, or another program talks to it"
	case errors.Is(err, ErrNotReady):
		hint = "power-cycle the circuit"
	case errors.Is(err, ErrReply):
		hint = "another chip has this address, or the cable is too long"
	}
	return l.Error(fmt.Errorf("%s: %w", command, err), hint)
}

// port is a circuit on a serial port.
type port struct{ *uart.Port }

// Times on a serial port: what a line may take beyond the circuit's own, and the pause between its characters.
const (
	grace = time.Second
	gap   = 100 * time.Millisecond
	lines = 6 // to look at for the reply to one command
)

func openPort(ctx context.Context, m sensors.Model, w sensors.Wiring) (line, error) {
	p, err := uart.Open(ctx, m, w, serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1})
	if err != nil {
		return nil, err
	}
	l := port{p}
	// It may be talking by itself, and keep its word to itself: first *OK,1 makes it confirm, then C,0 keeps it quiet.
	for _, command := range []string{"*OK,1", "C,0"} {
		if _, err := l.ask(ctx, command, 300*time.Millisecond); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return l, nil
}

// ask implements [line]: lines come until *OK; the last before it is the reply.
func (p port) ask(ctx context.Context, command string, wait time.Duration) (string, error) {
	var text string
	err := p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		if err := c.Discard(ctx); err != nil {
			return err
		}
		if err := c.Write(ctx, []byte(command+"\r")); err != nil {
			return err
		}
		if err := p.Wait(ctx, wait); err != nil {
			return err
		}
		var err error
		text, err = confirmed(ctx, c)
		return err
	})
	var named *sensors.ProbeError
	if errors.As(err, &named) && isReply(named.Err) {
		return "", refused(p, command, named.Err)
	}
	return text, err
}

// isReply says whether an error is about what a circuit said.
func isReply(err error) bool {
	for _, e := range []error{ErrSyntax, ErrNoData, ErrReply} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// confirmed reads lines until the circuit confirms, and returns the last before.
func confirmed(ctx context.Context, c serial.Conn) (string, error) {
	text := ""
	for range lines {
		b, err := serial.ReadLine(ctx, c, '\r', maxReply, grace, gap)
		if err != nil {
			return "", err
		}
		b = b[:len(b)-1]
		if err := plain(b); err != nil {
			return "", err
		}
		switch said := string(b); {
		case said == "*OK":
			return text, nil
		case said == "*ER":
			return "", ErrSyntax
		case said == "*RS" || said == "*RE" || said == "*SL": // restarted, ready, asleep
			return "", fmt.Errorf("%s: %w", said, ErrNoData)
		case strings.HasPrefix(said, "*"): // *OV and *UV: the supply; *WA: woken
		default:
			text = said
		}
	}
	return "", fmt.Errorf("no *OK in %d lines: %w", lines, ErrReply)
}
