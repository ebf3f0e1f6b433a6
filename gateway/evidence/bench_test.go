package evidence_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/wire"
)

// batchBytes is what a sealed batch of 60 readings of 10 channels weighs.
const batchBytes = 660

var noise = func() []byte {
	b := make([]byte, batchBytes)
	_, _ = rand.Read(b) // never fails
	return b
}()

// measure appends n batches of 60 readings from the given number of gateways at once, and returns the time it took.
func measure(b *testing.B, l *evidence.Log, n, gateways int) time.Duration {
	readings := make([]time.Time, 60)
	for i := range readings {
		readings[i] = start.Add(time.Duration(i) * time.Second)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for g := range gateways {
		wg.Go(func() {
			gateway := fmt.Sprint("gateway-", g)
			var previous wire.Digest
			for sequence := uint64(1); next.Add(1) <= int64(n); sequence++ {
				body := bytes.Clone(noise)
				copy(body, fmt.Append(nil, gateway, sequence))
				s := loose(gateway, sequence, previous, body, readings...)
				if _, err := l.Append(context.Background(), s, start); err != nil {
					b.Error(err)
					return
				}
				previous = s.Digest
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// BenchmarkAppend: batches of 60 readings, by how many callers wait at once. With one caller every batch has a
// transaction of its own.
func BenchmarkAppend(b *testing.B) {
	for _, gateways := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprint("callers=", gateways), func(b *testing.B) {
			l := fresh(b)
			took := measure(b, l, b.N, gateways)
			b.ReportMetric(float64(b.N)/took.Seconds(), "batches/s")
			b.ReportMetric(float64(60*b.N)/took.Seconds(), "readings/s")
		})
	}
}

// BenchmarkGroupCommit: how much faster 100,000 batches from 64 callers are than batches with a transaction each, in one
// run on one disk. Run it with -benchtime=1x.
func BenchmarkGroupCommit(b *testing.B) {
	for b.Loop() {
		const many, few = 100_000, 3_000
		alone := measure(b, fresh(b), few, 1).Seconds() / few
		l := fresh(b)
		grouped := measure(b, l, many, 64).Seconds() / many
		b.ReportMetric(alone/grouped, "ratio")
		b.ReportMetric(1/grouped, "grouped/s")
		b.ReportMetric(1/alone, "alone/s")

		began := time.Now()
		if _, err := l.Inclusion(context.Background(), many/3, many); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Microseconds()), "proof-µs")
		began = time.Now()
		if _, err := l.Within(context.Background(), []string{"gateway-1"}, start, start.Add(time.Second)); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "within-ms")
	}
}
