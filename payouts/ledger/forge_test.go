package ledger

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/payouts/internal/memdir"
)

// TestCheckSeesForgery: entries that break a rule are found even when somebody made their hashes fit.
func TestCheckSeesForgery(t *testing.T) {
	const soil = "SOIL/2"
	issue := entry{Kind: "posted", Transfer: "issue", Debit: "a:mint:soil", Credit: "a:steward:x", Asset: soil, Amount: 10, Origin: "o"}
	pay := entry{Kind: "posted", Transfer: "pay", Debit: "a:steward:x", Credit: "a:steward:y", Asset: soil, Amount: 4}
	with := func(e entry, change func(*entry)) entry { change(&e); return e }
	reserve := with(pay, func(e *entry) { e.Kind, e.Deadline = "pending", 2_000 })
	for want, forged := range map[string][]entry{
		"would fall to -":        {issue, with(pay, func(e *entry) { e.Amount = 11 })},
		"would rise to":          {issue, {Kind: "limits", Debit: "a:steward:x", Asset: soil, Minimum: new(int64), Maximum: new(int64)}},
		"credited before":        {issue, with(issue, func(e *entry) { e.Transfer = "again" })},
		"without an origin":      {with(issue, func(e *entry) { e.Origin = "" })},
		"posted and cannot":      {issue, pay, pay},
		"expired and cannot":     {issue, reserve, with(reserve, func(e *entry) { e.Kind, e.At = "expired", 3_000 }), with(pay, func(e *entry) { e.Deadline = 2_000 })},
		"wrong side of its dead": {issue, reserve, with(reserve, func(e *entry) { e.Kind, e.At = "posted", 2_000 })},
		"after its own deadline": {issue, with(reserve, func(e *entry) { e.At = 2_000 })},
		"with other content":     {issue, reserve, with(reserve, func(e *entry) { e.Kind, e.Amount = "posted", 3 })},
		"before it was reserved": {issue, with(reserve, func(e *entry) { e.Kind = "voided" })},
		"is not a transfer":      {issue, with(pay, func(e *entry) { e.Amount = -1 })},
		"is not an asset":        {with(issue, func(e *entry) { e.Asset = "soil" })},
		"the scales 2 and 3":     {issue, with(issue, func(e *entry) { e.Transfer, e.Origin, e.Asset = "more", "p", "SOIL/3" })},
		"is not the reverse":     {issue, pay, {Kind: "posted", Transfer: "back", Debit: pay.Credit, Credit: pay.Debit, Asset: soil, Amount: 3, Reverses: "pay"}},
		"reversed before": {
			issue, pay, {Kind: "posted", Transfer: "b1", Debit: pay.Credit, Credit: pay.Debit, Asset: soil, Amount: 4, Reverses: "pay"},
			with(pay, func(e *entry) { e.Transfer = "pay2" }),
			{Kind: "posted", Transfer: "b2", Debit: pay.Credit, Credit: pay.Debit, Asset: soil, Amount: 4, Reverses: "pay"},
		},
	} {
		l, err := Open(t.Context(), filepath.Join(memdir.New(t), "ledger.db"), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.forge(t.Context(), forged); err != nil {
			t.Fatal(err)
		}
		report, err := l.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(report.Problems, "\n")
		if !strings.Contains(all, want) || strings.Contains(all, "hash does not fit") {
			t.Errorf("want %q, got\n%s", want, all)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// forge appends entries with hashes that fit, past all rules. An entry without a time is of second 1.
func (l *Ledger) forge(ctx context.Context, entries []entry) error {
	return l.db.InTx(ctx, func(tx *sql.Tx) error {
		b, err := l.open(ctx, tx)
		if err != nil {
			return err
		}
		for _, e := range entries {
			b.now = time.UnixMilli(max(e.At, 1_000))
			if err := b.append(e); err != nil {
				return err
			}
		}
		return nil
	})
}
