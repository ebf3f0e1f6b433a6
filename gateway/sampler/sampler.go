// Package sampler asks the probes of a gateway in their turn, calibrates what they said, and hands the readings on.
//
// Probes on different buses are asked at the same time, probes on one bus one after the other. A probe that fails yields
// no reading and disturbs no other. Sources are expected to be bounded in time and never to panic: hand in a
// [sensors.Guard].
//
// [Sampler.Round] asks everybody once and waits. [Sampler.Run] lets each bus go at its own pace: one that hangs misses its
// ticks, and the others keep theirs.
//
// Readings that the sink refuses (a full disk) are held in memory and handed on, oldest first, in the next round; see
// [MaxHeld].
//
// Read in this order: sampler.go (the nouns, and a round), lane.go (one bus), run.go (all of them, for ever), calibrate.go
// and hold.go (what becomes of a sample), status.go and stalled.go (how everybody is doing).
package sampler

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"loam/sensors"
	"loam/sensors/clock"
)

// Source is what can be asked for samples.
type Source interface {
	Sense(ctx context.Context) ([]sensors.Sample, error)
	Close() error
}

// Sink takes readings. When Append returns nil they are durable.
type Sink interface {
	Append(ctx context.Context, readings []sensors.Reading) error
}

// SinkFunc makes a function a [Sink].
type SinkFunc func(context.Context, []sensors.Reading) error

// Append implements [Sink].
func (f SinkFunc) Append(ctx context.Context, readings []sensors.Reading) error {
	return f(ctx, readings)
}

// Probe is a source with the channels its samples go to.
type Probe struct {
	Name     string
	Bus      string        // probes with the same bus are asked one after the other, also those where it is not said
	Every    time.Duration // asked at multiples of this only; 0: in each round
	Source   Source
	Channels []Channel
}

// Channel gives one quantity of a probe its name and calibration.
type Channel struct {
	ID          sensors.Channel
	Quantity    sensors.Quantity // of the sample
	Calibration sensors.Calibration
}

// Round says what came of asking every probe once.
type Round struct {
	Readings int     // handed on, or held where the sink refused them
	Failed   []error // a probe that said nothing, or a sample that could not be calibrated
}

// Sampler asks probes. Round and Run are for one goroutine at a time; Statuses and Stalled are for any.
type Sampler struct {
	lanes []*lane
	sink  Sink
	clock clock.Clock
	log   *slog.Logger
	meter meter

	answered chan struct{} // there is something to close and to hand on

	mu       sync.Mutex
	open     []answer // what this round has brought so far
	round    uint64
	awaited  int // lanes that have yet to answer in this round
	held     []sensors.Reading
	latest   map[sensors.Channel]sensors.Reading
	statuses []*Status          // in the order of the probes
	byName   map[string]*Status // the same
	failing  map[complaint]bool // what has been reported
	saver    *Saver             // nil: there is no battery to spare
	saving   bool
	due      time.Duration // uptime of the next tick; 0 where none is waited for
	handing  time.Duration // uptime when the readings under way were given to the sink; 0 where none are
}

type meter struct {
	readings prometheus.Counter
	failures *prometheus.CounterVec
	missed   *prometheus.CounterVec
	lost     prometheus.Counter
	held     prometheus.Gauge
	saving   prometheus.Gauge
}

func newMeter(reg prometheus.Registerer) meter {
	make := promauto.With(reg)
	return meter{
		readings: make.NewCounter(prometheus.CounterOpts{Name: "loam_sampler_readings_total", Help: "Readings taken."}),
		failures: make.NewCounterVec(prometheus.CounterOpts{Name: "loam_sampler_failures_total", Help: "Times a probe gave no usable sample."}, []string{"probe"}),
		missed:   make.NewCounterVec(prometheus.CounterOpts{Name: "loam_sampler_missed_ticks_total", Help: "Ticks a bus missed because it was still busy with an earlier one."}, []string{"bus"}),
		lost:     make.NewCounter(prometheus.CounterOpts{Name: "loam_sampler_lost_total", Help: "Readings given up because the spool refused them for too long."}),
		held:     make.NewGauge(prometheus.GaugeOpts{Name: "loam_sampler_held_readings", Help: "Readings in memory that the spool has refused so far."}),
		saving:   make.NewGauge(prometheus.GaugeOpts{Name: "loam_sampler_saving", Help: "1 while probes are asked less often to spare the battery."}),
	}
}

// New returns a sampler of the probes. reg may be nil.
func New(probes []Probe, sink Sink, clk clock.Clock, log *slog.Logger, reg prometheus.Registerer) *Sampler {
	s := &Sampler{
		sink: sink, clock: clk, log: log, meter: newMeter(reg), answered: make(chan struct{}, 1),
		latest: map[sensors.Channel]sensors.Reading{}, byName: map[string]*Status{}, failing: map[complaint]bool{},
	}
	lanes := map[string]*lane{}
	for _, p := range probes {
		l := lanes[p.Bus]
		if l == nil {
			l = newLane(p.Bus)
			lanes[p.Bus] = l
			s.lanes = append(s.lanes, l)
			s.meter.missed.WithLabelValues(p.Bus).Add(0)
		}
		l.probes = append(l.probes, p)
		st := newStatus(p, clk.Now())
		s.statuses = append(s.statuses, st)
		s.byName[p.Name] = st
		s.meter.failures.WithLabelValues(p.Name).Add(0)
	}
	return s
}

// Round asks every probe once, whatever its own rhythm, and hands the readings on. Its error is the sink's: the readings are then held and handed
// on, before newer ones, in the next round. What comes of a round does not depend on which bus was faster.
func (s *Sampler) Round(ctx context.Context) (Round, error) {
	results := make([][]answer, len(s.lanes))
	var wg sync.WaitGroup
	for i, l := range s.lanes {
		wg.Go(func() {
			for _, p := range l.probes {
				results[i] = append(results[i], s.ask(ctx, l, p))
			}
		})
	}
	wg.Wait()
	var r Round
	s.mu.Lock()
	for _, lane := range results {
		s.open = append(s.open, lane...)
	}
	r.Readings, r.Failed = s.closeRound()
	s.mu.Unlock()
	return r, s.handOn(ctx)
}

// Run asks the probes each time the clock passes a multiple of interval, until ctx ends, and returns its error. A bus that
// takes longer than the interval goes on with the next multiple: rounds never pile up, and a clock that is set means one
// wait of at most an interval. What is held at the end is handed on once more.
func (s *Sampler) Run(ctx context.Context, interval time.Duration) error {
	if err := checkInterval(interval); err != nil {
		return err
	}
	var lanes, keeper sync.WaitGroup
	for _, l := range s.lanes {
		lanes.Go(func() { s.serve(ctx, l) })
	}
	keeper.Go(func() { s.keep(ctx) })
	err := s.tick(ctx, interval)
	lanes.Wait()
	keeper.Wait()
	s.mu.Lock()
	s.due = 0
	s.closeRound()
	s.mu.Unlock()
	return errors.Join(err, s.handOn(ctx))
}
