package sensors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// driver is a driver made of functions.
type driver struct {
	sense  func(context.Context) ([]sensors.Sample, error)
	closed int
}

func (d *driver) Sense(ctx context.Context) ([]sensors.Sample, error) { return d.sense(ctx) }
func (d *driver) Close() error                                        { d.closed++; return nil }

var one = []sensors.Sample{{Quantity: sensors.ProbeVoltage, Value: sensors.Decimal{Mantissa: 1}}}

func TestAGuardPassesOnWhatTheDriverSays(t *testing.T) {
	broken := errors.New("broken")
	d := &driver{sense: func(context.Context) ([]sensors.Sample, error) { return one, nil }}
	g := sensors.NewGuard(d, time.Second)
	if s, err := g.Sense(t.Context()); err != nil || len(s) != 1 {
		t.Errorf("%v, %v", s, err)
	}
	d.sense = func(context.Context) ([]sensors.Sample, error) { return one, broken }
	if s, err := g.Sense(t.Context()); !errors.Is(err, broken) || s != nil {
		t.Errorf("samples beside an error: %v, %v", s, err)
	}
}

func TestAHungDriverIsGivenUpAndLaterClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		calls := 0
		d := &driver{sense: func(context.Context) ([]sensors.Sample, error) { calls++; <-release; return one, nil }}
		g := sensors.NewGuard(d, 2*time.Second)
		begin := time.Now()
		_, err := g.Sense(t.Context())
		if !errors.Is(err, sensors.ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 2*time.Second {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		for range 5 {
			if _, err := g.Sense(t.Context()); !errors.Is(err, sensors.ErrBusHung) {
				t.Error(err)
			}
		}
		synctest.Wait()
		if calls != 1 {
			t.Errorf("%d calls piled up", calls)
		}
		if err := g.Close(); !errors.Is(err, sensors.ErrBusHung) || d.closed != 0 {
			t.Errorf("Close: %v, closed %d times", err, d.closed)
		}
		close(release)
		synctest.Wait()
		if d.closed != 1 {
			t.Errorf("closed %d times after the late call came back", d.closed)
		}
	})
}

func TestADriverThatComesBackLateIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := 5 * time.Second
		d := &driver{sense: func(context.Context) ([]sensors.Sample, error) { time.Sleep(slow); return one, nil }}
		g := sensors.NewGuard(d, time.Second)
		if _, err := g.Sense(t.Context()); !errors.Is(err, sensors.ErrNoAnswer) {
			t.Error(err)
		}
		time.Sleep(slow)
		synctest.Wait()
		slow = 0
		if _, err := g.Sense(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestACancelledCallSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := &driver{sense: func(context.Context) ([]sensors.Sample, error) { <-release; return one, nil }}
		g := sensors.NewGuard(d, time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := g.Sense(ctx)
		if !errors.Is(err, context.Canceled) || errors.Is(err, sensors.ErrNoAnswer) {
			t.Error(err)
		}
		close(release)
	})
}

func TestAPanicStaysInside(t *testing.T) {
	d := &driver{sense: func(context.Context) ([]sensors.Sample, error) { panic("index out of range") }}
	g := sensors.NewGuard(d, time.Second)
	for range 2 {
		if s, err := g.Sense(t.Context()); !errors.Is(err, sensors.ErrDriverPanic) || !strings.Contains(err.Error(), "index out of range") || s != nil {
			t.Errorf("%v, %v", s, err)
		}
	}
}

func TestAnAttachedProbeIsOpenedAgainAfterItFailed(t *testing.T) {
	broken := errors.New("broken")
	var opened []*driver
	refuse := true
	m := sensors.Model{Name: "test", Bus: sensors.I2C, Addresses: []uint64{0x10}, Open: func(context.Context, sensors.Wiring) (sensors.Driver, error) {
		if refuse {
			return nil, broken
		}
		d := &driver{sense: func(context.Context) ([]sensors.Sample, error) { return one, nil }}
		opened = append(opened, d)
		return d, nil
	}}
	g := sensors.Attach(m, sensors.Wiring{Probe: "p", Bus: "B", Clock: clock.NewVirtual(time.Unix(0, 0), clock.BootID{})}, time.Second)
	ask := func(want error) {
		t.Helper()
		_, err := g.Sense(t.Context())
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
		var p *sensors.ProbeError
		if err != nil && (!errors.As(err, &p) || p.Probe != "p" || p.Bus != "B" || p.Address != 0x10 || p.Model != "test") {
			t.Errorf("%v does not name the probe", err)
		}
	}
	ask(broken)
	refuse = false
	ask(nil)
	ask(nil)
	if len(opened) != 1 {
		t.Fatalf("opened %d times", len(opened))
	}
	opened[0].sense = func(context.Context) ([]sensors.Sample, error) {
		return nil, fmt.Errorf("%w: it is cold", sensors.ErrNotReady)
	}
	ask(sensors.ErrNotReady)
	if opened[0].closed != 0 {
		t.Error("a probe that warms up was closed")
	}
	opened[0].sense = func(context.Context) ([]sensors.Sample, error) { return nil, broken }
	ask(broken)
	if opened[0].closed != 1 {
		t.Errorf("closed %d times after a failure", opened[0].closed)
	}
	ask(nil)
	opened[1].sense = func(context.Context) ([]sensors.Sample, error) { panic("bad") }
	ask(sensors.ErrDriverPanic)
	if opened[1].closed != 1 {
		t.Errorf("closed %d times after a panic", opened[1].closed)
	}
	ask(nil)
	if err := g.Close(); err != nil || len(opened) != 3 || opened[2].closed != 1 {
		t.Errorf("Close: %v, opened %d", err, len(opened))
	}
}

func TestLocate(t *testing.T) {
	c := clock.NewVirtual(time.Unix(0, 0), clock.BootID{})
	m := sensors.Model{Name: "test", Bus: sensors.I2C, Addresses: []uint64{0x76, 0x77}}
	if w, at, err := m.Locate(sensors.Wiring{Probe: "p", Clock: c}); err != nil || w.Address != 0x76 || at.Address != 0x76 || !strings.Contains(at.Bus, "first i2c") {
		t.Errorf("%+v, %+v, %v", w, at, err)
	}
	if _, _, err := m.Locate(sensors.Wiring{Address: 0x50, Clock: c}); err == nil || !strings.Contains(err.Error(), "0x76 0x77") {
		t.Error(err)
	}
	if _, _, err := m.Locate(sensors.Wiring{Address: 0x77}); err == nil {
		t.Error("no clock was fine")
	}
}
