// Package sampler asks the probes of a gateway in their turn, calibrates what they said, and hands the readings on.
//
// Probes on different buses are asked at the same time, probes on one bus one after the other. A probe that fails yields
// no reading and disturbs no other. Sources are expected to be bounded in time and never to panic: hand in a
// [sensors.Guard].
//
// Readings that the sink refuses (a full disk) are held in memory and handed on, oldest first, in the next round; see
// [MaxHeld].
package sampler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"loam/gateway/wire"
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
	Bus      string // probes with the same bus are asked one after the other, also those where it is not said
	Source   Source
	Channels []Channel
}

// Channel gives one quantity of a probe its name and calibration.
type Channel struct {
	ID          sensors.Channel
	Quantity    sensors.Quantity // of the sample
	Calibration sensors.Calibration
}

// MaxHeld bounds the readings kept in memory while the sink refuses them: a full disk for a quarter of an hour at 60
// readings a second, in about 10 MB. When more come, the oldest are given up, counted and logged: what is left is then
// one stretch without a gap, up to now.
const MaxHeld = 50_000

// Round says what came of asking every probe once.
type Round struct {
	Readings int     // handed on, or held where the sink refused them
	Failed   []error // a probe that said nothing, or a sample that could not be calibrated
}

// Sampler asks probes. Round and Run are for one goroutine at a time.
type Sampler struct {
	lanes [][]Probe // by bus
	sink  Sink
	log   *slog.Logger
	meter meter

	failing map[string]bool   // probes that have been reported
	held    []sensors.Reading // refused by the sink, oldest first
}

type meter struct {
	readings prometheus.Counter
	failures *prometheus.CounterVec
	lost     prometheus.Counter
	held     prometheus.Gauge
}

// New returns a sampler of the probes. reg may be nil.
func New(probes []Probe, sink Sink, log *slog.Logger, reg prometheus.Registerer) *Sampler {
	make := promauto.With(reg)
	s := &Sampler{sink: sink, log: log, failing: map[string]bool{}, meter: meter{
		readings: make.NewCounter(prometheus.CounterOpts{Name: "loam_sampler_readings_total", Help: "Readings taken."}),
		failures: make.NewCounterVec(prometheus.CounterOpts{Name: "loam_sampler_failures_total", Help: "Times a probe gave no usable sample."}, []string{"probe"}),
		lost:     make.NewCounter(prometheus.CounterOpts{Name: "loam_sampler_lost_total", Help: "Readings given up because the spool refused them for too long."}),
		held:     make.NewGauge(prometheus.GaugeOpts{Name: "loam_sampler_held_readings", Help: "Readings in memory that the spool has refused so far."}),
	}}
	lanes := map[string]int{}
	for _, p := range probes {
		i, known := lanes[p.Bus]
		if !known {
			i = len(s.lanes)
			lanes[p.Bus] = i
			s.lanes = append(s.lanes, nil)
		}
		s.lanes[i] = append(s.lanes[i], p)
		s.meter.failures.WithLabelValues(p.Name).Add(0)
	}
	return s
}

// asked is what came of one probe.
type asked struct {
	probe    string
	readings []sensors.Reading
	err      error
}

// Round asks every probe once and hands the readings on. Its error is the sink's: the readings are then held and handed
// on, before newer ones, in the next round.
func (s *Sampler) Round(ctx context.Context) (Round, error) {
	var r Round
	for _, a := range s.ask(ctx) {
		if ctx.Err() == nil { // a round that was called off says nothing about the probes
			s.note(a)
		}
		if a.err != nil {
			r.Failed = append(r.Failed, a.err)
		}
		r.Readings += len(a.readings)
		s.held = append(s.held, a.readings...)
	}
	s.meter.readings.Add(float64(r.Readings))
	return r, s.handOn(ctx)
}

