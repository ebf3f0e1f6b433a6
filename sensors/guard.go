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

// ErrDriverPanic says that a driver's code gave up; the panic stays inside the guard.
var ErrDriverPanic = errors.New("driver panicked")

// Guard stands between a sampler and a driver that cannot be trusted to return: each call is bounded in time, a call
// that never comes back makes the next ones fail at once with [ErrBusHung] instead of piling up, and a panic of the
// driver becomes an error.
type Guard struct {
	driver  Driver
	timeout time.Duration

	mu   sync.Mutex
	busy bool
}

// NewGuard returns d behind a guard that waits at most timeout for each call.
func NewGuard(d Driver, timeout time.Duration) *Guard { return &Guard{driver: d, timeout: timeout} }

// Sense calls the driver's Sense, see [Guard].
func (g *Guard) Sense(ctx context.Context) ([]Sample, error) {
	var samples []Sample
	err := g.call(ctx, func(ctx context.Context) (err error) {
		samples, err = g.driver.Sense(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return samples, nil
}

// Close calls the driver's Close, see [Guard].
func (g *Guard) Close() error {
	return g.call(context.Background(), func(context.Context) error { return g.driver.Close() })
}

func (g *Guard) call(ctx context.Context, do func(context.Context) error) error {
	g.mu.Lock()
	if g.busy {
		g.mu.Unlock()
		return ErrBusHung
	}
	g.busy = true
	g.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		err := contain(ctx, do)
		g.mu.Lock()
		g.busy = false // before the caller hears of it, so that its next call is not refused
		g.mu.Unlock()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("sensors: no answer within %s: %w", g.timeout, ctx.Err())
	}
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
