package pulse_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"loam/sensors/clock"
	"loam/sensors/pulse"
)

// line registers a pin whose edges the test makes.
func line(t *testing.T, name string) *gpiotest.Pin {
	t.Helper()
	pin := &gpiotest.Pin{N: name, Num: -1, L: gpio.High, EdgesChan: make(chan gpio.Level)}
	if err := gpioreg.Register(pin); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gpioreg.Unregister(name); err != nil {
			t.Error(err)
		}
	})
	return pin
}

// counts waits until the counter says n: an edge is counted by another goroutine.
func counts(t *testing.T, c pulse.Counter, n uint64) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		got, err := c.Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Pulses == n {
			return
		}
		if got.Pulses > n || time.Now().After(deadline) {
			t.Fatalf("%d pulses, want %d", got.Pulses, n)
		}
	}
}

func TestPulsesAreCountedAndBouncesAreNot(t *testing.T) {
	pin := line(t, "RAIN")
	clk := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1})
	var h pulse.Host
	c, err := h.Open(t.Context(), pulse.Line{Name: "RAIN", Debounce: 100 * time.Millisecond}, clk)
	if err != nil {
		t.Fatal(err)
	}
	pin.EdgesChan <- gpio.Low // counted at uptime 0
	counts(t, c, 1)
	for range 3 { // bounces of it; the last may be seen only after the clock moved, and is then the next pulse
		pin.EdgesChan <- gpio.Low
	}
	clk.Set(clk.Now().Wall.Add(-time.Hour)) // a clock that is set back loses no rain
	clk.Set(clk.Now().Wall.Add(time.Second))
	pin.EdgesChan <- gpio.Low // or a bounce of that
	counts(t, c, 2)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Count(t.Context()); !errors.Is(err, pulse.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestALineIsCountedOnce(t *testing.T) {
	line(t, "WIND")
	clk := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1})
	var h pulse.Host
	open := func() (pulse.Counter, error) { return h.Open(t.Context(), pulse.Line{Name: "WIND"}, clk) }
	first, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(); !errors.Is(err, pulse.ErrInUse) {
		t.Errorf("a second counter: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := open()
	if err != nil {
		t.Fatalf("after it was closed: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if _, err := h.Open(t.Context(), pulse.Line{Name: "GPIO-NOWHERE"}, clk); !errors.Is(err, pulse.ErrNoLine) {
		t.Errorf("no line: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Open(ctx, pulse.Line{Name: "WIND"}, clk); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
