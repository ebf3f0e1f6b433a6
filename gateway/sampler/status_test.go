package sampler

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

func round(t *testing.T, s *Sampler) {
	t.Helper()
	if _, err := s.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestStatusFollowsAProbe(t *testing.T) {
	clk := clock.NewVirtual(time.Unix(1787218200, 0), clock.BootID{1})
	probe := &fake{}
	says := func(centi int64) {
		probe.err = nil
		probe.samples = []sensors.Sample{sample(sensors.AirTemperature, centi)}
		probe.samples[0].At = clk.Now()
	}
	s := New([]Probe{{Name: "air", Bus: "i2c 1", Source: probe, Channels: []Channel{channel("air", sensors.AirTemperature), channel("damp", sensors.RelativeHumidity)}}}, &basket{}, clk, quiet(), nil)
	status := func() Status {
		t.Helper()
		round(t, s)
		return s.Statuses()[0]
	}
	began := clk.Now()
	minute := func() { _ = clk.Sleep(t.Context(), time.Minute) }

	if st := s.Statuses()[0]; st.Probe != "air" || st.Bus != "i2c 1" || st.Began != began || st.Answered != (clock.Instant{}) || st.Good != (clock.Instant{}) || len(st.Channels) != 2 {
		t.Fatalf("before the first round: %+v", st)
	}
	minute()
	says(1200)
	first := clk.Now()
	if st := status(); st.Good != first || st.Err != nil || st.Channels[0].Same != first || st.Channels[0].Repeats != 1 || st.Channels[1].Repeats != 0 {
		t.Fatalf("after a good round: %+v", st)
	}
	minute()
	says(1200)
	if st := status(); st.Channels[0].Same != first || st.Channels[0].Repeats != 2 || st.Channels[0].Last.At != clk.Now() {
		t.Fatalf("the same again: %+v", st)
	}
	minute()
	probe.err, probe.samples = errors.New("no acknowledge"), nil
	failing := clk.Now()
	good := s.Statuses()[0].Good
	status()
	minute()
	if st := status(); st.Failing != failing || st.Failures != 2 || st.Good != good || st.Answered != clk.Now() || !strings.Contains(st.Err.Error(), "no acknowledge") {
		t.Fatalf("failing: %+v", st)
	}
	minute()
	says(1201)
	if st := status(); st.Failing != (clock.Instant{}) || st.Failures != 0 || st.Err != nil || st.Channels[0].Same != clk.Now() || st.Channels[0].Repeats != 1 {
		t.Fatalf("back, with another value: %+v", st)
	}
	minute()
	probe.err = errors.Join(sensors.ErrNotReady)
	if st := status(); st.Failures != 0 || !errors.Is(st.Err, sensors.ErrNotReady) {
		t.Fatalf("not ready is no failure: %+v", st)
	}
}

// A status that was handed out does not change any more.
func TestAStatusIsACopy(t *testing.T) {
	s := New([]Probe{{Name: "air", Source: &fake{samples: []sensors.Sample{sample(sensors.AirTemperature, 1)}}, Channels: []Channel{channel("air", sensors.AirTemperature)}}}, &basket{}, wall{}, quiet(), nil)
	before := s.Statuses()
	round(t, s)
	if before[0].Channels[0].Repeats != 0 || !before[0].Good.Wall.IsZero() {
		t.Fatalf("%+v", before)
	}
}

// A pressure probe in water needs the air's pressure, and finds that of its own round, wherever it stands in the list.
func TestAChannelIsCompensatedByAnotherOfItsRound(t *testing.T) {
	clk := clock.NewVirtual(time.Unix(1787218200, 0), clock.BootID{1})
	air, water := &fake{}, &fake{}
	depth := channel("depth", sensors.WaterPressure)
	depth.Calibration = sensors.Calibration{
		Certificate: sensors.Certificate{ID: "tank", Date: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}, To: sensors.WaterDepth,
		Compensation: &sensors.Compensation{Effect: sensors.Barometric, With: "air-pressure"}, Method: sensors.Offset,
		Points: []sensors.Point{{}},
	}
	sink := &basket{}
	s := New([]Probe{
		{Name: "water", Bus: "a", Source: water, Channels: []Channel{depth}},
		{Name: "air", Bus: "b", Source: air, Channels: []Channel{channel("air-pressure", sensors.AirPressure)}},
	}, sink, clk, quiet(), nil)
	pascals := func(q sensors.Quantity, pa int64) []sensors.Sample {
		return []sensors.Sample{{Quantity: q, Value: sensors.Decimal{Mantissa: pa}, At: clk.Now()}}
	}
	newest := func() sensors.Reading {
		t.Helper()
		sink.kept = nil
		round(t, s)
		for _, r := range sink.kept {
			if r.Channel == "depth" {
				return r
			}
		}
		t.Fatal("no reading of the depth")
		return sensors.Reading{}
	}

	water.samples, air.samples = pascals(sensors.WaterPressure, 111_132), pascals(sensors.AirPressure, 101_325)
	if r := newest(); r.Quantity != sensors.WaterDepth || r.Value.String() != "1000" || r.Calibration.ID != "tank" {
		t.Fatalf("a metre of water: %+v", r)
	}
	// The barometer fails: its last word stands for a while, then nothing is claimed.
	air.err, air.samples = errors.New("no acknowledge"), nil
	_ = clk.Sleep(t.Context(), nearby)
	water.samples = pascals(sensors.WaterPressure, 111_132)
	if r := newest(); r.Calibration.ID != "tank" {
		t.Fatalf("with the last word of the barometer: %+v", r)
	}
	_ = clk.Sleep(t.Context(), time.Second)
	water.samples = pascals(sensors.WaterPressure, 111_132)
	if r := newest(); r.Calibration.ID != "" || r.Quantity != sensors.WaterPressure || r.Value != r.Raw {
		t.Fatalf("without the barometer: %+v", r)
	}
	if st := s.Statuses()[0]; !errors.Is(st.Err, sensors.ErrUncalibrated) || st.Failures != 0 || st.Good != clk.Now() {
		t.Fatalf("status %+v", st)
	}
}

// hang is a source that comes back when it is told to, whatever its context says.
type hang struct{ until chan struct{} }

func (h *hang) Sense(context.Context) ([]sensors.Sample, error) {
	<-h.until
	return nil, errors.New("late")
}

func (h *hang) Close() error { return nil }

func TestStalled(t *testing.T) {
	const limit = time.Minute
	for name, c := range map[string]struct {
		hung, healthy int
		sinkHangs     bool
		clockStops    bool
		stalls        bool
	}{
		"all well":             {healthy: 2},
		"one bus of two hangs": {hung: 1, healthy: 1},
		"every bus hangs":      {hung: 2, stalls: true},
		"the sink hangs":       {healthy: 1, sinkHangs: true, stalls: true},
		"ticks do not come":    {healthy: 1, clockStops: true, stalls: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				until := make(chan struct{})
				var probes []Probe
				for i := range c.hung + c.healthy {
					p := Probe{Name: string(rune('a' + i)), Bus: string(rune('a' + i)), Channels: []Channel{channel(string(rune('a'+i)), sensors.AirTemperature)}}
					p.Source = &hang{until}
					if i >= c.hung {
						p.Source = &fake{samples: []sensors.Sample{sample(sensors.AirTemperature, 1)}}
					}
					probes = append(probes, p)
				}
				sink := SinkFunc(func(context.Context, []sensors.Reading) error {
					if c.sinkHangs {
						<-until
					}
					return nil
				})
				var clk clock.Clock = wall{}
				if c.clockStops {
					clk = sleepless{until: until}
				}
				s := New(probes, sink, clk, quiet(), nil)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- s.Run(ctx, 10*time.Second) }()
				time.Sleep(30 * time.Second)
				if err := s.Stalled(limit); err != nil {
					t.Errorf("after 30 s: %v", err)
				}
				time.Sleep(5 * time.Minute)
				if err := s.Stalled(limit); (err != nil) != c.stalls || c.stalls && !errors.Is(err, ErrStalled) {
					t.Errorf("after 5 min: %v", err)
				}
				cancel()
				close(until)
				<-done
			})
		})
	}
}

// sleepless is a clock whose timers never fire.
type sleepless struct {
	wall
	until chan struct{}
}

func (s sleepless) Sleep(ctx context.Context, _ time.Duration) error {
	<-s.until
	return ctx.Err()
}
