// Package projection drives evidence, flagged, into the time-series store.
//
// It keeps a cursor into the evidence log. A step reads the next leaves, opens the batches, computes the flags that a run
// over the whole series would give, writes the points, and only then moves the cursor: whatever fails or dies in
// between, the same points are written again, and the store takes a replay for nothing. A store that is away is waited
// for; a point that it will never accept is set aside with the reason.
package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"loam/gateway/evidence"
	"loam/gateway/qc"
	"loam/gateway/registry"
	"loam/gateway/store"
)

// Evidence is what a projection reads.
type Evidence interface {
	// Read returns at most limit leaves from index from on, in the order of the log.
	Read(ctx context.Context, from uint64, limit int) ([]evidence.Leaf, error)
	// Within returns the batches of the gateways that hold readings in from <= t < to; it may return others too.
	Within(ctx context.Context, gateways []string, from, to time.Time) ([]evidence.Leaf, error)
	// Size returns the number of leaves.
	Size(ctx context.Context) (uint64, error)
}

// Config is what a projection works with.
type Config struct {
	Evidence Evidence
	Registry *registry.Registry
	Settings qc.Settings
	Store    store.Store
	Log      *slog.Logger          // nil: nothing is logged
	Metrics  prometheus.Registerer // nil: nothing is counted
	// MaxPoints bounds the readings of one step; 0 is 5000. A single batch is never divided.
	MaxPoints int
	// Poll is how long Run waits for new leaves when nobody calls Wake; 0 is 1 s.
	Poll time.Duration
	// RetryLongest bounds the growing pause while the store is away; 0 is 30 s.
	RetryLongest time.Duration
}

// Projection keeps one store in step with the evidence.
type Projection struct {
	config Config
	state  *state
	wake   chan struct{}

	up     prometheus.Gauge
	lag    prometheus.Gauge
	points prometheus.Counter
	aside  prometheus.Counter

	step    sync.Mutex // one step at a time; guards what follows
	tracks  map[series][]*track
	pending *batch // computed, not yet in the store
	average int    // readings in a batch, to know how many leaves make a step
	checked bool   // whether the store has been seen to hold what the cursor says

	alarm    sync.Mutex
	trouble  string // why the last step failed
	setAside string // what was refused so far
}

// Open opens the cursor at path. Where the flags in the store were made with other settings, everything is projected
// again from the first leaf on, over what is there.
func Open(ctx context.Context, path string, c Config) (*Projection, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.MaxPoints <= 0 {
		c.MaxPoints = 5000
	}
	if c.Poll <= 0 {
		c.Poll = time.Second
	}
	if c.RetryLongest <= 0 {
		c.RetryLongest = 30 * time.Second
	}
	digest := c.Settings.Digest()
	st, err := openState(ctx, path)
	if err != nil {
		return nil, err
	}
	if st.settings != digest {
		if st.next > 0 {
			c.Log.InfoContext(ctx, "quality-control settings changed: flagging everything again", "leaves", st.next)
		}
		if err := st.reset(ctx, digest); err != nil {
			return nil, errors.Join(err, st.close())
		}
	}
	metrics := promauto.With(c.Metrics)
	p := &Projection{
		config: c, state: st, wake: make(chan struct{}, 1), tracks: map[series][]*track{}, average: c.MaxPoints,
		up:     metrics.NewGauge(prometheus.GaugeOpts{Name: "loam_store_up", Help: "1 where the time-series store took the last points, 0 where it did not."}),
		lag:    metrics.NewGauge(prometheus.GaugeOpts{Name: "loam_projection_lag_leaves", Help: "Evidence leaves that are not in the time-series store yet."}),
		points: metrics.NewCounter(prometheus.CounterOpts{Name: "loam_projection_points_total", Help: "Points written to the time-series store, rewritten ones included."}),
		aside:  metrics.NewCounter(prometheus.CounterOpts{Name: "loam_projection_refused_total", Help: "Points and batches set aside because the store or the registry refuses them."}),
	}
	p.up.Set(1)
	p.sayAside()
	return p, nil
}

// Cursor returns the index of the first leaf that is not in the store yet.
func (p *Projection) Cursor(ctx context.Context) (uint64, error) { return p.state.cursor(ctx) }

// Alarm says in plain words what a person has to look at; empty when all is well.
func (p *Projection) Alarm() string {
	p.alarm.Lock()
	defer p.alarm.Unlock()
	switch {
	case p.trouble == "":
		return p.setAside
	case p.setAside == "":
		return p.trouble
	}
	return p.trouble + "; " + p.setAside
}

