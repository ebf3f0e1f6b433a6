package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// book is the ledger within one write transaction: the rules. It is used by the writer only.
type book struct {
	ctx  context.Context
	q    statements
	now  time.Time
	last link
}

// link is the end of the hash chain.
type link struct {
	sequence int64
	hash     digest
}

// record enters transfers in order, all or none: an error means that the caller must roll back. Those already there with
// the same content are returned as they stand.
func (b *book) record(transfers []Transfer, phase State) ([]Transfer, error) {
	done := make([]Transfer, 0, len(transfers))
	for _, t := range transfers {
		recorded, err := b.recordOne(t, phase)
		if err != nil {
			return nil, err
		}
		done = append(done, recorded)
	}
	return done, nil
}

func (b *book) recordOne(t Transfer, phase State) (Transfer, error) {
	content, err := t.bodyDigest(phase)
	if err != nil {
		return Transfer{}, err
	}
	switch known, err := b.content(t.ID); {
	case err != nil && !errors.Is(err, ErrNotFound):
		return Transfer{}, err
	case err == nil && known != content:
		return Transfer{}, fmt.Errorf("ledger: transfer %q: %w", t.ID, ErrExists)
	case err == nil:
		return b.get(t.ID)
	}
	if phase == Pending && !t.Deadline.After(b.now) {
		return Transfer{}, fmt.Errorf("ledger: transfer %q: the deadline %s has passed: %w", t.ID, t.Deadline.Format(time.RFC3339), ErrInvalid)
	}
	if err := b.admit(t); err != nil {
		return Transfer{}, err
	}
	out, in := change{posted: -t.Amount}, change{posted: t.Amount}
	if phase == Pending {
		out, in = change{pendingOut: t.Amount}, change{pendingIn: t.Amount}
	}
	if err := b.move(t, out, in); err != nil {
		return Transfer{}, err
	}
	if err := b.append(t.entry(phase)); err != nil {
		return Transfer{}, err
	}
	t.State, t.At, t.Sequence = phase, b.now, b.last.sequence
	if phase == Posted {
		t.Settled = b.now
	}
	_, err = b.q.insertTransfer.ExecContext(b.ctx, t.ID, content[:], t.Sequence, t.Sequence, phase, millis(t.Deadline),
		nullable(t.Origin), nullable(t.Reverses))
	if err != nil {
		return Transfer{}, fmt.Errorf("ledger: transfer %q: %w", t.ID, err)
	}
	return t, nil
}

// admit checks what a transfer says against the books: its asset's scale, its origin and what it reverses.
func (b *book) admit(t Transfer) error {
	if err := b.fixScale(t.Asset); err != nil {
		return fmt.Errorf("ledger: transfer %q: %w", t.ID, err)
	}
	if t.Origin != "" {
		earlier, err := b.find(b.q.byOrigin, t.Origin)
		if err != nil {
			return fmt.Errorf("ledger: transfer %q: look up its origin: %w", t.ID, err)
		}
		if earlier != "" {
			return fmt.Errorf("ledger: transfer %q: origin %q was credited by transfer %q: %w", t.ID, t.Origin, earlier, ErrMinted)
		}
	}
	if t.Reverses != "" {
		return b.admitReversal(t)
	}
	return nil
}

func (b *book) admitReversal(t Transfer) error {
	original, err := b.get(t.Reverses)
	if err != nil {
		return fmt.Errorf("ledger: transfer %q: what it reverses: %w", t.ID, err)
	}
	mirror := original.Debit == t.Credit && original.Credit == t.Debit && original.Asset == t.Asset && original.Amount == t.Amount
	if original.State != Posted || !mirror {
		return fmt.Errorf("ledger: transfer %q: to reverse %q, which is %s, move %s from %s to %s after it was posted: %w", t.ID,
			original.ID, original.State, Format(original.Amount, original.Asset), original.Credit, original.Debit, ErrInvalid)
	}
	earlier, err := b.find(b.q.byReverses, t.Reverses)
	if err != nil {
		return fmt.Errorf("ledger: transfer %q: look for an earlier reversal: %w", t.ID, err)
	}
	if earlier != "" {
		return fmt.Errorf("ledger: transfer %q: %q was reversed by %q: %w", t.ID, t.Reverses, earlier, ErrReversed)
	}
	return nil
}

