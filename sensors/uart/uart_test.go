package uart_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/serial"
	"loam/sensors/uart"
	"loam/sensors/uart/uarttest"
)

var mode = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}

var model = sensors.Model{Name: "test", Bus: sensors.UART, Settings: []sensors.Setting{uart.RestSetting()}}

var errSum = errors.New("bad sum")

// counted is a format for tests: AA 55, how many bytes follow, these bytes, and their sum.
var counted = uart.Reader{
	Format: uart.Format{
		Header: []byte{0xAA, 0x55},
		Length: func(b []byte) int {
			switch {
			case len(b) < 3:
				return 0
			case b[2] > 40:
				return -1
			}
			return 4 + int(b[2])
		},
		Check: func(f []byte) error {
			if f[len(f)-1] != sum(f[3:len(f)-1]) {
				return errSum
			}
			return nil
		},
	},
	Wait: time.Second, Gap: time.Millisecond, Limit: 200,
}

func sum(b []byte) (s byte) {
	for _, v := range b {
		s += v
	}
	return s
}

func frame(data []byte) []byte {
	return append(append([]byte{0xAA, 0x55, byte(len(data))}, data...), sum(data))
}

// transact runs do on an open port of p.
func transact(t interface {
	Context() context.Context
	Fatal(...any)
}, p *uarttest.Port, do func(context.Context, serial.Conn) error) error {
	w, _ := uarttest.Wire(p, nil)
	port, err := uart.Open(t.Context(), model, w, mode)
	if err != nil {
		t.Fatal(err)
	}
	return errors.Join(port.Transact(t.Context(), do), port.Close())
}

// TestEveryFrameIsFoundWhateverStandsBeforeIt holds for any noise that has no header of its own, in any pieces.
func TestEveryFrameIsFoundWhateverStandsBeforeIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.SliceOfN(rapid.SampledFrom([]byte{0x00, 0x55, 0xAA, 0x07, 0xFF}), 0, 30).Draw(t, "noise")
		noise = bytes.ReplaceAll(noise, []byte{0xAA, 0x55}, []byte{0x00})
		noise = bytes.TrimSuffix(noise, []byte{0xAA})
		var want [][]byte
		in := bytes.Clone(noise)
		for range rapid.IntRange(1, 3).Draw(t, "frames") {
			f := frame(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data"))
			want, in = append(want, f), append(in, f...)
		}
		p := &uarttest.Port{Unread: in, Piece: rapid.IntRange(0, 9).Draw(t, "piece")}
		err := transact(t, p, func(ctx context.Context, c serial.Conn) error {
			for _, f := range want {
				got, err := counted.Next(ctx, c)
				if err != nil || !bytes.Equal(got, f) {
					t.Errorf("% x, %v, want % x", got, err, f)
				}
			}
			return nil
		})
		if err != nil || len(p.Unread) != 0 {
			t.Errorf("%v, % x is left", err, p.Unread)
		}
	})
}