func (p *Projection) sayTrouble(text string) {
	p.alarm.Lock()
	defer p.alarm.Unlock()
	p.trouble = text
}

func (p *Projection) sayAside() {
	p.alarm.Lock()
	defer p.alarm.Unlock()
	p.setAside = p.state.aside()
}

// Wake tells Run that there are new leaves.
func (p *Projection) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Step projects the next leaves and returns how many; 0 when there are none. After an error nothing is lost: the next
// step goes on with the same leaves.
func (p *Projection) Step(ctx context.Context) (leaves int, err error) {
	p.step.Lock()
	defer p.step.Unlock()
	leaves, err = p.advance(ctx)
	if err != nil && ctx.Err() == nil {
		p.sayTrouble(err.Error())
	}
	if err == nil {
		p.sayTrouble("")
	}
	return leaves, err
}

func (p *Projection) advance(ctx context.Context) (int, error) {
	if p.pending == nil {
		if err := p.check(ctx); err != nil {
			return 0, err
		}
		b, err := p.compute(ctx)
		if err != nil {
			p.tracks = map[series][]*track{} // some may have moved ahead of the cursor
			return 0, fmt.Errorf("projection: %w", err)
		}
		p.pending = b
	}
	b := p.pending
	if b.leaves > 0 {
		if err := p.write(ctx, b); err != nil {
			return 0, err
		}
		if err := p.state.commit(ctx, b); err != nil {
			return 0, err
		}
		p.sayAside()
	}
	p.pending = nil
	if size, err := p.config.Evidence.Size(ctx); err == nil && size >= b.next {
		p.lag.Set(float64(size - b.next))
	}
	return b.leaves, nil
}

// check looks once whether the store still holds the newest point that the cursor promises. An empty store, say a file
// that was deleted, is filled again from the beginning.
func (p *Projection) check(ctx context.Context) error {
	if p.checked {
		return nil
	}
	s, at, ok := p.state.witness()
	if ok {
		g, known := p.config.Registry.Gateway(s.gateway)
		if known {
			k := s.key(g.Site)
			found, err := p.config.Store.Range(ctx, k, at, at.Add(time.Millisecond))
			if err != nil {
				p.up.Set(0)
				return fmt.Errorf("projection: look into the store: %w", err)
			}
			if refused, err := p.state.isRefused(ctx, k, at); err != nil {
				return err
			} else if len(found) == 0 && !refused {
				p.config.Log.WarnContext(ctx, "the store lacks what was projected: projecting everything again", "series", k.String(), "at", at)
				if err := p.state.reset(ctx, p.config.Settings.Digest()); err != nil {
					return err
				}
			}
		}
	}
	p.checked = true
	return nil
}

// Run projects until ctx ends. While the store or the evidence is away it tries again for ever, with growing pauses, and
// [Projection.Alarm] says why.
func (p *Projection) Run(ctx context.Context) error {
	const first = 250 * time.Millisecond
	pause := first
	for ctx.Err() == nil {
		leaves, err := p.Step(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			p.config.Log.ErrorContext(ctx, "projection waits", "error", err, "pause", pause)
			p.sleep(ctx, pause, nil)
			pause = min(2*pause, p.config.RetryLongest)
		case leaves == 0:
			pause = first
			p.sleep(ctx, p.config.Poll, p.wake)
		default:
			pause = first
		}
	}
	return nil
}

func (p *Projection) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// Rebuild empties the store and projects everything again. It returns when the store holds all the evidence there was,
// and can be called again after an error.
func (p *Projection) Rebuild(ctx context.Context) error {
	if err := p.restart(ctx); err != nil {
		return err
	}
	for {
		leaves, err := p.Step(ctx)
		if err != nil {
			return err
		}
		if leaves == 0 {
			return nil
		}
	}
}

// restart puts the cursor back before it empties the store: the other way round, a crash in between would leave an
// empty store that counts as full.
func (p *Projection) restart(ctx context.Context) error {
	p.step.Lock()
	defer p.step.Unlock()
	if err := p.state.reset(ctx, p.config.Settings.Digest()); err != nil {
		return err
	}
	p.pending, p.tracks, p.checked = nil, map[series][]*track{}, true
	p.sayAside()
	if err := p.config.Store.Clear(ctx); err != nil {
		return fmt.Errorf("projection: empty the store: %w", err)
	}
	return nil
}

// Close closes the cursor's file. The store belongs to who opened it.
func (p *Projection) Close() error { return p.state.close() }
