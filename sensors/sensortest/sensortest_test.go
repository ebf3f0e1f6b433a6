package sensortest

import (
	"math"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/catalog"
	"loam/sensors/clock"
	"loam/sensors/sim"
)

func TestEveryModelOfTheCatalogKeepsTheRules(t *testing.T) {
	for _, m := range catalog.Models() {
		t.Run(m.Name, func(t *testing.T) { Run(t, m) })
	}
}

// place is a whole site with every probe attached, as a gateway has it.
type place struct {
	site   *sim.Site
	guards []*sensors.Guard
}

func attach(tb testing.TB, w *sim.World, p sim.Place, clk clock.Clock) place {
	tb.Helper()
	site, err := sim.NewSite(w, p, func() time.Time { return clk.Now().Wall })
	if err != nil {
		tb.Fatal(err)
	}
	at := place{site: site}
	for _, p := range site.Probes() {
		m, err := catalog.Find(p.Driver)
		if err != nil {
			tb.Fatal(err)
		}
		at.guards = append(at.guards, sensors.Attach(m, site.Wired(p, clk), 10*time.Second))
	}
	return at
}

func (p place) close(tb testing.TB) {
	tb.Helper()
	for _, g := range p.guards {
		if err := g.Close(); err != nil {
			tb.Error(err)
		}
	}
	if err := p.site.Close(); err != nil {
		tb.Error(err)
	}
}

// TestTheSameCodeReadsLive asks every probe once on the machine's own clock, where waits are waits.
func TestTheSameCodeReadsLive(t *testing.T) {
	clk, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	world := sim.NewWorld(2, clk.Now().Wall.AddDate(0, 0, -1))
	for _, name := range []sim.Place{sim.Meadow, sim.Stream} {
		p := attach(t, world, name, clk)
		for i, probe := range p.site.Probes() {
			samples, err := p.guards[i].Sense(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, ch := range probe.Channels {
				v, at := sampled(t, samples, ch.Quantity)
				if want := p.site.Truth(probe.Name, ch, at.Wall); math.Abs(v-want) > ch.Tolerance {
					t.Errorf("%s %s is %v, the world has %v", name, ch.ID, v, want)
				}
			}
		}
		p.close(t)
	}
}

// BenchmarkDay is a day of history, one round a minute, of all three places: 1440 × (5 + 5 + 4) samples.
func BenchmarkDay(b *testing.B) {
	for b.Loop() {
		world := sim.NewWorld(1, begin)
		for _, name := range sim.Places() {
			clk := clock.NewVirtual(begin, clock.BootID{1})
			p := attach(b, world, name, clk)
			for m := range 1440 {
				clk.Set(begin.Add(time.Duration(m) * time.Minute))
				for _, g := range p.guards {
					if _, err := g.Sense(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
			p.close(b)
		}
	}
}
