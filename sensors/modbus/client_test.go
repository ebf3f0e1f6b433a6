package modbus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/modbus"
	"loam/sensors/serial"
)

var mode = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}

// silence in what a line says: nothing comes within the time that is given.
var silence []byte

// line is a serial line whose probes answer each request with what is next in the script: pieces that come one by one,
// and silence between them. What was not read is still there at the next request.
type line struct {
	script [][][]byte
	unread [][]byte
	asked  []string
	waits  []time.Duration
	closed int
}

func (l *line) open(context.Context, string, serial.Mode) (serial.Port, error) { return l, nil }
func (l *line) Close() error                                                   { l.closed++; return nil }
func (l *line) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	return do(ctx, l)
}
func (l *line) Discard(context.Context) error { l.unread = nil; return nil }
func (l *line) Break(context.Context, time.Duration) error {
	return errors.New("a break means nothing on Modbus")
}

func (l *line) Write(_ context.Context, b []byte) error {
	l.asked = append(l.asked, fmt.Sprintf("% x", b))
	if len(l.script) > 0 {
		l.unread, l.script = append(l.unread, l.script[0]...), l.script[1:]
	}
	return nil
}

func (l *line) Read(ctx context.Context, b []byte, wait time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.waits = append(l.waits, wait)
	if len(l.unread) == 0 {
		return 0, serial.ErrSilent
	}
	piece := l.unread[0]
	l.unread = l.unread[1:]
	if piece == nil {
		return 0, serial.ErrSilent
	}
	return copy(b, piece), nil
}

func (l *line) client(t *testing.T, address uint64) *modbus.Client {
	t.Helper()
	m := sensors.Model{Name: "soil", Bus: sensors.Modbus, Default: 1}
	c, err := modbus.Open(t.Context(), m, sensors.Wiring{
		Probe: "north", Bus: "/dev/ttyUSB0", Address: address, Clock: clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1}), Serial: l.open,
	}, mode)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var two = modbus.Request{Function: modbus.ReadHolding, First: 0, Count: 2}

// reply is what a probe answers to a request for two registers.
func reply(address byte, a, b uint16) []byte {
	return modbus.Seal([]byte{address, 3, 4, byte(a >> 8), byte(a), byte(b >> 8), byte(b)})
}

func TestTheReplyIsFoundInWhatComes(t *testing.T) {
	good := reply(1, 658, 0xFF9B)
	for name, pieces := range map[string][][]byte{
		"at once":                         {good},
		"byte by byte":                    {good[:1], good[1:2], good[2:6], good[6:]},
		"after noise":                     {{0x00, 0xFF, 0x01}, good},
		"in one burst with noise":         {append([]byte{0x01, 0x03}, good...)},
		"after the adapter's echo":        {append(two.Frame(1), good...)},
		"after another probe's":           {reply(2, 1, 2), silence, good},
		"behind another's, in one burst":  {append(reply(2, 1, 2), good...)},
		"after a longer one of its own":   {modbus.Seal([]byte{1, 3, 6, 0, 1, 0, 2, 0, 3}), silence, good},
		"after its start was sent before": {good[:4], silence, good},
	} {
		l := &line{script: [][][]byte{pieces}}
		got, err := l.client(t, 1).Read(t.Context(), two)
		if err != nil || !slices.Equal(got, []uint16{658, 0xFF9B}) || len(l.asked) != 1 {
			t.Errorf("%s: %v, %v after %d requests", name, got, err, len(l.asked))
		}
	}
}

func TestAMissingOrDamagedReplyIsAskedForOnceMore(t *testing.T) {
	damaged := reply(1, 5, 6)
	damaged[4] ^= 0x10
	for name, first := range map[string][][]byte{"silence": nil, "damage": {damaged}, "another's": {reply(9, 5, 6)}} {
		l := &line{script: [][][]byte{first, {reply(1, 5, 6)}}}
		if got, err := l.client(t, 1).Read(t.Context(), two); err != nil || !slices.Equal(got, []uint16{5, 6}) || len(l.asked) != 2 {
			t.Errorf("%s, then right: %v, %v after %d requests", name, got, err, len(l.asked))
		}
		l = &line{script: [][][]byte{first, first, {reply(1, 5, 6)}}}
		got, err := l.client(t, 1).Read(t.Context(), two)
		if got != nil || !errors.Is(err, serial.ErrSilent) || errors.Is(err, modbus.ErrGarbled) != (name != "silence") || len(l.asked) != 2 {
			t.Errorf("%s twice: %v, %v after %d requests", name, got, err, len(l.asked))
		}
	}
}

