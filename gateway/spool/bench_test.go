package spool_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/sensors/clock"
)

// BenchmarkAppend is one round of 32 channels, durable.
func BenchmarkAppend(b *testing.B) {
	s := fresh(b)
	rs := synced(0, 32)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Append(context.Background(), rs); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSync is the life of readings in the spool (appended in rounds of ten channels, sealed by 60, receipted) with a
// commit for each round, and for every so many. It prints the bytes written to disk for each reading, by the kernel's
// account of this process (the file system's journal comes on top), and how much less that is than with a commit for each
// round.
func BenchmarkSync(b *testing.B) {
	const channels = 10
	always := 0.0
	for _, rounds := range []int{1, 6, 60} { // a round every 10 s: sync = "always", "1m", "10m"
		b.Run(fmt.Sprintf("rounds/commit=%d", rounds), func(b *testing.B) {
			cfg := spool.Config{}
			if rounds > 1 {
				cfg.Sync = spool.Sync(time.Hour)
			}
			s := openWith(b, filepath.Join(b.TempDir(), "spool.db"), cfg)
			n, round := int64(0), 0
			before := written(b)
			for b.Loop() {
				appendAll(b, s, synced(n, n+channels))
				n += channels
				if round++; round%rounds == 0 {
					if err := s.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				if round%6 == 0 {
					sealAndSettle(b, s)
				}
			}
			each := float64(written(b)-before) / float64(n)
			if each == 0 {
				b.Skip("the temporary folder is in memory: set TMPDIR to a disk")
			}
			if rounds == 1 {
				always = each
			}
			b.ReportMetric(each, "disk-B/reading")
			b.ReportMetric(each/always, "of-always")
		})
	}
}

func sealAndSettle(b *testing.B, s *spool.Spool) {
	b.Helper()
	if _, err := s.Seal(b.Context(), identitytest.NewSigner("creek-1"), spool.Batching{Max: 60}); err != nil {
		b.Fatal(err)
	}
	for _, batch := range pending(b, s) {
		if _, err := s.Settle(b.Context(), receipt(batch)); err != nil {
			b.Fatal(err)
		}
	}
}

// written is what this process made the kernel write to disks so far.
func written(b *testing.B) (bytes int64) {
	b.Helper()
	raw, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	var rchar, wchar, syscr, syscw, read int64
	if _, err := fmt.Sscanf(string(raw), "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d", &rchar, &wchar, &syscr, &syscw, &read, &bytes); err != nil {
		b.Fatal(err)
	}
	return bytes
}

// BenchmarkSeal is a minute of one channel a second, appended at once and sealed into one batch.
func BenchmarkSeal(b *testing.B) {
	s := fresh(b)
	rs := synced(0, 60)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		appendAll(b, s, rs)
		b.StartTimer()
		if n, err := s.Seal(context.Background(), identitytest.NewSigner("creek-1"), spool.Batching{Max: 60, Partial: true}); err != nil || n != 1 {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkRoundWhileHeld is a round of 32 channels, appended and tried to be sealed, beside two days of readings that wait
// for their clock: what waits must cost the others nothing. It prints how much longer than beside none.
func BenchmarkRoundWhileHeld(b *testing.B) {
	none := 0.0
	for _, held := range []int64{0, 2 * 24 * 60 * 32} {
		b.Run(fmt.Sprintf("held=%d", held), func(b *testing.B) {
			s := fresh(b)
			for n := int64(0); n < held; n += 4096 {
				rs := synced(n, min(n+4096, held))
				for i := range rs {
					rs[i].At.State = clock.Unsynced
				}
				appendAll(b, s, rs)
			}
			round := synced(0, 32)
			for i := range round {
				round[i].At.Boot = clock.BootID{2}
			}
			now := clock.Instant{Boot: clock.BootID{1}, Uptime: 48 * time.Hour, State: clock.Unsynced}
			for b.Loop() {
				appendAll(b, s, round)
				if _, err := s.Seal(b.Context(), identitytest.NewSigner("creek-1"), spool.Batching{Max: 60, Now: now, Hold: 168 * time.Hour}); err != nil {
					b.Fatal(err)
				}
			}
			each := float64(b.Elapsed()) / float64(b.N)
			if held == 0 {
				none = each
			}
			b.ReportMetric(each/none, "of-none-held")
		})
	}
}
