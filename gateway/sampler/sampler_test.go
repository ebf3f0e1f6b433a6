package sampler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/clock"
)

// fake answers with what it is given.
type fake struct {
	mu      sync.Mutex
	samples []sensors.Sample
	err     error
	wait    time.Duration
	then    func()
	asked   []time.Time
}

func (f *fake) Sense(ctx context.Context) ([]sensors.Sample, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, time.Now())
	if f.wait > 0 {
		time.Sleep(f.wait)
	}
	if f.then != nil {
		f.then()
	}
	return f.samples, f.err
}

func (f *fake) Close() error { return nil }

// basket is a sink that can refuse.
type basket struct {
	mu   sync.Mutex
	err  error
	kept []sensors.Reading
}

func (b *basket) Append(ctx context.Context, readings []sensors.Reading) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.kept = append(b.kept, readings...)
	}
	return b.err
}

func sample(q sensors.Quantity, centi int64) sensors.Sample {
	return sensors.Sample{Quantity: q, Value: sensors.Decimal{Mantissa: centi, Exponent: -2}}
}

func channel(id string, q sensors.Quantity) Channel {
	return Channel{ID: sensors.Channel(id), Quantity: q, Calibration: sensors.Calibration{Certificate: sensors.Certificate{ID: sensors.FactoryCertificate}}}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestAFailingProbeDisturbsNoOther(t *testing.T) {
	broken := errors.New("no acknowledge")
	sink := &basket{}
	s := New([]Probe{
		{Name: "air", Bus: "a", Source: &fake{samples: []sensors.Sample{sample(sensors.AirTemperature, 1200), sample(sensors.RelativeHumidity, 5500)}},
			Channels: []Channel{channel("air-temperature", sensors.AirTemperature)}}, // humidity is nobody's
		{Name: "soil", Bus: "a", Source: &fake{err: broken}, Channels: []Channel{channel("soil", sensors.ProbeVoltage)}},
		{Name: "water", Bus: "b", Source: &fake{samples: []sensors.Sample{sample(sensors.WaterTemperature, 900)}},
			Channels: []Channel{channel("water-temperature", sensors.WaterTemperature), channel("water-2", sensors.AirPressure)}},
	}, sink, wall{}, quiet(), prometheus.NewRegistry())
	r, err := s.Round(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Readings != 2 || len(r.Failed) != 1 || !errors.Is(r.Failed[0], broken) || !strings.Contains(r.Failed[0].Error(), "soil") {
		t.Fatalf("round %+v", r)
	}
	var got []string
	for _, k := range sink.kept {
		got = append(got, fmt.Sprintf("%s %s", k.Channel, k.Value))
	}
	if want := []string{"air-temperature 12.00", "water-temperature 9.00"}; !slices.Equal(got, want) {
		t.Fatalf("kept %q, want %q", got, want)
	}
}

func TestAFailureIsSaidOnce(t *testing.T) {
	var out bytes.Buffer
	probe := &fake{err: errors.New("no acknowledge")}
	s := New([]Probe{{Name: "air", Source: probe}}, &basket{}, wall{}, slog.New(slog.NewTextHandler(&out, nil)), nil)
	round := func() {
		if _, err := s.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	round()
	round()
	probe.err = errors.New("checksum")
	round()
	probe.err = nil
	round()
	round()
	if got := strings.Count(out.String(), "gives no usable sample"); got != 1 {
		t.Errorf("said %d times, want 1:\n%s", got, out.String())
	}
	if got := strings.Count(out.String(), "probe is back"); got != 1 {
		t.Errorf("came back %d times, want 1:\n%s", got, out.String())
	}
}

func TestCalibrationThatCannotBeAppliedNamesTheChannel(t *testing.T) {
	c := channel("soil-10cm", sensors.ProbeVoltage)
	c.Calibration.Points = []sensors.Point{{}} // one point makes no line
	sink := &basket{}
	s := New([]Probe{{Name: "soil", Source: &fake{samples: []sensors.Sample{sample(sensors.ProbeVoltage, 150)}}, Channels: []Channel{c}}}, sink, wall{}, quiet(), nil)
	r, err := s.Round(t.Context())
	if err != nil || len(r.Failed) != 1 || !strings.Contains(r.Failed[0].Error(), "soil-10cm") || len(sink.kept) != 0 {
		t.Fatalf("round %+v, %v, kept %v", r, err, sink.kept)
	}
}

// Whatever the sink refuses, it gets later, once, and in order.
func TestNothingIsLostWhileTheSinkRefuses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		probe, sink := &fake{}, &basket{}
		s := New([]Probe{{Name: "air", Source: probe, Channels: []Channel{channel("air", sensors.AirTemperature)}}}, sink, wall{}, quiet(), nil)
		rounds := rapid.IntRange(1, 40).Draw(t, "rounds")
		for n := range rounds {
			probe.samples = []sensors.Sample{sample(sensors.AirTemperature, int64(n))}
			sink.err = nil
			if rapid.Bool().Draw(t, "refuse") {
				sink.err = errors.New("disk full")
			}
			_, err := s.Round(context.Background())
			if (err != nil) != (sink.err != nil) {
				t.Fatalf("round error %v, sink error %v", err, sink.err)
			}
		}
		sink.err = nil
		probe.samples = nil
		if _, err := s.Round(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(sink.kept) != rounds {
			t.Fatalf("%d rounds, %d kept", rounds, len(sink.kept))
		}
		for n, r := range sink.kept {
			if r.Value.Mantissa != int64(n) {
				t.Fatalf("reading %d is %v", n, r.Value)
			}
		}
	})
}

func TestWhatIsHeldIsBounded(t *testing.T) {
	many := make([]sensors.Sample, 1000)
	for i := range many {
		many[i] = sample(sensors.AirTemperature, int64(i))
	}
	sink := &basket{err: errors.New("disk full")}
	s := New([]Probe{{Name: "air", Source: &fake{samples: many}, Channels: []Channel{channel("air", sensors.AirTemperature)}}}, sink, wall{}, quiet(), nil)
	for range MaxHeld/len(many) + 5 {
		if _, err := s.Round(t.Context()); err == nil {
			t.Fatal("the sink's error is not passed on")
		}
		if len(s.held) > MaxHeld {
			t.Fatalf("%d held", len(s.held))
		}
	}
	if len(s.held) != MaxHeld {
		t.Fatalf("%d held, want the newest %d", len(s.held), MaxHeld)
	}
}

// A reading that could never travel is refused by name and holds up no other.
func TestWhatCanNeverTravelIsNotHeld(t *testing.T) {
	bad := sample(sensors.WaterTemperature, 1)
	bad.At.Wall = time.Unix(0, 1) // finer than a millisecond
	sink := &basket{}
	s := New([]Probe{{Name: "both", Source: &fake{samples: []sensors.Sample{bad, sample(sensors.AirTemperature, 2)}},
		Channels: []Channel{channel("water", sensors.WaterTemperature), channel("air", sensors.AirTemperature)}}}, sink, wall{}, quiet(), nil)
	r, err := s.Round(t.Context())
	if err != nil || len(r.Failed) != 1 || !strings.Contains(r.Failed[0].Error(), "water") || len(sink.kept) != 1 || sink.kept[0].Channel != "air" {
		t.Fatalf("round %+v, %v, kept %v", r, err, sink.kept)
	}
}

// What a round measured is handed on although the gateway is being stopped.
func TestStoppingThrowsNothingAway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	sink := &basket{}
	probe := &fake{samples: []sensors.Sample{sample(sensors.AirTemperature, 1)}, then: cancel}
	s := New([]Probe{{Name: "air", Source: probe, Channels: []Channel{channel("air", sensors.AirTemperature)}}}, sink, wall{}, quiet(), nil)
	if _, err := s.Round(ctx); err != nil || len(sink.kept) != 1 {
		t.Fatalf("%v, kept %v", err, sink.kept)
	}
}

