package serial_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loam/sensors/serial"
)

var mode = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}

// line is a pseudo terminal: the test has one end, the host opens the other by its name.
func line(t *testing.T) (end *os.File, name string) {
	t.Helper()
	end, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end.Close() })
	n, err := unix.IoctlGetInt(int(end.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(end.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return end, fmt.Sprintf("/dev/pts/%d", n)
}

// probe answers what it is asked, in two pieces.
func probe(end *os.File, answers map[string]string) {
	var asked string
	b := make([]byte, 64)
	for {
		n, err := end.Read(b)
		if err != nil {
			return
		}
		asked += string(b[:n])
		if a, ok := answers[asked]; ok {
			asked = ""
			_, _ = end.WriteString(a[:len(a)/2])
			time.Sleep(5 * time.Millisecond)
			_, _ = end.WriteString(a[len(a)/2:])
		}
	}
}

func open(t *testing.T, h *serial.Host, name string) serial.Port {
	t.Helper()
	p, err := h.Open(t.Context(), name, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestAFrameIsReadWholeHoweverItComes(t *testing.T) {
	end, name := line(t)
	go probe(end, map[string]string{"ask": "answer", "line": "0+3.14\r\n"})
	var h serial.Host
	err := open(t, &h, name).Transact(t.Context(), func(ctx context.Context, c serial.Conn) error {
		if err := c.Write(ctx, []byte("ask")); err != nil {
			return err
		}
		var b [6]byte
		if n, err := serial.ReadFull(ctx, c, b[:], 5*time.Second, time.Second); err != nil || string(b[:]) != "answer" {
			return fmt.Errorf("read %q (%d): %w", b, n, err)
		}
		if err := c.Write(ctx, []byte("line")); err != nil {
			return err
		}
		got, err := serial.ReadLine(ctx, c, '\n', 80, 5*time.Second, time.Second)
		if err != nil || string(got) != "0+3.14\r\n" {
			return fmt.Errorf("read line %q: %w", got, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSilenceEndsInTimeAndSaysSo(t *testing.T) {
	end, name := line(t)
	go probe(end, map[string]string{"ask": "ans"})
	var h serial.Host
	p := open(t, &h, name)
	err := p.Transact(t.Context(), func(ctx context.Context, c serial.Conn) error {
		if err := c.Write(ctx, []byte("ask")); err != nil {
			return err
		}
		var b [6]byte
		n, err := serial.ReadFull(ctx, c, b[:], 5*time.Second, 30*time.Millisecond)
		if n != 3 {
			t.Errorf("%d bytes, %v", n, err)
		}
		return err
	})
	if !errors.Is(err, serial.ErrSilent) || !strings.Contains(err.Error(), "3 of 6 bytes") {
		t.Errorf("half an answer: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		_, err := c.Read(ctx, make([]byte, 1), time.Hour)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cancelled wait: %v", err)
	}
}

func TestATransactionHasThePortForItself(t *testing.T) {
	_, name := line(t)
	var h serial.Host
	a, b := open(t, &h, name), open(t, &h, name)
	inside, leave := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- a.Transact(context.Background(), func(context.Context, serial.Conn) error {
			close(inside)
			<-leave
			return nil
		})
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := b.Transact(ctx, func(context.Context, serial.Conn) error { t.Error("two at once"); return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second got %v", err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := b.Transact(t.Context(), func(context.Context, serial.Conn) error { return nil }); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestAPortThatFailedIsOpenedAnew(t *testing.T) {
	end, name := line(t)
	var h serial.Host
	p := open(t, &h, name)
	if err := end.Close(); err != nil { // the adapter is pulled out
		t.Fatal(err)
	}
	read := func(ctx context.Context, c serial.Conn) error {
		_, err := c.Read(ctx, make([]byte, 1), time.Second)
		return err
	}
	if err := p.Transact(t.Context(), read); err == nil || errors.Is(err, serial.ErrSilent) {
		t.Fatalf("a port without another end: %v", err)
	}
	for range 100 { // the kernel gives the number to the next terminal
		again, other := line(t)
		if other != name {
			continue
		}
		go probe(again, map[string]string{"x": "yz"})
		err := p.Transact(t.Context(), func(ctx context.Context, c serial.Conn) error {
			if err := c.Write(ctx, []byte("x")); err != nil {
				return err
			}
			_, err := serial.ReadFull(ctx, c, make([]byte, 2), 5*time.Second, time.Second)
			return err
		})
		if err != nil {
			t.Errorf("plugged in again: %v", err)
		}
		return
	}
	t.Fatal("the terminal's name did not come back")
}

func TestWhatCannotBeOpenedIsSaid(t *testing.T) {
	_, name := line(t)
	var h serial.Host
	p := open(t, &h, name)
	other := mode
	other.Baud = 4800
	if _, err := h.Open(t.Context(), name, other); !errors.Is(err, serial.ErrMode) || !strings.Contains(err.Error(), "9600 8N1, not 4800 8N1") {
		t.Errorf("another mode: %v", err)
	}
	for _, m := range []serial.Mode{{}, {Baud: 9600, DataBits: 9, Parity: 'N', StopBits: 1}, {Baud: 9600, DataBits: 8, Parity: 'X', StopBits: 1}, {Baud: 9600, DataBits: 8, Parity: 'N', StopBits: 3}} {
		if _, err := h.Open(t.Context(), name, m); err == nil {
			t.Errorf("%v was taken", m)
		}
	}
	if _, err := h.Open(t.Context(), "/dev/no-such-port", mode); err == nil || !strings.Contains(err.Error(), "/dev/no-such-port") {
		t.Errorf("no port: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Transact(t.Context(), nil); !errors.Is(err, serial.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	again, err := h.Open(t.Context(), name, other) // nobody has it any more, so it may have another mode
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
