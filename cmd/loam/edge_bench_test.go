package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/identity/identitytest"
	"loam/gateway/ingest"
	"loam/gateway/quarantine"
	"loam/gateway/sampler"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// trembling is a probe of four quantities that are a little different each time.
type trembling struct {
	clock clock.Clock
	rng   *rand.Rand
}

var trembles = []sensors.Quantity{sensors.AirTemperature, sensors.RelativeHumidity, sensors.AirPressure, sensors.SoilTemperature}

func (p *trembling) Sense(context.Context) ([]sensors.Sample, error) {
	at := p.clock.Now()
	var samples []sensors.Sample
	for _, q := range trembles {
		samples = append(samples, sensors.Sample{Quantity: q, Value: sensors.Decimal{Mantissa: 1500 + p.rng.Int64N(40), Exponent: -2}, At: at})
	}
	return samples, nil
}

func (p *trembling) Close() error { return nil }

// thirtyTwo is eight probes of four channels on two buses.
func thirtyTwo(clk clock.Clock) []sampler.Probe {
	var probes []sampler.Probe
	for i := range 8 {
		p := sampler.Probe{Name: fmt.Sprint("probe-", i), Bus: fmt.Sprint("bus-", i%2), Source: &trembling{clk, rand.New(rand.NewPCG(1, uint64(i)))}}
		for j, q := range trembles {
			p.Channels = append(p.Channels, sampler.Channel{
				ID: sensors.Channel(fmt.Sprintf("channel-%d-%d", i, j)), Quantity: q,
				Calibration: sensors.Calibration{Certificate: sensors.Certificate{ID: sensors.FactoryCertificate}},
			})
		}
		probes = append(probes, p)
	}
	return probes
}

// enrolled are the gateways the hub knows.
type enrolled map[string]ed25519.PublicKey

func (e enrolled) Key(gateway string) (ed25519.PublicKey, bool) {
	k, ok := e[gateway]
	return k, ok
}

// BenchmarkDayAtTheEdge is 24 hours of 32 channels, one reading a second each, in virtual time: probes, spool, signed
// batches, the hub's ingest and evidence, receipts, and a spool that forgets. It fails where a reading is lost or memory
// grows with the day.
func BenchmarkDayAtTheEdge(b *testing.B) {
	const seconds = 24 * 60 * 60
	for b.Loop() {
		began := time.Now()
		dir := b.TempDir()
		clk := clock.NewVirtual(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), clock.BootID{1})
		gateway, hub := identitytest.NewSigner("meadow"), identitytest.NewSigner("hub")
		log := slog.New(slog.DiscardHandler)
		sp, err := spool.Open(b.Context(), filepath.Join(dir, "spool.db"), spool.Config{Sync: spool.Sync(10 * time.Second)}, log)
		must(b, err)
		ev, err := evidence.Open(b.Context(), filepath.Join(dir, "evidence.db"), hub, "willow-creek/hub")
		must(b, err)
		qu, err := quarantine.Open(b.Context(), filepath.Join(dir, "quarantine.db"))
		must(b, err)
		in := ingest.New(ingest.Config{
			Community: "willow-creek", Hub: hub, Keys: enrolled{"meadow": gateway.Public()}, Evidence: ev, Quarantine: qu,
			Now: func() time.Time { return clk.Now().Wall }, Log: log,
		})
		sam := sampler.New(thirtyTwo(clk), sp, clk, log, nil)

		sampled, first, last := int64(0), uint64(0), uint64(0)
		for s := range seconds {
			clk.Set(clk.Now().Wall.Add(time.Second))
			round, err := sam.Round(b.Context())
			must(b, err)
			sampled += int64(round.Readings)
			if s%60 == 59 {
				deliver(b, sp, in, gateway, hub.Public(), clk, s == seconds-1)
			}
			switch s {
			case 60*60 - 1:
				first = heap()
			case seconds - 1:
				last = heap()
			}
		}
		kept, err := ev.Readings(b.Context())
		must(b, err)
		if sampled != 32*seconds || kept != sampled {
			b.Fatalf("%d sampled, %d in evidence", sampled, kept)
		}
		stats, err := sp.Stats(b.Context())
		must(b, err)
		if stats.Readings != 0 {
			b.Fatalf("%d are still in the spool", stats.Readings)
		}
		if last > first+first/4 {
			b.Fatalf("the heap grew from %d to %d bytes within the day", first, last)
		}
		b.ReportMetric(float64(sampled-kept), "lost")
		b.ReportMetric(float64(last)/float64(first), "heap-24h/1h")
		b.ReportMetric(float64(last)/1e6, "heap-MB")
		b.ReportMetric(seconds/time.Since(began).Seconds(), "times-real-time")
		must(b, sp.Close())
		must(b, ev.Close())
		must(b, qu.Close())
	}
}

// deliver seals what is full and has the hub take it in, until the spool has nothing left to send.
func deliver(b *testing.B, sp *spool.Spool, in *ingest.Ingest, signer wire.Signer, hub []byte, clk clock.Clock, partial bool) {
	b.Helper()
	_, err := sp.Seal(b.Context(), signer, spool.Batching{Max: 60, Partial: partial, Now: clk.Now()})
	must(b, err)
	for {
		batches, err := sp.Pending(b.Context(), 0, 100)
		must(b, err)
		if len(batches) == 0 {
			return
		}
		for _, batch := range batches {
			raw, err := in.Handle(b.Context(), "meadow", batch.Bytes)
			must(b, err)
			receipt, err := wire.OpenReceipt(raw, hub)
			must(b, err)
			_, err = sp.Settle(b.Context(), receipt)
			must(b, err)
		}
	}
}

// heap is what is alive after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
