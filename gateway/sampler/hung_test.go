package sampler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loam/sensors"
	"loam/sensors/catalog"
	"loam/sensors/sim"
)

// kept is a sink that remembers when each reading came, and how many hand-overs there were.
type kept struct {
	mu    sync.Mutex
	at    map[sensors.Channel][]time.Time // when it came
	taken map[sensors.Channel][]time.Time // when it was measured
	calls int
}

func (k *kept) Append(_ context.Context, readings []sensors.Reading) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at == nil {
		k.at, k.taken = map[sensors.Channel][]time.Time{}, map[sensors.Channel][]time.Time{}
	}
	k.calls++
	for _, r := range readings {
		k.at[r.Channel] = append(k.at[r.Channel], time.Now())
		k.taken[r.Channel] = append(k.taken[r.Channel], r.At.Wall)
	}
	return nil
}

// The chips of a river bank hang on two buses, I2C and 1-Wire. One bus hangs for a while: the other one's readings come
// at every tick all the same, and without delay.
func TestAHungBusCostsTheOthersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		world := sim.NewWorld(1, begin.AddDate(0, 0, -1))
		site, err := sim.NewSite(world, sim.Riparian, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer site.Close()
		const hangs, mended, end = 3500 * time.Millisecond, 30*time.Second + 300*time.Millisecond, 40*time.Second + 500*time.Millisecond
		sink := &kept{}
		s := New(sitesProbes(t, site), sink, wall{}, quiet(), nil)
		fault := func(after time.Duration, f sim.Fault) {
			time.AfterFunc(after, func() {
				if err := site.SetFault("soil-thermometer", f); err != nil {
					t.Error(err)
				}
			})
		}
		fault(hangs, sim.Hung)
		fault(mended, sim.Healthy)
		ctx, cancel := context.WithTimeout(t.Context(), end)
		defer cancel()
		if err := s.Run(ctx, time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}

		air := sink.taken["air-temperature"]
		if len(air) != 40 {
			t.Fatalf("%d readings of the healthy bus in 40 ticks", len(air))
		}
		for i, at := range air {
			tick := begin.Add(time.Duration(i+1) * time.Second)
			if late := at.Sub(tick); late < 0 || late > 300*time.Millisecond {
				t.Errorf("tick %d was sampled %s late", i+1, late)
			}
			if waited := sink.at["air-temperature"][i].Sub(at); waited > 1100*time.Millisecond {
				t.Errorf("the reading of tick %d was in memory for %s", i+1, waited)
			}
		}
		before, during, after := 0, 0, 0
		for _, at := range sink.taken["soil-temperature-10cm"] {
			switch since := at.Sub(begin); {
			case since < hangs:
				before++
			case since < mended:
				during++
			default:
				after++
			}
		}
		if before < 2 || during != 0 || after < 7 {
			t.Errorf("the bus that hung gave %d readings before, %d while it hung, %d after it was mended", before, during, after)
		}
	})
}

// sitesProbes attaches a site's probes as a gateway does.
func sitesProbes(t *testing.T, site *sim.Site) []Probe {
	t.Helper()
	var probes []Probe
	for _, p := range site.Probes() {
		model, err := catalog.Find(p.Driver)
		if err != nil {
			t.Fatal(err)
		}
		probe := Probe{Name: p.Name, Bus: p.Bus, Source: sensors.Attach(model, site.Wired(p, wall{}), 10*time.Second)}
		for _, c := range p.Channels {
			probe.Channels = append(probe.Channels, Channel{ID: c.ID, Quantity: c.Quantity, Calibration: c.Calibration})
		}
		probes = append(probes, probe)
	}
	return probes
}

// Buses that answer within the grace are one hand-over a round: commits wear the card out.
func TestARoundIsOneHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var probes []Probe
		for name, wait := range map[string]time.Duration{"a": 0, "b": 100 * time.Millisecond, "c": 1900 * time.Millisecond} {
			probes = append(probes, Probe{Name: name, Bus: name, Source: &fake{wait: wait, samples: []sensors.Sample{sample(sensors.AirTemperature, 1)}},
				Channels: []Channel{channel(name, sensors.AirTemperature)}})
		}
		sink := &kept{}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+30*time.Second)
		defer cancel()
		_ = New(probes, sink, wall{}, quiet(), nil).Run(ctx, time.Minute)
		if sink.calls != 10 || len(sink.at["a"]) != 10 || len(sink.at["c"]) != 10 {
			t.Fatalf("%d hand-overs in 10 rounds, %d and %d readings", sink.calls, len(sink.at["a"]), len(sink.at["c"]))
		}
	})
}

// A bus slower than the grace keeps nobody's readings in memory, and its own come when it has answered.
func TestASlowBusIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		probe := func(name string, wait time.Duration) Probe {
			return Probe{Name: name, Bus: name, Source: &fake{wait: wait, samples: []sensors.Sample{sample(sensors.AirTemperature, 1)}},
				Channels: []Channel{channel(name, sensors.AirTemperature)}}
		}
		sink := &kept{}
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		_ = New([]Probe{probe("fast", 0), probe("slow", 9*time.Second)}, sink, wall{}, quiet(), nil).Run(ctx, time.Minute)
		if got := sink.at["fast"][0].Sub(begin); got != time.Minute+grace {
			t.Errorf("the fast bus was handed on after %s", got)
		}
		if got := sink.at["slow"][0].Sub(begin); got != time.Minute+9*time.Second {
			t.Errorf("the slow bus was handed on after %s", got)
		}
	})
}

// A sink that hangs, ignoring its context, stops no bus; what is measured meanwhile is bounded and comes later.
func TestAHungSinkStopsNoBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		probe := &fake{samples: []sensors.Sample{sample(sensors.AirTemperature, 1)}}
		var got int
		stuck := true
		sink := SinkFunc(func(_ context.Context, readings []sensors.Reading) error {
			if stuck {
				stuck = false
				time.Sleep(30 * time.Second)
			}
			got += len(readings)
			return nil
		})
		s := New([]Probe{{Name: "air", Source: probe, Channels: []Channel{channel("air", sensors.AirTemperature)}}}, sink, wall{}, quiet(), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 60500*time.Millisecond)
		defer cancel()
		_ = s.Run(ctx, time.Second)
		if len(probe.asked) != 60 || got != 60 {
			t.Fatalf("asked %d times and %d readings kept in 60 ticks", len(probe.asked), got)
		}
	})
}
