package ledger_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loam/payouts/ledger"
)

// BenchmarkPost compares group commit with one transaction per transfer: same file, same durability, 64 callers.
func BenchmarkPost(b *testing.B) {
	const callers = 64
	for _, bench := range []struct {
		name  string
		batch int
	}{{"one-transaction-each", 1}, {"group-commit", 512}} {
		b.Run(bench.name, func(b *testing.B) {
			l, err := ledger.OpenBatch(b.Context(), filepath.Join(b.TempDir(), "ledger.db"), time.Now, bench.batch)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			fund(b, l, callers)
			var next atomic.Int64
			var group sync.WaitGroup
			b.ResetTimer()
			for c := range callers {
				group.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						_, err := l.Post(context.Background(), ledger.Transfer{
							ID: fmt.Sprintf("t%d", i), Debit: member(c), Credit: member((c + 1) % callers), Asset: "SOIL/2", Amount: 1,
						})
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transfers/s")
		})
	}
}

func member(i int) ledger.Account { return ledger.Account(fmt.Sprintf("creek:steward:m%d", i)) }

// fund gives n members a million minor units each.
func fund(t testing.TB, l *ledger.Ledger, n int) {
	t.Helper()
	for i := range n {
		_, err := l.Post(t.Context(), ledger.Transfer{
			ID: fmt.Sprintf("fund-%d", i), Debit: "creek:mint:soil", Credit: member(i), Asset: "SOIL/2", Amount: 1_000_000, Origin: fmt.Sprintf("fund-%d", i),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
