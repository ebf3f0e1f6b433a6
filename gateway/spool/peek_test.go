package spool

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// contents is every file of a folder by name.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	out := map[string][32]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = sha256.Sum256(raw)
	}
	return out
}

func TestPeekLooksAndLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "spool.db")
	if _, err := Peek(t.Context(), path, Config{}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no spool yet: %v", err)
	}
	if len(contents(t, dir)) != 0 {
		t.Fatal("looking made a file")
	}
	s, err := Open(t.Context(), path, Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	reading := func(n int64) sensors.Reading {
		v := sensors.Decimal{Mantissa: n}
		return sensors.Reading{Channel: "air", Quantity: sensors.AirTemperature, RawQuantity: sensors.AirTemperature, Value: v, Raw: v,
			At: clock.Instant{Wall: time.UnixMilli(1787218200000 + n).UTC(), Boot: clock.BootID{1}, State: clock.Synced}}
	}
	for n := range int64(3) {
		if err := s.Append(t.Context(), []sensors.Reading{reading(n)}); err != nil {
			t.Fatal(err)
		}
	}
	same := func(when string) {
		t.Helper()
		want, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before := contents(t, dir)
		got, err := Peek(t.Context(), path, Config{})
		if err != nil || got.Readings != want.Readings || got.Oldest != want.Oldest || got.Used != want.Used {
			t.Fatalf("%s: %+v, %v; the spool itself says %+v", when, got, err, want)
		}
		for name, sum := range contents(t, dir) {
			if name != "spool.db-shm" && before[name] != sum { // readers note in it how far they have read
				t.Errorf("%s: looking changed %s", when, name)
			}
		}
	}
	same("while a gateway works")
	if err := s.Append(t.Context(), []sensors.Reading{reading(4)}); err != nil {
		t.Fatalf("after a look: %v", err)
	}
	same("and again")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	if got, err := Peek(t.Context(), path, Config{}); err != nil || got.Readings != 4 {
		t.Fatalf("when it is closed: %+v, %v", got, err)
	}
	if after := contents(t, dir); !maps.Equal(before, after) {
		t.Errorf("looking changed the folder from %v to %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
}