// wall is the bubble's time as a clock.
type wall struct{}

func (wall) Now() clock.Instant {
	now := time.Now()
	return clock.Instant{Wall: now.UTC().Truncate(time.Millisecond), Uptime: now.Sub(time.Unix(0, 0)), State: clock.Synced}
}

func (wall) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestRunKeepsToTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		probe := &fake{wait: 300 * time.Millisecond}
		s := New([]Probe{{Name: "air", Source: probe}}, &basket{}, wall{}, quiet(), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if err := s.Run(ctx, time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if len(probe.asked) != 5 {
			t.Fatalf("asked %d times in 5.5 s", len(probe.asked))
		}
		for i, at := range probe.asked {
			if want := begin.Add(time.Duration(i+1) * time.Second); !at.Equal(want) {
				t.Errorf("round %d at %s, want %s", i, at, want)
			}
		}
	})
}

func TestRoundsNeverPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		probe := &fake{wait: 2500 * time.Millisecond}
		s := New([]Probe{{Name: "air", Source: probe}}, &basket{}, wall{}, quiet(), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		_ = s.Run(ctx, time.Second)
		if len(probe.asked) != 3 { // at 1, 4 and 7 s
			t.Fatalf("asked at %v", probe.asked)
		}
	})
}

func TestBusesDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var probes []Probe
		for _, bus := range []string{"a", "a", "b", "c"} {
			probes = append(probes, Probe{Name: bus, Bus: bus, Source: &fake{wait: time.Second}})
		}
		begin := time.Now()
		if _, err := New(probes, &basket{}, wall{}, quiet(), nil).Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != 2*time.Second { // two probes share bus a
			t.Fatalf("took %s", took)
		}
	})
}

