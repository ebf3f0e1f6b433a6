package ledger

import (
	"context"
	"fmt"
)

// Balance returns where an account stands; one that was never touched stands at zero.
func (l *Ledger) Balance(ctx context.Context, account Account, asset Asset) (Balance, error) {
	balance, _, err := scanBalance(l.db.Read.QueryRowContext(ctx, selectBalance, account, asset), account, asset)
	if err != nil {
		return Balance{}, fmt.Errorf("ledger: %w", err)
	}
	return balance, nil
}

// Accounts returns every account that was ever touched, by asset and name, all as of one moment: per asset the posted
// amounts sum to zero.
func (l *Ledger) Accounts(ctx context.Context) ([]Balance, error) {
	rows, err := l.db.Read.QueryContext(ctx, `SELECT account, asset, posted, pending_in, pending_out, minimum, maximum FROM accounts ORDER BY asset, account`)
	if err != nil {
		return nil, fmt.Errorf("ledger: read accounts: %w", err)
	}
	defer rows.Close()
	var all []Balance
	for rows.Next() {
		var b Balance
		if err := rows.Scan(&b.Account, &b.Asset, &b.Posted, &b.PendingIn, &b.PendingOut, &b.Min, &b.Max); err != nil {
			return nil, fmt.Errorf("ledger: read accounts: %w", err)
		}
		all = append(all, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ledger: read accounts: %w", err)
	}
	return all, nil
}

// Get returns a transfer as it stands, or an error wrapping [ErrNotFound].
func (l *Ledger) Get(ctx context.Context, id string) (Transfer, error) {
	return getTransfer(l.db.Read.QueryRowContext(ctx, selectTransfer+`WHERE t.id = ?`, id), id)
}

// History returns every transfer to or from an account as it stands, in the order of recording.
func (l *Ledger) History(ctx context.Context, account Account) ([]Transfer, error) {
	return l.transfers(ctx, `WHERE f.debit = ?1 OR f.credit = ?1 ORDER BY t.first`, account)
}

// Transfers returns up to limit transfers recorded after the one with the given sequence, in the order of recording.
func (l *Ledger) Transfers(ctx context.Context, after int64, limit int) ([]Transfer, error) {
	return l.transfers(ctx, `WHERE t.first > ? ORDER BY t.first LIMIT ?`, after, limit)
}

func (l *Ledger) transfers(ctx context.Context, where string, args ...any) ([]Transfer, error) {
	rows, err := l.db.Read.QueryContext(ctx, selectTransfer+where, args...)
	if err != nil {
		return nil, fmt.Errorf("ledger: read transfers: %w", err)
	}
	defer rows.Close()
	var all []Transfer
	for rows.Next() {
		t, err := scanTransfer(rows)
		if err != nil {
			return nil, fmt.Errorf("ledger: read transfers: %w", err)
		}
		all = append(all, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ledger: read transfers: %w", err)
	}
	return all, nil
}
