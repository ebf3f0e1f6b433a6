package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Report is what [Ledger.Check] found.
type Report struct {
	Entries   int64
	Transfers int64
	Head      string   // hash of the last entry, hexadecimal; kept elsewhere, it shows later edits and cuts
	Assets    []Total  // by asset
	Problems  []string // what is wrong, in plain sentences, the first hundred; empty: the books are right
	Omitted   int      // problems beyond these
}

// Total is what stands behind one asset.
type Total struct {
	Asset    Asset
	Accounts int
	Issued   int64 // what the issuance accounts paid out, less what came back
	Sum      int64 // over all accounts; anything but 0 is a problem
}

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return len(r.Problems) == 0 }

const mostProblems = 100

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) == mostProblems {
		r.Omitted++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Check re-adds the whole ledger from its entries, without using what the writer keeps, and compares: the hash chain is
// unbroken; every step was allowed (limits, origins, reversals, states, deadlines, scales); every balance is the sum of
// its entries; per asset the sum is zero. An error means that the ledger could not be read; what is wrong with it is in
// the report. It needs memory for every transfer and account; others may read and write meanwhile.
func (l *Ledger) Check(ctx context.Context) (Report, error) {
	tx, err := l.db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // all queries see the same moment
	if err != nil {
		return Report{}, fmt.Errorf("ledger: check: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	a := newAudit()
	for _, step := range []func(context.Context, *sql.Tx) error{a.replay, a.compareTransfers, a.compareAccounts, a.compareAssets} {
		if err := step(ctx, tx); err != nil {
			return Report{}, fmt.Errorf("ledger: check: %w", err)
		}
	}
	a.total()
	return a.report, nil
}

// holding names an account in one asset.
type holding struct {
	account Account
	asset   Asset
}

// audit is the ledger as its entries alone tell it.
type audit struct {
	report    Report
	previous  digest
	transfers map[string]*course
	balances  map[holding]*Balance
	origins   map[string]string // origin → transfer
	reversals map[string]string // reversed transfer → the one that reverses it
	scales    map[string]int
}

// course is what the entries say of one transfer.
type course struct {
	entry       // the first
	last  int64 // sequence of the last
	state State
}

func newAudit() *audit {
	return &audit{
		transfers: map[string]*course{}, balances: map[holding]*Balance{}, origins: map[string]string{},
		reversals: map[string]string{}, scales: map[string]int{},
	}
}

func (a *audit) replay(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT sequence, at, kind, transfer, debit, credit, asset, amount, origin, memo, reverses, deadline,
		minimum, maximum, hash FROM entries ORDER BY sequence`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			e    entry
			hash []byte
		)
		err := rows.Scan(&e.Sequence, &e.At, &e.Kind, &e.Transfer, &e.Debit, &e.Credit, &e.Asset, &e.Amount, &e.Origin, &e.Memo,
			&e.Reverses, &e.Deadline, &e.Minimum, &e.Maximum, &hash)
		if err != nil {
			return err
		}
		if err := a.link(e, hash); err != nil {
			return err
		}
		a.step(e)
	}
	a.report.Head = hex.EncodeToString(a.previous[:])
	a.report.Transfers = int64(len(a.transfers))
	return rows.Err()
}

// link checks the entry's place in the chain. After a break it goes on from what is stored, so that one edit is one problem.
func (a *audit) link(e entry, stored []byte) error {
	a.report.Entries++
	if e.Sequence != a.report.Entries {
		a.report.problem("entry %d stands where entry %d should: entries were taken out", e.Sequence, a.report.Entries)
		a.report.Entries = e.Sequence
	}
	want, err := e.chained(a.previous)
	if err != nil {
		return err
	}
	if string(want[:]) != string(stored) {
		a.report.problem("entry %d was changed after it was written, or one before it was: its hash does not fit", e.Sequence)
	}
	copy(a.previous[:], stored)
	return nil
}

// step applies one entry and notes everything about it that the rules do not allow.
func (a *audit) step(e entry) {
	name, scale, err := e.Asset.Parse()
	if err != nil {
		a.report.problem("entry %d: asset %q is not an asset", e.Sequence, e.Asset)
	}
	if known, ok := a.scales[name]; ok && known != scale {
		a.report.problem("entry %d: %s is used with the scales %d and %d", e.Sequence, name, known, scale)
	} else if err == nil {
		a.scales[name] = scale
	}
	if e.Kind == limitsKind {
		b := a.balance(e.Debit, e.Asset)
		b.Min, b.Max = e.Minimum, e.Maximum
		a.limits(e, b)
		return
	}
	if e.Amount <= 0 || e.Debit == e.Credit || e.Debit.Check() != nil || e.Credit.Check() != nil {
		a.report.problem("entry %d: %d from %q to %q is not a transfer", e.Sequence, e.Amount, e.Debit, e.Credit)
	}
	if known := a.transfers[e.Transfer]; known != nil {
		a.settle(known, e)
	} else {
		a.begin(e)
	}
	a.limits(e, a.balance(e.Debit, e.Asset))
	a.limits(e, a.balance(e.Credit, e.Asset))
}

func (a *audit) begin(e entry) {
	a.transfers[e.Transfer] = &course{entry: e, last: e.Sequence, state: State(e.Kind)}
	debit, credit := a.balance(e.Debit, e.Asset), a.balance(e.Credit, e.Asset)
	switch State(e.Kind) {
	case Posted:
		debit.Posted, credit.Posted = debit.Posted-e.Amount, credit.Posted+e.Amount
	case Pending:
		debit.PendingOut, credit.PendingIn = debit.PendingOut+e.Amount, credit.PendingIn+e.Amount
		if e.Deadline <= e.At {
			a.report.problem("entry %d: transfer %q was reserved after its own deadline", e.Sequence, e.Transfer)
		}
	default:
		a.report.problem("entry %d: transfer %q was %s before it was reserved", e.Sequence, e.Transfer, e.Kind)
	}
	if e.Debit.Kind() == MintKind && e.Origin == "" && e.Reverses == "" {
		a.report.problem("entry %d: transfer %q was issued without an origin", e.Sequence, e.Transfer)
	}
	if e.Origin != "" {
		if earlier := a.origins[e.Origin]; earlier != "" {
			a.report.problem("entry %d: transfer %q credits origin %q, which %q credited before", e.Sequence, e.Transfer, e.Origin, earlier)
		}
		a.origins[e.Origin] = e.Transfer
	}
	if e.Reverses != "" {
		a.reversal(e)
	}
}

func (a *audit) reversal(e entry) {
	original := a.transfers[e.Reverses]
	if original == nil || original.state != Posted || original.Debit != e.Credit || original.Credit != e.Debit || original.Asset != e.Asset || original.Amount != e.Amount {
		a.report.problem("entry %d: transfer %q is not the reverse of %q", e.Sequence, e.Transfer, e.Reverses)
	}
	if earlier := a.reversals[e.Reverses]; earlier != "" {
		a.report.problem("entry %d: transfer %q reverses %q, which %q reversed before", e.Sequence, e.Transfer, e.Reverses, earlier)
	}
	a.reversals[e.Reverses] = e.Transfer
}

func (a *audit) settle(t *course, e entry) {
	if t.state != Pending || e.Kind == string(Pending) {
		a.report.problem("entry %d: transfer %q was %s and cannot become %s", e.Sequence, e.Transfer, t.state, e.Kind)
		return
	}
	first, now := t.entry, e
	now.Sequence, now.At, now.Kind = first.Sequence, first.At, first.Kind
	if first != now {
		a.report.problem("entry %d: transfer %q was settled with other content than it was reserved with", e.Sequence, e.Transfer)
	}
	if e.Kind != string(Expired) && e.At >= e.Deadline || e.Kind == string(Expired) && e.At < e.Deadline {
		a.report.problem("entry %d: transfer %q was %s on the wrong side of its deadline", e.Sequence, e.Transfer, e.Kind)
	}
	t.state, t.last = State(e.Kind), e.Sequence
	debit, credit := a.balance(e.Debit, e.Asset), a.balance(e.Credit, e.Asset)
	debit.PendingOut, credit.PendingIn = debit.PendingOut-e.Amount, credit.PendingIn-e.Amount
	if t.state == Posted {
		debit.Posted, credit.Posted = debit.Posted-e.Amount, credit.Posted+e.Amount
		return
	}
	delete(a.origins, t.Origin)
	delete(a.reversals, t.Reverses)
}

func (a *audit) limits(e entry, b *Balance) {
	if err := b.check(); err != nil {
		a.report.problem("entry %d: %v", e.Sequence, err)
	}
}

func (a *audit) balance(account Account, asset Asset) *Balance {
	at := holding{account, asset}
	if a.balances[at] == nil {
		a.balances[at] = &Balance{Account: account, Asset: asset, Min: account.defaultMinimum()}
	}
	return a.balances[at]
}

// total adds up each asset.
func (a *audit) total() {
	totals := map[Asset]*Total{}
	for at, b := range a.balances {
		if totals[at.asset] == nil {
			totals[at.asset] = &Total{Asset: at.asset}
		}
		t := totals[at.asset]
		t.Accounts++
		t.Sum += b.Posted
		if at.account.Kind() == MintKind {
			t.Issued -= b.Posted
		}
	}
	for _, t := range totals {
		a.report.Assets = append(a.report.Assets, *t)
	}
	slices.SortFunc(a.report.Assets, func(x, y Total) int { return strings.Compare(string(x.Asset), string(y.Asset)) })
}
