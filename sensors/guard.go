package sensors

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrBusHung says that an earlier call to the driver has not come back: the bus hangs, usually until the probe or the
// machine is power-cycled.
var ErrBusHung = errors.New("the bus hangs: an earlier read never came back; check the wiring, then power-cycle the probe")

// ErrNoAnswer says that a call to the driver took longer than it may.
var ErrNoAnswer = errors.New("no answer in time")

// ErrDriverPanic says that a driver's code gave up; the panic stays inside the guard.
var ErrDriverPanic = errors.New("driver panicked")

// Guard stands between a sampler and a driver that cannot be trusted to return: each call is bounded in time, a call
// that never comes back makes the next ones fail at once with [ErrBusHung] instead of piling up, and a panic of the
// driver becomes an error.
type Guard struct {
	driver  Driver
	timeout time.Duration
	at      *ProbeError // whose errors these are; nil: the driver's own words have to do

	mu      sync.Mutex
	busy    bool
	closing bool // Close was asked for while busy: whoever comes back closes
}

// NewGuard returns d behind a guard that waits at most timeout for each call.
func NewGuard(d Driver, timeout time.Duration) *Guard { return &Guard{driver: d, timeout: timeout} }

// Attach returns a guarded probe that is opened when it is first asked, and opened anew after it failed: a probe that is
// plugged in later, or that lost its power, comes back by itself. Opening is guarded too, since it uses the same bus.
// Every error is or wraps a *[ProbeError].
func Attach(m Model, w Wiring, timeout time.Duration) *Guard {
	if fitted, err := m.For(w); err == nil {
		m = fitted
	}
	_, at, _ := m.Locate(w) // what is wrong with the wiring is for Open to say
	return &Guard{driver: &attached{model: m, wiring: w}, timeout: timeout, at: &at}
}

// Sense calls the driver's Sense, see [Guard].
func (g *Guard) Sense(ctx context.Context) ([]Sample, error) {
	var samples []Sample
	err := g.call(ctx, func(ctx context.Context) (err error) {
		samples, err = g.driver.Sense(ctx)
		return err
	})
	if err != nil {
		return nil, g.name(err) // samples is not looked at: a late driver may still write it
	}
	return samples, nil
}

// Close calls the driver's Close, see [Guard]. Where a call is still out, it returns [ErrBusHung] at once and the driver
// is closed when the call comes back.
func (g *Guard) Close() error {
	g.mu.Lock()
	g.closing = g.busy
	g.mu.Unlock()
	return g.name(g.call(context.Background(), func(context.Context) error { return g.driver.Close() }))
}

func (g *Guard) call(ctx context.Context, do func(context.Context) error) error {
	g.mu.Lock()
	if g.busy {
		g.mu.Unlock()
		return ErrBusHung
	}
	g.busy = true
	g.mu.Unlock()

	ctx, cancel := context.WithTimeoutCause(ctx, g.timeout, ErrNoAnswer)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		err := contain(ctx, do)
		g.back() // before the caller hears of it, so that its next call is not refused
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	if errors.Is(context.Cause(ctx), ErrNoAnswer) {
		return fmt.Errorf("sensors: %w (%s): %w", ErrNoAnswer, g.timeout, ctx.Err())
	}
	return fmt.Errorf("sensors: given up: %w", ctx.Err())
}

// back notes that a call came back, and closes the driver where that was asked for meanwhile.
func (g *Guard) back() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.closing {
		g.closing = false
		g.mu.Unlock()
		_ = contain(context.Background(), func(context.Context) error { return g.driver.Close() }) // Close has answered long ago
		g.mu.Lock()
	}
	g.busy = false
}

// name makes sure that an error says whose it is.
func (g *Guard) name(err error) error {
	var named *ProbeError
	if err == nil || g.at == nil || errors.As(err, &named) {
		return err
	}
	return g.at.With(err, "")
}

// contain runs do and turns a panic into an error.
func contain(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sensors: %w: %v", ErrDriverPanic, p)
		}
	}()
	return do(ctx)
}

// attached opens its probe when it is first asked and again after it failed.
type attached struct {
	model  Model
	wiring Wiring
	driver Driver
}

// Sense implements [Driver].
func (a *attached) Sense(ctx context.Context) ([]Sample, error) {
	if a.driver == nil {
		d, err := a.model.Open(ctx, a.wiring)
		if err != nil {
			return nil, err
		}
		a.driver = d
	}
	healthy := false
	defer func() {
		if !healthy {
			_ = a.Close() // also after a panic; the failure itself is what matters
		}
	}()
	samples, err := a.driver.Sense(ctx)
	healthy = err == nil || errors.Is(err, ErrNotReady) // opened anew, it would begin to warm up anew
	return samples, err
}

// Close implements [Driver].
func (a *attached) Close() error {
	if a.driver == nil {
		return nil
	}
	d := a.driver
	a.driver = nil
	return d.Close()
}