// settle ends a reservation. Asking again for the state it is in changes nothing.
func (b *book) settle(id string, to State) (Transfer, error) {
	t, err := b.get(id)
	switch {
	case err != nil:
		return Transfer{}, err
	case t.State == to:
		return t, nil
	case t.State != Pending:
		return Transfer{}, fmt.Errorf("ledger: transfer %q is %s: %w", id, t.State, ErrSettled)
	}
	out, in := change{pendingOut: -t.Amount}, change{pendingIn: -t.Amount}
	origin, reverses := sql.NullString{}, sql.NullString{} // what was not credited may be credited later
	if to == Posted {
		out.posted, in.posted = -t.Amount, t.Amount
		origin, reverses = nullable(t.Origin), nullable(t.Reverses)
	}
	if err := b.move(t, out, in); err != nil {
		return Transfer{}, err
	}
	if err := b.append(t.entry(to)); err != nil {
		return Transfer{}, err
	}
	if _, err := b.q.settleTransfer.ExecContext(b.ctx, b.last.sequence, to, origin, reverses, id); err != nil {
		return Transfer{}, fmt.Errorf("ledger: transfer %q: %w", id, err)
	}
	t.State, t.Settled = to, b.now
	return t, nil
}

// expireDue ends the reservations whose deadline has come and returns how many there were.
func (b *book) expireDue() (int, error) {
	due, err := b.due()
	if err != nil {
		return 0, fmt.Errorf("ledger: find reservations that are due: %w", err)
	}
	for _, id := range due {
		if _, err := b.settle(id, Expired); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

func (b *book) due() ([]string, error) {
	rows, err := b.q.due.QueryContext(b.ctx, millis(b.now))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// setLimits gives an account limits that its balance keeps already.
func (b *book) setLimits(account Account, asset Asset, minimum, maximum *int64) error {
	balance, known, err := b.balance(account, asset)
	if err != nil || known && same(balance.Min, minimum) && same(balance.Max, maximum) {
		return err
	}
	if err := b.fixScale(asset); err != nil {
		return err
	}
	balance.Min, balance.Max = minimum, maximum
	if err := balance.check(); err != nil {
		return err
	}
	if err := b.keep(balance); err != nil {
		return err
	}
	return b.append(entry{Kind: limitsKind, Debit: account, Asset: asset, Minimum: minimum, Maximum: maximum})
}

// append writes the next entry of the log.
func (b *book) append(e entry) error {
	e.Sequence, e.At = b.last.sequence+1, millis(b.now)
	hash, err := e.chained(b.last.hash)
	if err != nil {
		return err
	}
	_, err = b.q.insertEntry.ExecContext(b.ctx, e.Sequence, e.At, e.Kind, e.Transfer, e.Debit, e.Credit, e.Asset, e.Amount,
		e.Origin, e.Memo, e.Reverses, e.Deadline, e.Minimum, e.Maximum, hash[:])
	if err != nil {
		return fmt.Errorf("ledger: write entry %d: %w", e.Sequence, err)
	}
	b.last = link{e.Sequence, hash}
	return nil
}

// entry says that the transfer came to a state.
func (t Transfer) entry(to State) entry {
	return entry{
		Kind: string(to), Transfer: t.ID, Debit: t.Debit, Credit: t.Credit, Asset: t.Asset, Amount: t.Amount,
		Origin: t.Origin, Memo: t.Memo, Reverses: t.Reverses, Deadline: millis(t.Deadline),
	}
}

func same(a, b *int64) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func nullable(s string) sql.NullString {
	return sql.NullString{String: s, Valid: s != ""}
}
