package pulse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpioreg"

	"loam/sensors/clock"
)

// Host counts on the machine's own lines. The zero value is ready to use.
type Host struct {
	mu   sync.Mutex
	open map[string]bool
}

// What a line can answer.
var (
	ErrNoLine = errors.New("no such GPIO line")
	ErrInUse  = errors.New("the line is counted already: two probes would share its pulses")
	ErrClosed = errors.New("the counter was closed")
)

// look bounds one wait in the kernel, so that a closed counter ends in time.
const look = 200 * time.Millisecond

// Open is an [Opener]. The line is pulled up; a pulse is when it falls, as a reed contact or an open collector to ground
// makes it.
func (h *Host) Open(ctx context.Context, l Line, clk clock.Clock) (Counter, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	pin := gpioreg.ByName(l.Name)
	if pin == nil {
		return nil, fmt.Errorf("pulse: %q: %w", l.Name, ErrNoLine)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open[pin.Name()] {
		return nil, fmt.Errorf("pulse: %s: %w", l.Name, ErrInUse)
	}
	if err := pin.In(gpio.PullUp, gpio.FallingEdge); err != nil {
		return nil, fmt.Errorf("pulse: %s: %w", l.Name, err)
	}
	if h.open == nil {
		h.open = map[string]bool{}
	}
	h.open[pin.Name()] = true
	c := &counter{host: h, pin: pin, line: l, clock: clk, stop: make(chan struct{}), done: make(chan struct{})}
	go c.run()
	return c, nil
}

// counter counts a line's falling edges in a goroutine of its own.
type counter struct {
	host  *Host
	pin   gpio.PinIO
	line  Line
	clock clock.Clock
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once

	mu     sync.Mutex
	pulses uint64
	last   time.Duration // uptime of the last pulse
}

func (c *counter) run() {
	defer close(c.done)
	for {
		select {
		case <-c.stop:
			return
		default:
		}
		if c.pin.WaitForEdge(look) {
			c.edge(c.clock.Now().Uptime)
		}
	}
}

// edge takes an edge at an uptime: a pulse, or the bounce of the pulse before.
func (c *counter) edge(at time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pulses > 0 && at-c.last < c.line.Debounce {
		return
	}
	c.pulses++
	c.last = at
}

// Count implements [Counter].
func (c *counter) Count(ctx context.Context) (Count, error) {
	if err := ctx.Err(); err != nil {
		return Count{}, err
	}
	select {
	case <-c.stop:
		return Count{}, ErrClosed
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return Count{Pulses: c.pulses, At: c.clock.Now()}, nil
}

// Close implements [Counter].
func (c *counter) Close() error {
	var err error
	c.once.Do(func() {
		close(c.stop)
		<-c.done
		err = c.pin.In(gpio.PullNoChange, gpio.NoEdge)
		c.host.mu.Lock()
		defer c.host.mu.Unlock()
		delete(c.host.open, c.pin.Name())
	})
	if err != nil {
		return fmt.Errorf("pulse: close %s: %w", c.line.Name, err)
	}
	return nil
}
