package sqlitestore

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"loam/gateway/qc"
	"loam/gateway/store"
	"loam/gateway/store/storetest"
	"loam/sensors"
)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "points.db")) })
}

func TestPointsSurviveReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "points.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := store.Point{Key: store.Key{Site: "a", Gateway: "b", Channel: "c", Quantity: "d"}, At: at, Value: 1, Raw: 2, Flag: qc.Good, Tests: "11111"}
	if err := s.Write(t.Context(), []store.Point{p}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	p.Value = 3
	if err := again.Write(t.Context(), []store.Point{p}); err != nil {
		t.Fatal(err)
	}
	if n, err := again.Count(t.Context()); n != 1 || err != nil {
		t.Errorf("%d points, %v", n, err)
	}
}

func BenchmarkWrite(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "points.db"))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	points := make([]store.Point, 5000)
	for b.Loop() {
		for i := range points {
			at = at.Add(time.Second)
			points[i] = store.Point{
				Key: store.Key{Site: "a", Gateway: "b", Channel: sensors.Channel(fmt.Sprint("c", i%10)), Quantity: "d"},
				At:  at, Value: float64(i) / 7, Raw: float64(i) / 9, Flag: qc.Good, Tests: "11111",
			}
		}
		if err := s.Write(b.Context(), points); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(points))/b.Elapsed().Seconds(), "points/s")
}