func TestAnExceptionIsTheProbesWord(t *testing.T) {
	l := &line{script: [][][]byte{{modbus.Seal([]byte{7, 0x83, 2})}}}
	_, err := l.client(t, 7).Read(t.Context(), two)
	var e modbus.Exception
	if !errors.As(err, &e) || e != 2 || len(l.asked) != 1 {
		t.Errorf("%v after %d requests", err, len(l.asked))
	}
	for _, word := range []string{"north", "soil", "/dev/ttyUSB0", "at 7", "does not have these registers", "is it this model"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

// TestTwoProbesOnOneLineDoNotTakeEachOthersLateReplies: a probe that answers while the other one is asked.
func TestTwoProbesOnOneLineDoNotTakeEachOthersLateReplies(t *testing.T) {
	l := &line{script: [][][]byte{
		nil, nil, // probe 1 says nothing in time
		{reply(1, 11, 12), silence, reply(2, 21, 22)}, // it does so while 2 is asked
		{reply(2, 23, 24), reply(1, 13, 14)},          // and the other way round, with 2's second reply first
	}}
	first, second := l.client(t, 1), l.client(t, 2)
	if got, err := first.Read(t.Context(), two); !errors.Is(err, serial.ErrSilent) {
		t.Errorf("late: %v, %v", got, err)
	}
	if got, err := second.Read(t.Context(), two); err != nil || !slices.Equal(got, []uint16{21, 22}) {
		t.Errorf("the second: %v, %v", got, err)
	}
	if got, err := first.Read(t.Context(), two); err != nil || !slices.Equal(got, []uint16{13, 14}) {
		t.Errorf("the first: %v, %v", got, err)
	}
}

func TestALineThatIsNeverSilentIsGivenUp(t *testing.T) {
	l := &babble{}
	c, err := modbus.Open(t.Context(), sensors.Model{Name: "soil", Bus: sensors.Modbus, Default: 1}, sensors.Wiring{
		Bus: "x", Clock: clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1}), Serial: l.open,
	}, mode)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(t.Context(), two); !errors.Is(err, modbus.ErrNoise) || l.reads > 600 {
		t.Errorf("%v after %d reads", err, l.reads)
	}
	l.polite = true // silent until it is asked
	l.reads = 0
	if _, err := c.Read(t.Context(), two); !errors.Is(err, modbus.ErrNoise) || l.reads > 3000 {
		t.Errorf("%v after %d reads", err, l.reads)
	}
}

// babble is a line on which bytes come for ever.
type babble struct {
	line
	polite bool
	wrote  bool
	reads  int
}

func (l *babble) open(context.Context, string, serial.Mode) (serial.Port, error) { return l, nil }
func (l *babble) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	return do(ctx, l)
}
func (l *babble) Write(context.Context, []byte) error { l.wrote = true; return nil }
func (l *babble) Read(_ context.Context, b []byte, _ time.Duration) (int, error) {
	l.reads++
	if l.polite && !l.wrote {
		return 0, serial.ErrSilent
	}
	b[0] = 1
	return 1, nil
}

func TestARequestBeginsWithSilence(t *testing.T) {
	for _, c := range []struct {
		mode serial.Mode
		want time.Duration
	}{
		{serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.EvenParity, StopBits: 1}, 35 * 11 * time.Second / 10 / 9600},
		{serial.Mode{Baud: 115200, DataBits: 8, Parity: serial.NoParity, StopBits: 1}, 1750 * time.Microsecond},
	} {
		clk := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1})
		l := &line{script: [][][]byte{{reply(1, 1, 2)}}}
		p, err := modbus.Open(t.Context(), sensors.Model{Bus: sensors.Modbus, Default: 1}, sensors.Wiring{Bus: "x", Clock: clk, Serial: l.open}, c.mode)
		if err != nil {
			t.Fatal(err)
		}
		before := clk.Now().Uptime
		if _, err := p.Read(t.Context(), two); err != nil {
			t.Fatal(err)
		}
		if waited := clk.Now().Uptime - before; (waited - c.want).Abs() > time.Microsecond {
			t.Errorf("at %s it waited %s, want %s", c.mode, waited, c.want)
		}
	}
}

func TestClosedAndCancelled(t *testing.T) {
	l := &line{}
	c := l.client(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Read(ctx, two); !errors.Is(err, context.Canceled) || len(l.asked) != 0 {
		t.Errorf("cancelled: %v, asked %d", err, len(l.asked))
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Read(t.Context(), two); !errors.Is(err, sensors.ErrClosed) || l.closed != 1 {
		t.Errorf("closed %d times: %v", l.closed, err)
	}
	if _, err := modbus.Open(t.Context(), sensors.Model{Bus: sensors.Modbus}, sensors.Wiring{
		Bus: "x", Clock: clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1}), Serial: l.open, Address: 255,
	}, mode); err == nil {
		t.Error("address 255 was accepted")
	}
}
