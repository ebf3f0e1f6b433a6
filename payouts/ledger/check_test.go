package ledger_test

import (
	"strings"
	"testing"
	"time"

	"loam/payouts/ledger"
)

const (
	mint    = ledger.Account("creek:mint:soil")
	asha    = ledger.Account("creek:steward:asha")
	commons = ledger.Account("creek:commons:main")
	soil    = ledger.Asset("SOIL/2")
)

// busyLedger holds some of everything: issues, payments, all ends of a reservation, a reversal and limits.
func busyLedger(t *testing.T) *ledger.Ledger {
	l := openLedger(t)
	later := time.Now().Add(time.Hour)
	post(t, l, ledger.Transfer{ID: "issue", Debit: mint, Credit: asha, Asset: soil, Amount: 5_000, Origin: "s1", Memo: "first"},
		ledger.Transfer{ID: "pay", Debit: asha, Credit: commons, Asset: soil, Amount: 100, Memo: "a <b> \u2028 \"c\""},
		ledger.Transfer{ID: "back", Debit: commons, Credit: asha, Asset: soil, Amount: 100, Reverses: "pay"})
	for _, id := range []string{"open", "posted", "voided"} {
		if _, err := l.Reserve(t.Context(), ledger.Transfer{ID: id, Debit: mint, Credit: commons, Asset: soil, Amount: 7, Origin: id, Deadline: later}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.PostPending(t.Context(), "posted"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Void(t.Context(), "voided"); err != nil {
		t.Fatal(err)
	}
	most := int64(9_000)
	if err := l.SetLimits(t.Context(), asha, soil, nil, &most); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestCheckSeesEdits: whatever somebody with access to the file changes, Check tells.
func TestCheckSeesEdits(t *testing.T) {
	for name, edit := range map[string]string{
		"amount":             `UPDATE entries SET amount = amount + 1 WHERE transfer = 'issue'`,
		"payee":              `UPDATE entries SET credit = 'creek:steward:eve' WHERE transfer = 'issue'`,
		"memo":               `UPDATE entries SET memo = 'second' WHERE transfer = 'issue'`,
		"time":               `UPDATE entries SET at = at + 1 WHERE transfer = 'issue'`,
		"hash":               `UPDATE entries SET hash = zeroblob(32) WHERE sequence = 3`,
		"last hash":          `UPDATE entries SET hash = zeroblob(32) WHERE sequence = (SELECT max(sequence) FROM entries)`,
		"entry taken out":    `DELETE FROM entries WHERE transfer = 'voided'`,
		"end cut off":        `DELETE FROM entries WHERE kind = 'limits'`,
		"limit raised":       `UPDATE entries SET maximum = 10000000 WHERE kind = 'limits'`,
		"balance":            `UPDATE accounts SET posted = posted + 1 WHERE account = 'creek:steward:asha'`,
		"balance moved":      `UPDATE accounts SET posted = posted + CASE account WHEN 'creek:steward:asha' THEN 1 ELSE -1 END WHERE account IN ('creek:steward:asha', 'creek:commons:main')`,
		"pending":            `UPDATE accounts SET pending_in = 0`,
		"kept limit":         `UPDATE accounts SET maximum = NULL`,
		"account made":       `INSERT INTO accounts VALUES ('creek:steward:eve', 'SOIL/2', 0, 0, 0, 0, NULL)`,
		"account lost":       `DELETE FROM accounts WHERE account = 'creek:commons:main'`,
		"transfer lost":      `DELETE FROM transfers WHERE id = 'pay'`,
		"transfer made":      `INSERT INTO transfers SELECT 100, 'ghost', body, last, state, deadline, NULL, NULL FROM transfers WHERE id = 'pay'`,
		"transfer reopened":  `UPDATE transfers SET state = 'pending' WHERE id = 'voided'`,
		"origin freed":       `UPDATE transfers SET origin = NULL WHERE id = 'issue'`,
		"reversal forgotten": `UPDATE transfers SET reverses = NULL WHERE id = 'back'`,
		"other content":      `UPDATE transfers SET body = zeroblob(32) WHERE id = 'pay'`,
		"deadline":           `UPDATE transfers SET deadline = deadline + 1 WHERE id = 'open'`,
		"scale":              `UPDATE assets SET scale = 3`,
		"asset made":         `INSERT INTO assets VALUES ('GOLD', 2)`,
		"asset lost":         `DELETE FROM assets`,
	} {
		t.Run(name, func(t *testing.T) {
			l := busyLedger(t)
			if report, err := l.Check(t.Context()); err != nil || !report.OK() {
				t.Fatalf("before the edit: %v %v", err, report.Problems)
			}
			err := l.Raw(t, `PRAGMA foreign_keys = OFF`, `DROP TRIGGER entries_never_change`, `DROP TRIGGER entries_never_go`, edit)
			if err != nil {
				t.Fatal(err)
			}
			report, err := l.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if report.OK() {
				t.Error("nothing was noticed")
			}
		})
	}
}

// TestEntriesNeverChange: an edit through the database itself is refused.
func TestEntriesNeverChange(t *testing.T) {
	l := busyLedger(t)
	for _, q := range []string{`UPDATE entries SET memo = 'x'`, `DELETE FROM entries`, `DELETE FROM entries WHERE sequence = 1`} {
		if err := l.Raw(t, q); err == nil || !strings.Contains(err.Error(), "correcting transfer") {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func TestReport(t *testing.T) {
	l := busyLedger(t)
	first, err := l.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.Entries != 9 || first.Transfers != 6 || len(first.Head) != 64 {
		t.Errorf("%+v", first)
	}
	if len(first.Assets) != 1 || first.Assets[0] != (ledger.Total{Asset: soil, Accounts: 3, Issued: 5_007}) {
		t.Errorf("%+v", first.Assets)
	}
	again, err := l.Check(t.Context())
	if err != nil || again.Head != first.Head {
		t.Errorf("the head moved without an entry: %v", err)
	}
	post(t, l, ledger.Transfer{ID: "more", Debit: mint, Credit: commons, Asset: soil, Amount: 1, Origin: "s2"})
	if again, err = l.Check(t.Context()); err != nil || again.Head == first.Head {
		t.Errorf("the head did not move with an entry: %v", err)
	}
}
