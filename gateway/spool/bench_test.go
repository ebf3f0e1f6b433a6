package spool_test

import (
	"context"
	"testing"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
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
