package sdi12

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
)

// Mode is how SDI-12 is sent.
var mode = serial.Mode{Baud: 1200, DataBits: 7, Parity: serial.EvenParity, StopBits: 1}

// Timing, see the package's doc.
const (
	breakTime = 15 * time.Millisecond  // at least 12
	marking   = 10 * time.Millisecond  // at least 8.33
	answer    = 150 * time.Millisecond // 15 and the 8.33 of marking before it, and what an adapter adds
	gap       = 60 * time.Millisecond  // between characters: 1.66, and what an adapter adds
	tries     = 3
	// glance is how often a probe that measures is looked at for its service request.
	glance = 250 * time.Millisecond
	// maxLine is the longest reply, 75 characters of values with address, checksum, CR and LF, behind an echo.
	maxLine = 128
	// maxParts is how many send-data commands there are, D0 to D9.
	maxParts = 10
)

// Command is a measurement: what stands between address and exclamation mark.
type Command string

// The commands. M, MC, C and CC may be followed by a digit from 1 for further measurements; R and RC need one from 0.
const (
	Measure           Command = "M"  // the probe has the line for itself until it is done
	MeasureChecked    Command = "MC" // with a checksum
	Concurrent        Command = "C"  // others measure meanwhile
	ConcurrentChecked Command = "CC"
	Continuous        Command = "R" // values that are there all the time
	ContinuousChecked Command = "RC"
)

// Validate says what is wrong with the command, if anything.
func (c Command) Validate() error {
	kind, digit := c.split()
	switch kind {
	case Measure, MeasureChecked, Concurrent, ConcurrentChecked:
		if digit == "" || len(digit) == 1 && digit >= "1" && digit <= "9" {
			return nil
		}
	case Continuous, ContinuousChecked:
		if len(digit) == 1 && digit >= "0" && digit <= "9" {
			return nil
		}
	}
	return fmt.Errorf("sdi12: command %q: use M, MC, C or CC, each also with 1 to 9, or R0 to R9, RC0 to RC9", string(c))
}

// split returns the kind of command and the digit behind it.
func (c Command) split() (Command, string) {
	kind := strings.TrimRight(string(c), "0123456789")
	return Command(kind), string(c)[len(kind):]
}

// sealed says whether the values have a checksum.
func (c Command) sealed() bool {
	kind, _ := c.split()
	return len(kind) == 2
}

// Client is one probe on a line. One goroutine at a time uses it; several clients share a line.
type Client struct {
	at      sensors.ProbeError
	port    serial.Port // nil when closed
	address byte
	clock   clock.Clock
}

// Open checks the wiring and opens its port. Nothing is said to the probe yet.
func Open(ctx context.Context, m sensors.Model, w sensors.Wiring) (*Client, error) {
	w, at, err := m.Locate(w)
	if err != nil {
		return nil, err
	}
	if _, err := sensors.SDI12.ParseAddress(string(rune(w.Address))); err != nil {
		return nil, at.With(err, "")
	}
	port, err := w.Serial(ctx, w.Bus, mode)
	if err != nil {
		return nil, at.With(err, "is the adapter plugged in, and the device named as in /dev/serial/by-id?")
	}
	return &Client{at: at, port: port, address: byte(w.Address), clock: w.Clock}, nil
}

// Measure makes a measurement and returns its values, at least one. With Concurrent the line is free while the probe
// measures.
func (c *Client) Measure(ctx context.Context, command Command) ([]sensors.Decimal, error) {
	if err := command.Validate(); err != nil {
		return nil, c.at.With(err, "")
	}
	kind, _ := command.split()
	var values []sensors.Decimal
	var err error
	switch kind {
	case Concurrent, ConcurrentChecked:
		values, err = c.concurrent(ctx, command)
	case Measure, MeasureChecked:
		err = c.transact(ctx, func(ctx context.Context, conn serial.Conn) (err error) {
			values, err = c.alone(ctx, conn, command)
			return err
		})
	default:
		err = c.transact(ctx, func(ctx context.Context, conn serial.Conn) (err error) {
			values, err = c.values(ctx, conn, string(command), command.sealed())
			return err
		})
	}
	if err == nil && len(values) == 0 {
		err = ErrNoData
	}
	if err != nil {
		return nil, c.Error(fmt.Errorf("%c%s!: %w", c.address, command, err), hint(err))
	}
	return values, nil
}

