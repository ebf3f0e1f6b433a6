package ledger

import (
	"database/sql"
	"errors"
	"fmt"
)

// change is what a transfer does to one account.
type change struct{ posted, pendingIn, pendingOut int64 }

// move applies a transfer's two sides, checking both accounts' limits.
func (b *book) move(t Transfer, debit, credit change) error {
	for _, side := range []struct {
		account Account
		change  change
	}{{t.Debit, debit}, {t.Credit, credit}} {
		balance, _, err := b.balance(side.account, t.Asset)
		if err != nil {
			return fmt.Errorf("ledger: transfer %q: %w", t.ID, err)
		}
		if balance, err = balance.with(side.change); err != nil {
			return fmt.Errorf("ledger: transfer %q of %s: %w", t.ID, Format(t.Amount, t.Asset), err)
		}
		if err := b.keep(balance); err != nil {
			return fmt.Errorf("ledger: transfer %q: %w", t.ID, err)
		}
	}
	return nil
}

// with returns the balance after a change, or an error wrapping [ErrLimit].
func (b Balance) with(c change) (Balance, error) {
	before := b
	fits := addTo(&b.Posted, c.posted) && addTo(&b.PendingIn, c.pendingIn) && addTo(&b.PendingOut, c.pendingOut)
	if !fits {
		return before, fmt.Errorf("%s: the sum does not fit 64 bits: %w", b.Account, ErrLimit)
	}
	return b, b.check()
}

// check returns an error wrapping [ErrLimit] when the balance breaks its own limits, pending amounts included.
func (b Balance) check() error {
	lowest, highest := b.Posted, b.Posted
	switch {
	case !addTo(&lowest, -b.PendingOut) || !addTo(&highest, b.PendingIn):
		return fmt.Errorf("%s: the sum does not fit 64 bits: %w", b.Account, ErrLimit)
	case b.Min != nil && lowest < *b.Min:
		return fmt.Errorf("%s would fall to %s, but not below %s: %w", b.Account, Format(lowest, b.Asset), Format(*b.Min, b.Asset), ErrLimit)
	case b.Max != nil && highest > *b.Max:
		return fmt.Errorf("%s would rise to %s, but not above %s: %w", b.Account, Format(highest, b.Asset), Format(*b.Max, b.Asset), ErrLimit)
	}
	return nil
}

// addTo adds n to *sum, or reports false and leaves it where the result does not fit.
func addTo(sum *int64, n int64) bool {
	total := *sum + n
	if (n > 0 && total < *sum) || (n < 0 && total > *sum) {
		return false
	}
	*sum = total
	return true
}

// balance reads an account; one that was never touched is not known and stands at zero.
func (b *book) balance(account Account, asset Asset) (balance Balance, known bool, err error) {
	return scanBalance(b.q.balance.QueryRowContext(b.ctx, account, asset), account, asset)
}

func scanBalance(row *sql.Row, account Account, asset Asset) (balance Balance, known bool, err error) {
	balance = Balance{Account: account, Asset: asset}
	err = row.Scan(&balance.Posted, &balance.PendingIn, &balance.PendingOut, &balance.Min, &balance.Max)
	if errors.Is(err, sql.ErrNoRows) {
		balance.Min = account.defaultMinimum()
		return balance, false, nil
	}
	if err != nil {
		return Balance{}, false, fmt.Errorf("read the balance of %s: %w", account, err)
	}
	return balance, true, nil
}

func (b *book) keep(balance Balance) error {
	_, err := b.q.keepBalance.ExecContext(b.ctx, balance.Account, balance.Asset, balance.Posted, balance.PendingIn, balance.PendingOut, balance.Min, balance.Max)
	if err != nil {
		return fmt.Errorf("write the balance of %s: %w", balance.Account, err)
	}
	return nil
}

// fixScale refuses a second scale for an asset's name; the first use decides.
func (b *book) fixScale(asset Asset) error {
	name, scale, err := asset.Parse()
	if err != nil {
		return err
	}
	var known int
	switch err := b.q.scale.QueryRowContext(b.ctx, name).Scan(&known); {
	case errors.Is(err, sql.ErrNoRows):
		_, err := b.q.insertAsset.ExecContext(b.ctx, name, scale)
		if err != nil {
			return fmt.Errorf("ledger: asset %s: %w", asset, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("ledger: asset %s: %w", asset, err)
	case known != scale:
		return fmt.Errorf("ledger: asset %s: %s is kept with scale %d and cannot have another: %w", asset, name, known, ErrInvalid)
	}
	return nil
}
