// Package sensortest holds the rules that every driver keeps. [Run] puts a model of the catalog in front of its simulated
// chips and checks them; a model without a simulated chip fails.
package sensortest

import (
	"context"
	"errors"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/sim"
)

// begin is where the clock of every test starts.
var begin = time.Date(2026, time.May, 4, 0, 0, 0, 0, time.UTC)

// Run checks every rule on every simulated probe of the model.
func Run(t *testing.T, m sensors.Model) {
	benches := benchesOf(m)
	if len(benches) == 0 {
		t.Fatalf("no simulated site has a %s: add the chip to sensors/sim", m.Name)
	}
	rules := []struct {
		name  string
		check func(*testing.T, bench)
	}{
		{"values follow the world", followsTheWorld},
		{"samples keep to the declared outputs", keepsToItsOutputs},
		{"absence is an error, never a value", absenceIsAnError},
		{"garbled bits are an error or plausible", survivesGarbling},
		{"an attached probe comes back by itself", comesBack},
		{"a hung bus ends in time", hungBusEndsInTime},
		{"waiting can be cancelled", waitingCanBeCancelled},
		{"closing is final, twice nothing, and gives the bus back", closesProperly},
		{"wrong wiring is said", wrongWiringIsSaid},
	}
	for _, b := range benches {
		for _, r := range rules {
			t.Run(string(b.place)+"/"+b.probe.Name+"/"+r.name, func(t *testing.T) { r.check(t, b) })
		}
	}
}

// bench is one simulated probe of the model.
type bench struct {
	model sensors.Model
	place sim.Place
	probe sim.Probe
}

func benchesOf(m sensors.Model) []bench {
	var benches []bench
	for _, place := range append(sim.Places(), sim.Bench) {
		for _, p := range sim.Wiring(sim.NewWorld(1, begin), place) {
			if p.Driver == m.Name {
				benches = append(benches, bench{m, place, p})
			}
		}
	}
	return benches
}

// setup is a bench with its buses up and its own clock.
type setup struct {
	bench
	world  *sim.World
	site   *sim.Site
	clock  *clock.Virtual
	wiring sensors.Wiring
}

func (b bench) setUp(t *testing.T) *setup {
	t.Helper()
	s := &setup{bench: b, world: sim.NewWorld(1, begin), clock: clock.NewVirtual(begin, clock.BootID{1})}
	site, err := sim.NewSite(s.world, b.place, func() time.Time { return s.clock.Now().Wall })
	if err != nil {
		t.Fatal(err)
	}
	s.site = site
	t.Cleanup(func() {
		if n := site.Handles(); n != 0 {
			t.Errorf("%d bus handles were left open", n)
		}
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	})
	s.wiring = site.Wired(b.probe, s.clock)
	if s.model, err = b.model.For(s.wiring); err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens the probe, lets it warm up and closes it with the test.
func (s *setup) open(t *testing.T) sensors.Driver {
	t.Helper()
	d, err := s.model.Open(t.Context(), s.wiring)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.closed(t, d) })
	s.warmUp(t, d)
	return d
}

// warmUp lets time pass until a probe that was just opened means what it says. Until then it must say nothing.
func (s *setup) warmUp(t *testing.T, d sensors.Driver) {
	t.Helper()
	if s.model.WarmUp == 0 {
		return
	}
	opened := s.clock.Now().Wall
	for _, after := range []time.Duration{0, s.model.WarmUp / 2} {
		s.clock.Set(opened.Add(after))
		samples, err := d.Sense(t.Context())
		if !errors.Is(err, sensors.ErrNotReady) || len(samples) != 0 {
			t.Errorf("warming up: %v, %v", samples, err)
		}
		s.named(t, err)
	}
	s.clock.Set(opened.Add(s.model.WarmUp))
}

// sense asks an attached probe, once more where it has to warm up first.
func (s *setup) sense(ctx context.Context, g *sensors.Guard) ([]sensors.Sample, error) {
	samples, err := g.Sense(ctx)
	if s.model.WarmUp > 0 && errors.Is(err, sensors.ErrNotReady) {
		s.clock.Set(s.clock.Now().Wall.Add(s.model.WarmUp))
		samples, err = g.Sense(ctx)
	}
	return samples, err
}

func (s *setup) closed(t *testing.T, d sensors.Driver) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func (s *setup) fault(t *testing.T, f sim.Fault) {
	t.Helper()
	if err := s.site.SetFault(s.probe.Name, f); err != nil {
		t.Fatal(err)
	}
}
