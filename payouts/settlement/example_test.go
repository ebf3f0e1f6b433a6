package settlement_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"loam/payouts/challenge"
	"loam/payouts/ledger"
	"loam/payouts/policy"
	"loam/payouts/settlement"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "settlement")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	books, err := ledger.Open(ctx, filepath.Join(dir, "ledger.db"), time.Now)
	if err != nil {
		panic(err)
	}
	defer books.Close()
	docket, err := challenge.Open(ctx, filepath.Join(dir, "challenge.db"))
	if err != nil {
		panic(err)
	}
	defer docket.Close()
	rules, err := policy.New(policy.Config{Community: "willow-creek"})
	if err != nil {
		panic(err)
	}
	s := settlement.New(settlement.Config{
		Statements: published{month("north", 1)}, Challenges: docket, Policy: rules, Ledger: books, Log: slog.New(slog.DiscardHandler),
	})

	for _, now := range []time.Time{day(0), day(7), day(14), day(15)} { // the window is two weeks
		report, err := s.RunDue(ctx, now)
		if err != nil {
			panic(err)
		}
		status, err := s.State(ctx, "north-1")
		if err != nil {
			panic(err)
		}
		fmt.Println(now.Format(time.DateOnly), status.State, "paid:", report.Paid)
	}
	totals, err := s.Paid(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(ledger.Format(totals[0].Amount, totals[0].Asset))
	// Output:
	// 2026-04-01 proposed paid: 0
	// 2026-04-08 proposed paid: 0
	// 2026-04-15 paid paid: 1
	// 2026-04-16 paid paid: 0
	// 95.00 MEADOW
}
