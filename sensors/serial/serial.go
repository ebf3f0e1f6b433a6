// Package serial is the serial ports that probes are wired to: UART, RS485 and SDI-12 adapters.
//
// A port is a shared thing: a bus of several probes is one port. Whoever talks on it has it for one transaction, so that
// a late answer to one probe is never taken for another's. [Host] has the machine's ports; a simulation brings its own
// [Opener].
package serial

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Parity is how characters are guarded.
type Parity byte

// The parities.
const (
	NoParity   Parity = 'N'
	EvenParity Parity = 'E'
	OddParity  Parity = 'O'
)

// Mode is how characters are sent.
type Mode struct {
	Baud     int
	DataBits int // 7 or 8
	Parity   Parity
	StopBits int // 1 or 2
}

// String writes the mode as people do: "9600 8N1".
func (m Mode) String() string {
	return fmt.Sprintf("%d %d%c%d", m.Baud, m.DataBits, m.Parity, m.StopBits)
}

// Validate says what is wrong with the mode, if anything.
func (m Mode) Validate() error {
	switch {
	case m.Baud < 50 || m.Baud > 4_000_000:
		return fmt.Errorf("serial: %d baud: use 50 to 4000000", m.Baud)
	case m.DataBits != 7 && m.DataBits != 8:
		return fmt.Errorf("serial: %d data bits: use 7 or 8", m.DataBits)
	case m.Parity != NoParity && m.Parity != EvenParity && m.Parity != OddParity:
		return fmt.Errorf("serial: parity %q: use N, E or O", string(rune(m.Parity)))
	case m.StopBits != 1 && m.StopBits != 2:
		return fmt.Errorf("serial: %d stop bits: use 1 or 2", m.StopBits)
	}
	return nil
}

// What a port can answer.
var (
	// ErrSilent says that nothing came within the time that was given.
	ErrSilent = errors.New("nothing came")
	// ErrMode says that a port is in use with another mode: probes that share a wire must speak alike.
	ErrMode = errors.New("the port is open with another mode")
	// ErrClosed is what a closed handle answers.
	ErrClosed = errors.New("the port was closed")
)

// Conn is the port during a transaction.
type Conn interface {
	// Write sends all of p.
	Write(ctx context.Context, p []byte) error
	// Read waits at most for wait, or until ctx ends, for the first byte, and returns what is there: 1 to len(p) bytes.
	// Where nothing comes the error wraps [ErrSilent].
	Read(ctx context.Context, p []byte, wait time.Duration) (int, error)
	// Discard throws away what came and was not read.
	Discard(ctx context.Context) error
	// Break holds the line in the spacing state for d, which wakes SDI-12 probes.
	Break(ctx context.Context, d time.Duration) error
}

// Port is an open handle on a port.
type Port interface {
	// Transact gives do the port for itself. It waits for other transactions, but not longer than ctx.
	Transact(ctx context.Context, do func(context.Context, Conn) error) error
	// Close gives the handle back. Closing twice does nothing.
	Close() error
}

// Opener opens a port by its name: a device path, best a stable one below /dev/serial/by-id.
type Opener func(ctx context.Context, name string, m Mode) (Port, error)

// ReadFull reads until p is full. The first byte may take wait, each further one gap: a frame that stops short is an error
// that wraps [ErrSilent], together with how much came.
func ReadFull(ctx context.Context, c Conn, p []byte, wait, gap time.Duration) (int, error) {
	n := 0
	for n < len(p) {
		m, err := c.Read(ctx, p[n:], wait)
		n += m
		if err != nil {
			return n, fmt.Errorf("%d of %d bytes: %w", n, len(p), err)
		}
		wait = gap
	}
	return n, nil
}

// ReadLine reads up to and including end, at most limit bytes. The first byte may take wait, each further one gap.
func ReadLine(ctx context.Context, c Conn, end byte, limit int, wait, gap time.Duration) ([]byte, error) {
	var line []byte
	var b [1]byte
	for len(line) < limit {
		if _, err := c.Read(ctx, b[:], wait); err != nil {
			return line, fmt.Errorf("after %q: %w", line, err)
		}
		line = append(line, b[0])
		if b[0] == end {
			return line, nil
		}
		wait = gap
	}
	return line, fmt.Errorf("serial: no end of line within %d bytes: %q", limit, line)
}