// concurrent starts a measurement, leaves the line to others while it lasts, and collects.
func (c *Client) concurrent(ctx context.Context, command Command) (values []sensors.Decimal, err error) {
	var seconds, n int
	err = c.transact(ctx, func(ctx context.Context, conn serial.Conn) (err error) {
		seconds, n, err = c.start(ctx, conn, command, 2)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := c.clock.Sleep(ctx, time.Duration(seconds)*time.Second); err != nil {
		return nil, err
	}
	err = c.transact(ctx, func(ctx context.Context, conn serial.Conn) (err error) {
		values, err = c.collect(ctx, conn, n, command.sealed())
		return err
	})
	return values, err
}

// alone starts a measurement and keeps the line until it is done.
func (c *Client) alone(ctx context.Context, conn serial.Conn, command Command) ([]sensors.Decimal, error) {
	seconds, n, err := c.start(ctx, conn, command, 1)
	if err != nil {
		return nil, err
	}
	if err := c.serviceRequest(ctx, conn, time.Duration(seconds)*time.Second); err != nil {
		return nil, err
	}
	return c.collect(ctx, conn, n, command.sealed())
}

// start sends a measurement command.
func (c *Client) start(ctx context.Context, conn serial.Conn, command Command, digits int) (seconds, n int, err error) {
	err = c.exchange(ctx, conn, string(command), func(line string) (err error) {
		seconds, n, err = start(c.address, line, digits)
		return err
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("%w for this command", ErrNoData)
	}
	return seconds, n, err
}

// serviceRequest waits until the probe says that it is done (4.4.6), or for as long as it said that it may take.
func (c *Client) serviceRequest(ctx context.Context, conn serial.Conn, longest time.Duration) error {
	var b [16]byte
	for left := longest; left > 0; left -= glance {
		if err := c.clock.Sleep(ctx, min(left, glance)); err != nil {
			return err
		}
		n, err := conn.Read(ctx, b[:], time.Millisecond)
		if err == nil && strings.Contains(string(b[:n]), string(rune(c.address))) {
			return nil
		}
		if err != nil && !errors.Is(err, serial.ErrSilent) {
			return err
		}
	}
	return nil
}

// collect asks for data until n values are there.
func (c *Client) collect(ctx context.Context, conn serial.Conn, n int, sealed bool) ([]sensors.Decimal, error) {
	var all []sensors.Decimal
	for part := 0; len(all) < n; part++ {
		if part == maxParts {
			return nil, fmt.Errorf("%w: %d values of the %d it promised", ErrReply, len(all), n)
		}
		values, err := c.values(ctx, conn, fmt.Sprintf("D%d", part), sealed)
		if err != nil {
			return nil, err
		}
		if len(values) == 0 {
			return nil, fmt.Errorf("%w: %d values of the %d it promised", ErrNoData, len(all), n)
		}
		all = append(all, values...)
	}
	if len(all) > n {
		return nil, fmt.Errorf("%w: %d values where it promised %d", ErrReply, len(all), n)
	}
	return all, nil
}

// values sends a command that is answered with values.
func (c *Client) values(ctx context.Context, conn serial.Conn, command string, sealed bool) (values []sensors.Decimal, err error) {
	err = c.exchange(ctx, conn, command, func(line string) (err error) {
		values, err = Values(c.address, line, sealed)
		return err
	})
	return values, err
}

// Identify asks the probe what it is.
func (c *Client) Identify(ctx context.Context) (id Identity, err error) {
	err = c.transact(ctx, func(ctx context.Context, conn serial.Conn) error {
		return c.exchange(ctx, conn, "I", func(line string) (err error) {
			id, err = identity(c.address, line)
			return err
		})
	})
	if err != nil {
		return Identity{}, c.Error(fmt.Errorf("%cI!: %w", c.address, err), hint(err))
	}
	return id, nil
}

// Query asks the only probe on the line for its address, whatever the client's is (4.4.3). Several would answer at once,
// and a measurement that runs is given up.
func (c *Client) Query(ctx context.Context) (address byte, err error) {
	err = c.transact(ctx, func(ctx context.Context, conn serial.Conn) error {
		return c.send(ctx, conn, "?!", func(line string) error {
			text, ok := strings.CutSuffix(line, "\r\n")
			if _, err := sensors.SDI12.ParseAddress(text); !ok || text == "" || err != nil {
				return fmt.Errorf("%w: %q", ErrReply, line)
			}
			address = text[0]
			return nil
		})
	})
	if err != nil {
		return 0, c.Error(fmt.Errorf("?!: %w", err), hint(err))
	}
	return address, nil
}

// exchange sends a command to the probe, see send.
func (c *Client) exchange(ctx context.Context, conn serial.Conn, command string, read func(line string) error) error {
	return c.send(ctx, conn, fmt.Sprintf("%c%s!", c.address, command), read)
}

// send wakes the probes, sends text and gives the line that comes to read, up to three times until read is content.
func (c *Client) send(ctx context.Context, conn serial.Conn, text string, read func(line string) error) (err error) {
	for range tries {
		var line string
		line, err = c.once(ctx, conn, text)
		if err == nil {
			err = read(line)
		}
		if err == nil || ctx.Err() != nil || !again(err) {
			return err
		}
	}
	return err
}

// again says whether the same command may well be answered another time.
func again(err error) bool {
	return errors.Is(err, serial.ErrSilent) || errors.Is(err, ErrReply) || errors.Is(err, ErrChecksum)
}

func (c *Client) once(ctx context.Context, conn serial.Conn, text string) (string, error) {
	if err := conn.Break(ctx, breakTime); err != nil {
		return "", err
	}
	if err := c.clock.Sleep(ctx, marking); err != nil {
		return "", err
	}
	if err := conn.Discard(ctx); err != nil { // the break itself may be read as a character
		return "", err
	}
	if err := conn.Write(ctx, []byte(text)); err != nil {
		return "", err
	}
	line, err := serial.ReadLine(ctx, conn, '\n', maxLine, mode.Time(len(text))+answer, gap)
	cut := errors.Is(err, serial.ErrSilent) && len(line) > 0 && string(line) != text // an echo alone is silence
	if cut || err != nil && len(line) == maxLine {
		return "", fmt.Errorf("%w: %q has no end: %w", ErrReply, line, err)
	}
	if err != nil {
		return "", err
	}
	if i := strings.Index(string(line), text); i >= 0 {
		line = line[i+len(text):]
	}
	return strings.TrimLeft(string(line), "\x00"), nil
}

// transact runs do with the port for itself.
func (c *Client) transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	if c.port == nil {
		return sensors.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.port.Transact(ctx, do)
}

// hint says what a person can do.
func hint(err error) string {
	switch {
	case errors.Is(err, ErrNoData):
		return "does this model know the command, and does it get enough power to measure?"
	case errors.Is(err, ErrReply), errors.Is(err, ErrChecksum):
		return "do two probes have the same address, and is the data line free of noise?"
	case errors.Is(err, serial.ErrSilent):
		return "does it have its power, is the address right, and does the adapter let go of the line?"
	}
	return ""
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
