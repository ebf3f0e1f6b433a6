package spool_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"loam/gateway/spool"
	"loam/sensors"
	"loam/sensors/clock"
)

// A message is kept once, also when the spool was closed in between; the same key from another source is another message.
func TestAMessageIsKeptOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool.db")
	s := open(t, path)
	once := func(source, key string, n int64, want bool) {
		t.Helper()
		kept, err := s.AppendOnce(context.Background(), source, key, synced(n, n+1))
		if err != nil || kept != want {
			t.Errorf("%s %s: kept %t, %v; want %t", source, key, kept, err, want)
		}
	}
	once("lora", "a", 1, true)
	once("lora", "a", 2, false)
	once("other", "a", 3, true)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	once("lora", "a", 4, false)
	once("lora", "b", 5, true)
	seal(t, s, 60, true)
	if got := numbers(pending(t, s)); !slices.Equal(got, []int64{1, 3, 5}) {
		t.Errorf("in the spool: %v", got)
	}
}

// Where readings are refused, neither the key nor the position is taken down: they can be brought again.
func TestWhatWasRefusedCanComeAgain(t *testing.T) {
	ctx := context.Background()
	s := openWith(t, filepath.Join(t.TempDir(), "spool.db"), spool.Config{MaxBytes: 1 << 20})
	bad := synced(1, 2)
	bad[0].Channel = "Not A Name"
	if kept, err := s.AppendOnce(ctx, "lora", "a", bad); err == nil || kept {
		t.Errorf("kept %t, %v", kept, err)
	}
	if err := s.AppendAt(ctx, "logger", "7", bad); err == nil {
		t.Error("a reading that cannot be sent was kept")
	}
	if p, err := s.Position(ctx, "logger"); p != "" || err != nil {
		t.Errorf("position %q, %v", p, err)
	}
	if kept, err := s.AppendOnce(ctx, "lora", "a", synced(1, 2)); err != nil || !kept {
		t.Errorf("kept %t, %v", kept, err)
	}
	for _, p := range []string{"7", "9"} {
		if err := s.AppendAt(ctx, "logger", p, synced(2, 3)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Position(ctx, "logger"); got != p || err != nil {
			t.Errorf("position %q, %v; want %s", got, err, p)
		}
	}
}

// Readings of no boot are dated by nobody's uptime, and date no others, though they say that the clock was synchronised.
func TestWhatBelongsToNoBootIsNotRedated(t *testing.T) {
	s := fresh(t)
	own := reading(100, 1, clock.Unsynced)
	foreign := func(n int64, state clock.State) sensors.Reading {
		r := reading(n, 0, state)
		r.At.Uptime = 0
		return r
	}
	appendAll(t, s, []sensors.Reading{own})
	if _, err := s.AppendOnce(context.Background(), "lora", "a", []sensors.Reading{foreign(1, clock.Unsynced), foreign(2, clock.Synced)}); err != nil {
		t.Fatal(err)
	}
	seal(t, s, 60, true)
	for _, b := range pending(t, s) {
		for _, r := range b.Readings {
			if n := r.Value.Mantissa; !r.At.Wall.Equal(reading(n, 1, 0).At.Wall) || r.At.State == clock.Redated {
				t.Errorf("reading %d: %+v", n, r.At)
			}
		}
	}
}

// Only the newest keys are known, so that a busy network does not fill the spool.
func TestOldKeysAreForgotten(t *testing.T) {
	s := fresh(t)
	once := func(key string, want bool) {
		t.Helper()
		if kept, err := s.AppendOnce(context.Background(), "lora", key, nil); err != nil || kept != want {
			t.Errorf("key %s: kept %t, %v; want %t", key, kept, err, want)
		}
	}
	once("a", true)
	once("b", true)
	if err := s.Took(context.Background(), spool.Remembered-2); err != nil {
		t.Fatal(err)
	}
	once("a", false)
	once("c", true) // a is one too many now
	once("b", false)
	once("a", true)
}