// hasty is a clock whose timers fire early, and which can be set.
type hasty struct {
	now   time.Time
	slept int
	after func(*hasty)
}

func (h *hasty) Now() clock.Instant { return clock.Instant{Wall: h.now} }

func (h *hasty) Sleep(ctx context.Context, d time.Duration) error {
	h.slept++
	h.now = h.now.Add(max(time.Millisecond, d-3*time.Millisecond))
	if h.after != nil {
		h.after(h)
	}
	return ctx.Err()
}

// A tick is taken once, however early its timer fires.
func TestATickIsTakenOnce(t *testing.T) {
	clk := &hasty{now: time.Unix(1787218200, 0)}
	for i := range 10 {
		if _, err := waitForTick(t.Context(), clk, time.Minute, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		if want := time.Unix(1787218200+60*int64(i+1), 0); !clk.now.Equal(want) {
			t.Fatalf("tick %d at %s, want %s", i, clk.now, want)
		}
	}
}

// A clock that is set while the sampler waits costs at most one interval more, in either direction.
func TestAClockThatIsSet(t *testing.T) {
	for _, step := range []time.Duration{-48 * time.Hour, 48 * time.Hour, -30 * time.Second} {
		set := false
		clk := &hasty{now: time.Unix(1787218210, 0), after: func(h *hasty) {
			if !set {
				set = true
				h.now = h.now.Add(step)
			}
		}}
		begin := clk.now
		if _, err := waitForTick(t.Context(), clk, time.Minute, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		if waited := clk.now.Sub(begin) - step; waited > 2*time.Minute || clk.slept > 10 {
			t.Errorf("step %s: waited %s in %d sleeps", step, waited, clk.slept)
		}
	}
}

// A probe with a rhythm of its own is asked at its multiples, beside others that are asked in each round.
func TestAProbeMayHaveARhythmOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		often, seldom := &fake{}, &fake{}
		s := New([]Probe{{Name: "air", Bus: "a", Source: often}, {Name: "dust", Bus: "a", Every: 5 * time.Second, Source: seldom}}, &basket{}, wall{}, quiet(), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 21*time.Second+time.Millisecond)
		defer cancel()
		if err := s.Run(ctx, time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if len(often.asked) != 21 || len(seldom.asked) != 4 {
			t.Fatalf("asked %d and %d times in 21 s", len(often.asked), len(seldom.asked))
		}
		for _, at := range seldom.asked {
			if at.Unix()%5 != 0 {
				t.Errorf("asked at %s", at)
			}
		}
	})
}

// A low battery slows everybody down, and one that has recovered does not until it is well above.
func TestALowBatteryIsSpared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		volts := func(centi int64) []sensors.Sample { return []sensors.Sample{sample(sensors.SupplyVoltage, centi)} }
		battery := &fake{samples: volts(1250)}
		s := New([]Probe{{Name: "battery", Bus: "a", Source: battery, Channels: []Channel{channel("battery", sensors.SupplyVoltage)}}, {Name: "air", Bus: "b", Source: &fake{}}},
			&basket{}, wall{}, quiet(), nil)
		s.Spare(Saver{Channel: "battery", Below: sensors.Decimal{Mantissa: 118, Exponent: -1}, Above: sensors.Decimal{Mantissa: 124, Exponent: -1}, Every: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx, time.Second) }()
		begin := time.Now()
		phase := func(name string, centi int64, length time.Duration, asked int, saving bool) {
			battery.mu.Lock()
			battery.samples = volts(centi)
			before := len(battery.asked)
			battery.mu.Unlock()
			time.Sleep(length)
			battery.mu.Lock()
			defer battery.mu.Unlock()
			if n := len(battery.asked) - before; n != asked || s.Saving() != saving {
				t.Errorf("%s (until %s): asked %d times, want %d; saving %t", name, time.Since(begin), n, asked, s.Saving())
			}
			if st := s.Statuses()[0]; saving != (st.Every == 10*time.Second) {
				t.Errorf("%s: its rhythm is said to be %s", name, st.Every)
			}
		}
		time.Sleep(500 * time.Millisecond) // between two ticks
		phase("full", 1250, 10*time.Second, 10, false)
		phase("low", 1170, 20*time.Second, 3, true) // at 11 s, which begins it, at 20 and at 30
		phase("between", 1200, 20*time.Second, 2, true)
		phase("recovered", 1245, 20*time.Second, 11, false) // at 60 s, which ends it, and then each second
		cancel()
		<-done
	})
}

func TestRunRefusesNoInterval(t *testing.T) {
	if err := New(nil, &basket{}, wall{}, quiet(), nil).Run(t.Context(), 0); err == nil {
		t.Fatal("runs without an interval")
	}
}