func TestAFrameBehindADamagedOneIsFound(t *testing.T) {
	good := frame([]byte{1, 2, 3})
	for name, before := range map[string][]byte{
		"a damaged one": {0xAA, 0x55, 2, 1, 1, 9}, "a long one": {0xAA, 0x55, 41}, "half a header": {0xAA}, "a header": {0xAA, 0x55, 1},
		"one that swallows it": {0xAA, 0x55, 6},
		"one that never ends":  {0xAA, 0x55, 40}, "two that never end": {0xAA, 0x55, 40, 0xAA, 0x55, 30},
	} {
		err := transact(t, &uarttest.Port{Unread: append(before, good...)}, func(ctx context.Context, c serial.Conn) error {
			got, err := counted.Next(ctx, c)
			if !bytes.Equal(got, good) {
				t.Errorf("%s: % x, %v", name, got, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestWhyThereIsNoFrame(t *testing.T) {
	for _, c := range []struct {
		in    []byte
		speak bool
		wants []error
		says  string
	}{
		{nil, false, []error{serial.ErrSilent}, "TX"},
		{[]byte{1, 2, 3}, false, []error{serial.ErrSilent}, "no whole frame in 3 bytes"},
		{[]byte{0xAA, 0x55, 1, 7, 8}, false, []error{serial.ErrSilent, errSum}, "(bad sum)"},
		{nil, true, []error{uart.ErrNoFrame, errSum}, "200 bytes, aa 55 00 01"},
	} {
		p := &uarttest.Port{Unread: c.in}
		if c.speak {
			p.Speak = func() []byte { return []byte{0xAA, 0x55, 0, 1} }
		}
		err := transact(t, p, func(ctx context.Context, conn serial.Conn) error {
			_, err := counted.Next(ctx, conn)
			return err
		})
		for _, want := range c.wants {
			if !errors.Is(err, want) {
				t.Errorf("% x: %v, want %v in it", c.in, err, want)
			}
		}
		var named *sensors.ProbeError
		if !errors.As(err, &named) || named.Probe != "probe" || named.Hint == "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("% x: %v, want %q in it", c.in, err, c.says)
		}
	}
}

func TestErrorsAreTheProbes(t *testing.T) {
	p := &uarttest.Port{}
	w, _ := uarttest.Wire(p, map[string]string{"rest": "1.5"})
	port, err := uart.Open(t.Context(), model, w, mode)
	if err != nil {
		t.Fatal(err)
	}
	if port.Rest() != 90*time.Second || port.Setting("rest") != "1.5" || port.Number("rest").String() != "1.5" {
		t.Errorf("rest %s", port.Rest())
	}
	broken := errors.New("broken")
	var named *sensors.ProbeError
	err = port.Transact(t.Context(), func(context.Context, serial.Conn) error { return broken })
	if !errors.Is(err, broken) || !errors.As(err, &named) || named.Bus != "PORT" {
		t.Error(err)
	}
	err = port.Transact(t.Context(), func(context.Context, serial.Conn) error { return port.Error(broken, "mend it") })
	if !errors.As(err, &named) || named.Hint != "mend it" || strings.Count(err.Error(), "PORT") != 1 {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := port.Transact(gone, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := port.Wait(gone, time.Second); !errors.Is(err, context.Canceled) || !errors.As(err, &named) {
		t.Error(err)
	}
	if _, err := uart.Open(gone, model, w, mode); !errors.Is(err, context.Canceled) || !errors.As(err, &named) {
		t.Error(err)
	}
	for range 2 {
		if err := port.Close(); err != nil || p.Open != 0 {
			t.Errorf("%v, %d handles", err, p.Open)
		}
	}
	if err := port.Transact(t.Context(), nil); !errors.Is(err, sensors.ErrClosed) || !errors.As(err, &named) {
		t.Error(err)
	}
	w.Serial = func(context.Context, string, serial.Mode) (serial.Port, error) { return nil, broken }
	if _, err := uart.Open(t.Context(), model, w, mode); !errors.Is(err, broken) || !errors.As(err, &named) || named.Hint == "" {
		t.Error(err)
	}
	w.Settings = map[string]string{"rest": "a lot"}
	if _, err := uart.Open(t.Context(), model, w, mode); err == nil || !errors.As(err, &named) {
		t.Error(err)
	}
}

func TestDutyCountsUptimeNotTheWall(t *testing.T) {
	_, c := uarttest.Wire(&uarttest.Port{}, nil)
	d := uart.Duty{WarmUp: 30 * time.Second, Rest: time.Minute}
	pass := func(by time.Duration) { c.Set(c.Now().Wall.Add(by)) }
	d.Began(c.Now())
	pass(29 * time.Second)
	c.Set(c.Now().Wall.Add(-1000 * time.Hour)) // a clock that was wrong
	if err := d.WarmedUp(c.Now()); !errors.Is(err, sensors.ErrNotReady) || !strings.Contains(err.Error(), "another 1s") {
		t.Error(err)
	}
	pass(time.Second)
	if err := d.WarmedUp(c.Now()); err != nil {
		t.Error(err)
	}
	if resting, err := d.Resting(c.Now()); resting || err != nil {
		t.Errorf("%t, %v", resting, err)
	}
	d.Rested(c.Now())
	pass(59 * time.Second)
	if resting, err := d.Resting(c.Now()); !resting || !errors.Is(err, sensors.ErrNotReady) || !strings.Contains(err.Error(), "another 1s") {
		t.Errorf("%t, %v", resting, err)
	}
	pass(time.Second)
	if resting, err := d.Resting(c.Now()); !resting || err != nil {
		t.Errorf("%t, %v", resting, err)
	}
	d.Began(c.Now())
	if resting, err := d.Resting(c.Now()); resting || err != nil {
		t.Errorf("%t, %v", resting, err)
	}
}
