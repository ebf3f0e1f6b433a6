package ledger

import (
	"context"
	"database/sql"
)

// compareTransfers holds what the writer keeps of each transfer against what the entries say.
func (a *audit) compareTransfers(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT id, body, first, last, state, deadline, coalesce(origin, ''), coalesce(reverses, '') FROM transfers`)
	if err != nil {
		return err
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		var (
			id, origin, reverses  string
			content               []byte
			first, last, deadline int64
			state                 State
		)
		if err := rows.Scan(&id, &content, &first, &last, &state, &deadline, &origin, &reverses); err != nil {
			return err
		}
		t := a.transfers[id]
		if t == nil {
			a.report.problem("transfer %q is kept, but no entry tells of it", id)
			continue
		}
		seen++
		want, err := t.asked()
		if err != nil {
			return err
		}
		wantOrigin, wantReverses := t.Origin, t.Reverses
		if t.state == Voided || t.state == Expired {
			wantOrigin, wantReverses = "", ""
		}
		if first != t.Sequence || last != t.last || state != t.state || deadline != t.Deadline || string(content) != string(want[:]) ||
			origin != wantOrigin || reverses != wantReverses {
			a.report.problem("transfer %q is kept as %s, but its entries say %s or differ otherwise", id, state, t.state)
		}
	}
	if missing := len(a.transfers) - seen; missing > 0 {
		a.report.problem("%d transfers have entries but are not kept", missing)
	}
	return rows.Err()
}

// asked returns the digest of what the client asked for, worked out from the first entry.
func (t *course) asked() (digest, error) {
	return Transfer{
		ID: t.Transfer, Debit: t.Debit, Credit: t.Credit, Asset: t.Asset, Amount: t.Amount, Origin: t.Origin, Memo: t.Memo,
		Reverses: t.Reverses, Deadline: fromMillis(t.Deadline),
	}.bodyDigest(State(t.Kind))
}

// compareAccounts holds every kept balance against the sum of its entries, and the sum over each asset against zero.
func (a *audit) compareAccounts(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT account, asset, posted, pending_in, pending_out, minimum, maximum FROM accounts`)
	if err != nil {
		return err
	}
	defer rows.Close()
	seen, sums := 0, map[Asset]int64{}
	for rows.Next() {
		var kept Balance
		if err := rows.Scan(&kept.Account, &kept.Asset, &kept.Posted, &kept.PendingIn, &kept.PendingOut, &kept.Min, &kept.Max); err != nil {
			return err
		}
		sums[kept.Asset] += kept.Posted
		added := a.balances[holding{kept.Account, kept.Asset}]
		if added == nil {
			a.report.problem("%s is kept with %s, but no entry tells of it", kept.Account, Format(kept.Posted, kept.Asset))
			continue
		}
		seen++
		if kept.Posted != added.Posted || kept.PendingIn != added.PendingIn || kept.PendingOut != added.PendingOut {
			a.report.problem("%s is kept with %s (%d coming, %d going), but its entries add up to %s (%d coming, %d going)", kept.Account,
				Format(kept.Posted, kept.Asset), kept.PendingIn, kept.PendingOut,
				Format(added.Posted, added.Asset), added.PendingIn, added.PendingOut)
		}
		if !same(kept.Min, added.Min) || !same(kept.Max, added.Max) {
			a.report.problem("%s is kept with other limits in %s than its entries give it", kept.Account, kept.Asset)
		}
	}
	for asset, sum := range sums {
		if sum != 0 {
			a.report.problem("the balances in %s sum to %s instead of zero", asset, Format(sum, asset))
		}
	}
	if missing := len(a.balances) - seen; missing > 0 {
		a.report.problem("%d accounts have entries but are not kept", missing)
	}
	return rows.Err()
}

// compareAssets holds the kept scales against those the entries use.
func (a *audit) compareAssets(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT name, scale FROM assets`)
	if err != nil {
		return err
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		var (
			name  string
			scale int
		)
		if err := rows.Scan(&name, &scale); err != nil {
			return err
		}
		if used, ok := a.scales[name]; !ok || used != scale {
			a.report.problem("asset %s is kept with scale %d, which its entries do not use", name, scale)
			continue
		}
		seen++
	}
	if missing := len(a.scales) - seen; missing > 0 {
		a.report.problem("%d assets have entries but are not kept", missing)
	}
	return rows.Err()
}
