package clock_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/sensors/clock"
)

// Whatever the clock showed, however its crystal drifts within the bound, and however long ago: what is dated afterwards
// is within a millisecond and the drift of the truth.
func TestRedateIsWithinAMillisecondAndTheDrift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		truth := begin.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "sync, after the beginning")))
		before := time.Duration(rapid.Int64Range(0, int64(clock.LongestRedate)*9/10).Draw(t, "before"))
		ppm := rapid.Int64Range(-100, 100).Draw(t, "drift in parts in a million")
		counted := before + before/1_000_000*time.Duration(ppm) // what uptime made of it
		up := time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "uptime"))
		at := clock.Instant{
			Wall: time.UnixMilli(rapid.Int64Range(-1e12, 5e12).Draw(t, "shown")).UTC(), Uptime: up, Boot: clock.BootID{7},
			State: rapid.SampledFrom([]clock.State{clock.Unknown, clock.Unsynced}).Draw(t, "state"),
		}
		sync := clock.Instant{Wall: truth.Truncate(time.Millisecond), Uptime: up + counted, Boot: clock.BootID{7}, State: clock.Synced}
		got, ok := sync.Redate(at)
		if !ok || got.State != clock.Redated || !got.State.Dated() || !got.Shown.Equal(at.Wall) || got.Uptime != up || got.Boot != at.Boot {
			t.Fatalf("%+v by %+v became %+v, %v", at, sync, got, ok)
		}
		if !got.Wall.Equal(got.Wall.Truncate(time.Millisecond)) || got.Wall.Location() != time.UTC {
			t.Fatalf("%s is not UTC to the millisecond", got.Wall)
		}
		if off := got.Wall.Sub(truth.Add(-before)).Abs(); off > time.Millisecond+clock.Drift(before) {
			t.Fatalf("off by %s, %s before the clock was set, with %d ppm", off, before, ppm)
		}
		if again, ok := sync.Redate(got); ok || again != got {
			t.Fatalf("dated twice: %+v", again)
		}
	})
}

func TestRedateRefusesWhatItCannotKnow(t *testing.T) {
	at := clock.Instant{Wall: time.Unix(42, 0).UTC(), Uptime: 42 * time.Second, Boot: clock.BootID{1}, State: clock.Unsynced}
	sync := clock.Instant{Wall: begin, Uptime: time.Minute, Boot: clock.BootID{1}, State: clock.Synced}
	if got, ok := sync.Redate(at); !ok || !got.Wall.Equal(begin.Add(-18*time.Second)) {
		t.Fatalf("%+v, %v", got, ok)
	}
	for name, change := range map[string]func(sync, at *clock.Instant){
		"another boot":              func(sync, _ *clock.Instant) { sync.Boot = clock.BootID{2} },
		"no boot":                   func(sync, at *clock.Instant) { sync.Boot, at.Boot = clock.BootID{}, clock.BootID{} },
		"not synchronised":          func(sync, _ *clock.Instant) { sync.State = clock.Unsynced },
		"by what was dated itself":  func(sync, _ *clock.Instant) { sync.State = clock.Redated },
		"taken afterwards":          func(_, at *clock.Instant) { at.Uptime = time.Minute + 1 },
		"too long ago":              func(sync, _ *clock.Instant) { sync.Uptime += clock.LongestRedate },
		"synchronised already then": func(_, at *clock.Instant) { at.State = clock.Synced },
	} {
		s, a := sync, at
		change(&s, &a)
		if got, ok := s.Redate(a); ok || got != a {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
