package spool_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// start is when the first test reading was taken.
var start = time.Date(2026, 8, 20, 9, 30, 0, 0, time.UTC)

// reading is a reading that can be told from every other by its number n.
func reading(n int64, boot byte, state clock.State) sensors.Reading {
	v := sensors.Decimal{Mantissa: n, Exponent: -2}
	return sensors.Reading{
		Channel: "air", Quantity: sensors.AirTemperature, Value: v, RawQuantity: sensors.AirTemperature, Raw: v,
		At:          clock.Instant{Wall: start.Add(time.Duration(n) * time.Second), Uptime: time.Duration(n) * time.Second, Boot: clock.BootID{boot}, State: state},
		Calibration: sensors.Certificate{ID: "cal", Date: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
	}
}

// synced are readings from..to-1 of one boot.
func synced(from, to int64) []sensors.Reading {
	var rs []sensors.Reading
	for n := from; n < to; n++ {
		rs = append(rs, reading(n, 1, clock.Synced))
	}
	return rs
}

func open(t testing.TB, path string) *spool.Spool { return openWith(t, path, spool.Config{}) }

func openWith(t testing.TB, path string, cfg spool.Config) *spool.Spool {
	t.Helper()
	s, err := spool.Open(context.Background(), path, cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func fresh(t testing.TB) *spool.Spool {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "spool.db"))
}

func appendAll(t testing.TB, s *spool.Spool, rs []sensors.Reading) {
	t.Helper()
	if err := s.Append(context.Background(), rs); err != nil {
		t.Fatal(err)
	}
}

func seal(t testing.TB, s *spool.Spool, max int, partial bool) int {
	t.Helper()
	n, err := s.Seal(context.Background(), identitytest.NewSigner("creek-1"), spool.Batching{Max: max, Partial: partial})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pending opens every waiting batch, checks the signatures and that they are a chain, and returns them.
func pending(t testing.TB, s *spool.Spool) []wire.Sealed {
	t.Helper()
	waiting, err := s.Pending(context.Background(), 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	opened := make([]wire.Sealed, len(waiting))
	for i, w := range waiting {
		if opened[i], err = wire.Open(w.Bytes, identitytest.NewSigner("creek-1").Public()); err != nil {
			t.Fatal(err)
		}
		if opened[i].Header != w.Header || opened[i].Digest != w.Digest {
			t.Fatalf("Pending says %+v of a batch that says %+v", w.Header, opened[i].Header)
		}
		if i > 0 && opened[i].Sequence == opened[i-1].Sequence+1 && opened[i].Previous != opened[i-1].Digest {
			t.Fatalf("batch %d does not link to the one before", opened[i].Sequence)
		}
	}
	return opened
}

func receipt(b wire.Sealed) wire.Receipt {
	return wire.Receipt{Hub: "hub", Gateway: b.Gateway, Sequence: b.Sequence, Digest: b.Digest, Outcome: wire.Stored, At: start}
}

func numbers(batches []wire.Sealed) []int64 {
	var ns []int64
	for _, b := range batches {
		for _, r := range b.Readings {
			ns = append(ns, r.Value.Mantissa)
		}
	}
	return ns
}
