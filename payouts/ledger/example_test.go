package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"loam/payouts/ledger"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger.db"), time.Now)
	if err != nil {
		panic(err)
	}
	defer l.Close()

	// Issue 12.34 MEADOW for a statement; asking twice pays once.
	issue := ledger.Transfer{
		ID: "2026-03/north-meadow", Debit: ledger.Mint("willow-creek", "MEADOW/2"), Credit: "willow-creek:steward:asha",
		Asset: "MEADOW/2", Amount: 1234, Origin: "2026-03/north-meadow", Memo: "March 2026",
	}
	for range 2 {
		if _, err := l.Post(ctx, issue); err != nil {
			panic(err)
		}
	}

	// Asha can spend what she has, not more.
	_, err = l.Post(ctx, ledger.Transfer{
		ID: "seeds", Debit: "willow-creek:steward:asha", Credit: "willow-creek:shop:seeds", Asset: "MEADOW/2", Amount: 2000,
	})
	fmt.Println("refused:", errors.Is(err, ledger.ErrLimit))

	balance, err := l.Balance(ctx, "willow-creek:steward:asha", "MEADOW/2")
	if err != nil {
		panic(err)
	}
	fmt.Println("asha has", ledger.Format(balance.Posted, balance.Asset))

	report, err := l.Check(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println("balanced:", report.OK(), "sum:", report.Assets[0].Sum)
	// Output:
	// refused: true
	// asha has 12.34 MEADOW
	// balanced: true sum: 0
}

// A reservation holds an amount until it is posted, given up or over.
func ExampleLedger_Reserve() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger.db"), func() time.Time { return now })
	if err != nil {
		panic(err)
	}
	defer l.Close()

	_, err = l.Reserve(ctx, ledger.Transfer{
		ID: "t1", Debit: "willow-creek:mint:meadow", Credit: "willow-creek:steward:asha", Asset: "MEADOW/2", Amount: 500,
		Origin: "bonus", Deadline: now.Add(time.Hour),
	})
	if err != nil {
		panic(err)
	}
	posted, err := l.PostPending(ctx, "t1")
	fmt.Println(posted.State, err)
	_, err = l.Void(ctx, "t1")
	fmt.Println(err)
	// Output:
	// posted <nil>
	// ledger: transfer "t1" is posted: the reservation is no longer open
}
