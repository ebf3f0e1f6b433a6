//go:build servers

package influxstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"loam/gateway/qc"
	"loam/gateway/store"
	"loam/gateway/store/storetest"
	"loam/internal/servertest"
	"loam/sensors"
)

func open(t testing.TB, server *servertest.InfluxServer, bucket string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{URL: server.URL(), Bucket: bucket, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	server := servertest.Influx(t)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, server, server.Database()) })
}

var somewhere = store.Key{Site: "alder-carr", Gateway: "gw-1", Channel: "air", Quantity: sensors.AirTemperature}

func points(n int) []store.Point {
	var out []store.Point
	for i := range n {
		k := somewhere
		k.Channel = sensors.Channel(fmt.Sprint("c", i%10))
		out = append(out, store.Point{
			Key: k, At: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC), Value: float64(i) / 7, Raw: float64(i) / 9, Flag: qc.Good, Tests: "11111",
		})
	}
	return out
}

// A server that is away, comes back, or lost the database is not a reason to give a point up.
func TestWhatCanBeMendedIsNotRejected(t *testing.T) {
	t.Parallel()
	server := servertest.Influx(t)
	s := open(t, server, server.Database())
	retry := func(when string, err error) {
		t.Helper()
		if err == nil || errors.Is(err, store.ErrRejected) {
			t.Errorf("%s: got %v", when, err)
		}
	}
	lost := open(t, server, "nowhere/autogen")
	retry("no such database", lost.Write(t.Context(), points(3)))
	server.Query("CREATE DATABASE nowhere")
	if err := lost.Write(t.Context(), points(3)); err != nil {
		t.Errorf("after the database was made: %v", err)
	}
	if err := s.Write(t.Context(), points(10)); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	retry("the server was killed", s.Write(t.Context(), points(20)))
	if s.Ping(t.Context()) == nil {
		t.Error("a dead server answers")
	}
	server.Start()
	if err := s.Write(t.Context(), points(20)); err != nil {
		t.Fatalf("after it came back: %v", err)
	}
	if n, err := s.Count(t.Context()); err != nil || n != 20 {
		t.Errorf("%d points, %v", n, err)
	}
}

// What the server refuses for good: here, points beyond the retention policy, and a field of another type.
func TestRejectedByTheServer(t *testing.T) {
	t.Parallel()
	server := servertest.Influx(t)
	bucket := server.Database()
	database := bucket[:len(bucket)-len("/autogen")]
	server.Query("CREATE RETENTION POLICY week ON " + database + " DURATION 1w REPLICATION 1")
	s := open(t, server, database+"/week")
	old := points(2)
	for i := range old {
		old[i].At = time.Date(2001, 1, 1, 0, 0, i, 0, time.UTC)
	}
	if err := s.Write(t.Context(), old); !errors.Is(err, store.ErrRejected) || !strings.Contains(err.Error(), "retention") {
		t.Errorf("beyond the retention: got %v", err)
	}
	other := open(t, server, bucket)
	if err := other.send(t.Context(), `reading,channel=c0,gateway=gw-1,quantity=air_temperature,site=alder-carr value="text" 1767225600000`); err != nil {
		t.Fatal(err)
	}
	if err := other.Write(t.Context(), points(1)); !errors.Is(err, store.ErrRejected) {
		t.Errorf("a field of another type: got %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	server := servertest.Influx(b)
	s := open(b, server, server.Database())
	batch := points(5000)
	for b.Loop() {
		for i := range batch {
			batch[i].At = batch[i].At.Add(5000 * time.Second)
		}
		if err := s.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(batch))/b.Elapsed().Seconds(), "points/s")
}

func BenchmarkRead(b *testing.B) {
	server := servertest.Influx(b)
	s := open(b, server, server.Database())
	batch := points(5000)
	for range 40 {
		for i := range batch {
			batch[i].At = batch[i].At.Add(5000 * time.Second)
		}
		if err := s.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	k := batch[0].Key
	b.Run("latest", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := s.Latest(b.Context(), k); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("range of 500", func(b *testing.B) {
		for b.Loop() {
			if got, err := s.Range(b.Context(), k, batch[0].At, batch[4999].At.Add(1)); len(got) != 500 || err != nil {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Count(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("keys", func(b *testing.B) {
		for b.Loop() {
			if got, err := s.Keys(b.Context()); len(got) != 10 || err != nil {
				b.Fatal(len(got), err)
			}
		}
	})
}