// ask asks the lanes at the same time and returns what came of each probe, in a fixed order.
func (s *Sampler) ask(ctx context.Context) []asked {
	results := make([][]asked, len(s.lanes))
	var wg sync.WaitGroup
	for i, lane := range s.lanes {
		wg.Go(func() {
			for _, p := range lane {
				results[i] = append(results[i], askOne(ctx, p))
			}
		})
	}
	wg.Wait()
	var all []asked
	for _, lane := range results {
		all = append(all, lane...)
	}
	return all
}

func askOne(ctx context.Context, p Probe) asked {
	a := asked{probe: p.Name}
	samples, err := p.Source.Sense(ctx)
	if err != nil {
		a.err = fmt.Errorf("sampler: probe %s: %w", p.Name, err)
		return a
	}
	for _, sample := range samples {
		for _, c := range p.Channels {
			if c.Quantity != sample.Quantity {
				continue
			}
			reading, err := c.Calibration.Apply(c.ID, sample, nil)
			if err == nil {
				err = wire.CheckReading(reading) // held, one that can never be sent would hold up all others
			}
			if err != nil {
				a.err = errors.Join(a.err, fmt.Errorf("sampler: probe %s: channel %s: %w", p.Name, c.ID, err))
				continue
			}
			a.readings = append(a.readings, reading)
		}
	}
	return a
}

// note counts a failure, and logs when it begins and when it is over: not in every round, however its words change.
func (s *Sampler) note(a asked) {
	if a.err == nil {
		if s.failing[a.probe] {
			delete(s.failing, a.probe)
			s.log.Info("probe is back", "probe", a.probe)
		}
		return
	}
	s.meter.failures.WithLabelValues(a.probe).Inc()
	if !s.failing[a.probe] {
		s.failing[a.probe] = true
		s.log.Warn("probe gives no usable sample; it is asked again in each round", "probe", a.probe, "error", a.err)
	}
}

// handOnTimeout bounds a hand-over that a round which was called off still makes.
const handOnTimeout = 10 * time.Second

// handOn gives the sink everything that is held, also when ctx has ended: what was measured is not thrown away because
// the gateway is being stopped.
func (s *Sampler) handOn(ctx context.Context) error {
	defer func() { s.meter.held.Set(float64(len(s.held))) }()
	if len(s.held) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOnTimeout)
	defer cancel()
	err := s.sink.Append(ctx, s.held)
	if err == nil {
		s.held = nil
		return nil
	}
	if over := len(s.held) - MaxHeld; over > 0 {
		s.log.Error("readings are given up: the spool has refused them for too long", "readings", over, "oldest", s.held[0].At.Wall)
		s.meter.lost.Add(float64(over))
		s.held = append([]sensors.Reading(nil), s.held[over:]...)
	}
	return fmt.Errorf("sampler: %d readings wait in memory: %w", len(s.held), err)
}

// Run asks the probes each time the clock passes a multiple of interval, until ctx ends, and returns its error. A round
// that takes longer than the interval is followed by the next multiple: rounds never pile up, and a clock that is set
// means one wait of at most an interval. What is held at the end is handed on once more.
func (s *Sampler) Run(ctx context.Context, clk clock.Clock, interval time.Duration) error {
	if interval <= 0 {
		return fmt.Errorf("sampler: interval %s: use more than 0", interval)
	}
	for {
		if err := waitForTick(ctx, clk, interval); err != nil {
			return errors.Join(err, s.handOn(ctx))
		}
		if _, err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("readings could not be kept; they are tried again in the next round", "error", err)
		}
	}
}

// waitForTick sleeps until the next multiple of interval. A timer may fire a moment early by the wall clock: that tick is
// waited for, not taken and then taken again.
func waitForTick(ctx context.Context, clk clock.Clock, interval time.Duration) error {
	tick := clk.Now().Wall.Truncate(interval).Add(interval)
	for {
		wait := tick.Sub(clk.Now().Wall)
		if wait <= 0 {
			return ctx.Err()
		}
		if wait > interval { // the clock was set back
			tick = clk.Now().Wall.Truncate(interval).Add(interval)
			continue
		}
		if err := clk.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}
