package projection

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/identity/identitytest"
	"loam/gateway/qc"
	"loam/gateway/registry"
	"loam/gateway/store"
	"loam/gateway/store/sqlitestore"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// contents reads a whole store.
func contents(t *testing.T, s store.Store) map[pointID]store.Point {
	t.Helper()
	keys, err := s.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[pointID]store.Point{}
	for _, k := range keys {
		points, err := s.Range(t.Context(), k, store.Earliest, store.End)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			all[pointID{k, p.At.UnixMilli()}] = p
		}
	}
	return all
}

func sqliteStore(t testing.TB) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "points.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The real evidence log behind the same interface, and a real store: projected, restarted with late batches, rebuilt.
func TestFromRealEvidence(t *testing.T) {
	log, err := evidence.Open(t.Context(), filepath.Join(t.TempDir(), "evidence.db"), identitytest.NewSigner("hub"), "loam.example/commons")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	plan := &memoryLog{} // the same leaves, for the reference run
	var previous wire.Digest
	var sealed []wire.Sealed
	for i := range 40 {
		var readings []sensors.Reading
		for k := range 6 {
			at := start.Add(time.Duration(i*6+k) * 30 * time.Minute)
			readings = append(readings, reading("air", sensors.AirTemperature, at, int64(1000+(i*6+k)%48*10+(i%7/6)*2000)))
		}
		s, err := wire.Seal(wire.Batch{Header: wire.Header{Gateway: "gw-1", Sequence: uint64(i + 1), Previous: previous, Boot: boot, Clock: clock.Synced}, Readings: readings}, identitytest.NewSigner("gw-1"))
		if err != nil {
			t.Fatal(err)
		}
		previous = s.Digest
		sealed = append(sealed, s)
	}
	st := sqliteStore(t)
	c := Config{Evidence: log, Registry: newRegistry(t, "gw-1"), Settings: qc.Defaults(), Store: st}
	path := filepath.Join(t.TempDir(), "projection.db")
	for _, part := range [][]int{{0, 10}, {30, 40}, {20, 30}, {10, 20}} { // the last ten first, the backlog backwards
		for i := part[0]; i < part[1]; i++ {
			if _, err := log.Append(t.Context(), sealed[i], start); err != nil {
				t.Fatal(err)
			}
			plan.append(t, "gw-1", uint64(i+1), sealed[i].Readings...)
		}
		p, err := Open(t.Context(), path, c)
		if err != nil {
			t.Fatal(err)
		}
		drain(t, p)
		equal(t, contents(t, st), wanted(t, plan, c.Registry, c.Settings))
		if part[0] == 10 {
			if err := p.Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
			equal(t, contents(t, st), wanted(t, plan, c.Registry, c.Settings))
		}
		p.Close()
	}
}

func filled(t testing.TB, batches, channels int) (*memoryLog, *registry.Registry) {
	t.Helper()
	log := &memoryLog{}
	for i := range batches {
		var readings []sensors.Reading
		for k := range 60 {
			at := start.Add(time.Duration(i*60+k) / time.Duration(channels) * time.Minute)
			readings = append(readings, reading(fmt.Sprint("c", k%channels), sensors.AirTemperature, at.Truncate(time.Minute), int64(1000+(i+k)%300)))
		}
		log.append(t, "gw-1", uint64(i+1), readings...)
	}
	return log, newRegistry(t, "gw-1")
}

// BenchmarkProjection is batches of 60 readings of 10 channels, one a minute.
func BenchmarkProjection(b *testing.B) {
	log, reg := filled(b, 500, 10)
	for name, st := range map[string]store.Store{"memory": newStore(), "sqlite": sqliteStore(b)} {
		b.Run(name, func(b *testing.B) {
			p, err := Open(b.Context(), filepath.Join(b.TempDir(), "projection.db"), Config{Evidence: log, Registry: reg, Settings: qc.Defaults(), Store: st})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			for b.Loop() {
				if err := p.Rebuild(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*500*60/b.Elapsed().Seconds(), "readings/s")
		})
	}
}
