package spool_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
)

// onDisk is what another process would find, after kill -9 or a power cut.
func onDisk(t *testing.T, path string) int {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "spool.db")
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(path + suffix)
		if err != nil && (suffix == "" || !errors.Is(err, os.ErrNotExist)) { // a clean stop leaves no log
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+suffix, raw, 0o600); err != nil { // an empty log is none
			t.Fatal(err)
		}
	}
	s := open(t, copied)
	defer s.Close()
	return stats(t, s).Readings
}

// Grouped appends are on disk when the time is up, however they come, and what is in memory counts as being there.
func TestGroupedAppendsReachTheDiskInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "spool.db")
		s := openWith(t, path, spool.Config{Sync: spool.Sync(time.Minute)})
		defer s.Close()
		for n := range int64(6) { // at 0, 10, … 50 s
			appendAll(t, s, synced(n, n+1))
			if _, err := s.Seal(t.Context(), identitytest.NewSigner("creek-1"), spool.Batching{Max: 60}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if n < 5 {
				if on := onDisk(t, path); on != 0 {
					t.Fatalf("after %d s %d readings were written", 10*(n+1), on)
				}
				if st := stats(t, s); st.Readings != int(n+1) || st.Unsealed != int(n+1) || !st.Oldest.Equal(start) {
					t.Fatalf("%+v", st)
				}
			}
		}
		if on := onDisk(t, path); on != 6 {
			t.Fatalf("after a minute %d of 6 readings are on disk", on)
		}
		appendAll(t, s, synced(6, 8))
		if n := seal(t, s, 60, true); n != 1 || len(numbers(pending(t, s))) != 8 {
			t.Errorf("a partial batch left something in memory")
		}
		appendAll(t, s, synced(8, 70))
		if n := seal(t, s, 60, false); n != 1 {
			t.Errorf("%d batches: a full one is not sealed from memory", n)
		}
		appendAll(t, s, synced(70, 75))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if on := onDisk(t, path); on != 75 {
			t.Errorf("%d of 75 readings after a clean stop", on)
		}
	})
}

// More than a group holds is not gathered, and keeps its order.
func TestAGroupIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool.db")
	s := openWith(t, path, spool.Config{Sync: spool.Sync(time.Hour)})
	appendAll(t, s, synced(0, 4000))
	if on := onDisk(t, path); on != 0 {
		t.Fatalf("%d written at once", on)
	}
	appendAll(t, s, synced(4000, 4200))
	if on := onDisk(t, path); on != 4000 {
		t.Errorf("%d written when the group was full", on)
	}
	appendAll(t, s, synced(4200, 9000))
	if on := onDisk(t, path); on != 9000 {
		t.Errorf("%d written with more than a group", on)
	}
	for seal(t, s, 1000, true) > 0 {
	}
	if got := numbers(pending(t, s)); !slices.Equal(got, numbersUpTo(9000)) {
		t.Error("not in order, or not all")
	}
}

// When a commit fails, the append that comes next says so and is not taken in: what is in memory is bounded.
func TestAGroupThatCannotBeWrittenIsNotAddedTo(t *testing.T) {
	s := openWith(t, filepath.Join(t.TempDir(), "spool.db"), spool.Config{Sync: spool.Sync(time.Hour)})
	appendAll(t, s, synced(0, 10))
	if err := s.Close(); err != nil { // commits; nothing can be written from here on
		t.Fatal(err)
	}
	appendAll(t, s, synced(10, 20))
	if err := s.Flush(t.Context()); err == nil {
		t.Fatal("written without a file")
	}
	if err := s.Append(t.Context(), synced(20, 30)); err == nil || errors.Is(err, spool.ErrReading) {
		t.Errorf("taken in although nothing can be written: %v", err)
	}
}

func TestSyncIsAWordOrALengthOfTime(t *testing.T) {
	for text, want := range map[string]time.Duration{"always": 0, "1s": time.Second, "5m": 5 * time.Minute} {
		var s spool.Sync
		if err := s.UnmarshalText([]byte(text)); err != nil || time.Duration(s) != want {
			t.Errorf("%q: %v, %v", text, time.Duration(s), err)
		}
		var again spool.Sync
		if back, err := s.MarshalText(); err != nil || again.UnmarshalText(back) != nil || again != s {
			t.Errorf("%q writes %q", text, back)
		}
	}
	for _, text := range []string{"", "never", "1", "fast"} {
		var s spool.Sync
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, time.Duration(s))
		}
	}
	for name, c := range map[string]spool.Config{
		"a negative sync": {Sync: -1}, "a day between syncs": {Sync: spool.Sync(24 * time.Hour)},
		"room for nothing": {MaxBytes: 1000}, "a year of waiting": {Hold: 365 * 24 * 3600 * 1e9}, "a negative wait": {Hold: -1},
	} {
		if err := c.Validate(); !errors.Is(err, spool.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (spool.Config{}).Validate(); err != nil {
		t.Error(err)
	}
}
