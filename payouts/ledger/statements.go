package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// statements are what the writer runs, prepared once.
type statements struct {
	head, byID, byOrigin, byReverses, content, due *sql.Stmt
	balance, scale                                 *sql.Stmt
	insertEntry, insertTransfer, settleTransfer    *sql.Stmt
	keepBalance, insertAsset                       *sql.Stmt
	savepoint, release, rollback                   *sql.Stmt
}

const (
	selectTransfer = `SELECT t.id, f.debit, f.credit, f.asset, f.amount, f.origin, f.memo, f.reverses, f.deadline, t.state, f.at, l.at, t.first
		FROM transfers t JOIN entries f ON f.sequence = t.first JOIN entries l ON l.sequence = t.last `
	selectBalance = `SELECT posted, pending_in, pending_out, minimum, maximum FROM accounts WHERE account = ? AND asset = ?`
)

// each calls do for every statement and its text.
func (s *statements) each(do func(stmt **sql.Stmt, query string) error) error {
	var errs []error
	for _, p := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&s.head, `SELECT sequence, hash FROM entries ORDER BY sequence DESC LIMIT 1`},
		{&s.byID, selectTransfer + `WHERE t.id = ?`},
		{&s.byOrigin, `SELECT id FROM transfers WHERE origin = ?`},
		{&s.byReverses, `SELECT id FROM transfers WHERE reverses = ?`},
		{&s.content, `SELECT body FROM transfers WHERE id = ?`},
		{&s.due, `SELECT id FROM transfers WHERE state = 'pending' AND deadline <= ? ORDER BY deadline, first`},
		{&s.balance, selectBalance},
		{&s.scale, `SELECT scale FROM assets WHERE name = ?`},
		{&s.insertEntry, `INSERT INTO entries (sequence, at, kind, transfer, debit, credit, asset, amount, origin, memo, reverses,
			deadline, minimum, maximum, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.insertTransfer, `INSERT INTO transfers (id, body, first, last, state, deadline, origin, reverses) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.settleTransfer, `UPDATE transfers SET last = ?, state = ?, origin = ?, reverses = ? WHERE id = ?`},
		{&s.keepBalance, `INSERT INTO accounts (account, asset, posted, pending_in, pending_out, minimum, maximum) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET posted = excluded.posted, pending_in = excluded.pending_in, pending_out = excluded.pending_out,
			minimum = excluded.minimum, maximum = excluded.maximum`},
		{&s.insertAsset, `INSERT INTO assets (name, scale) VALUES (?, ?)`},
		{&s.savepoint, `SAVEPOINT request`},
		{&s.release, `RELEASE request`},
		{&s.rollback, `ROLLBACK TO request`},
	} {
		errs = append(errs, do(p.stmt, p.query))
	}
	return errors.Join(errs...)
}

func prepare(ctx context.Context, db *sql.DB) (*statements, error) {
	var s statements
	err := s.each(func(stmt **sql.Stmt, query string) error {
		var err error
		*stmt, err = db.PrepareContext(ctx, query)
		return err
	})
	return &s, err
}

// within returns the statements bound to a transaction.
func (s statements) within(ctx context.Context, tx *sql.Tx) statements {
	_ = s.each(func(stmt **sql.Stmt, _ string) error {
		*stmt = tx.StmtContext(ctx, *stmt)
		return nil
	})
	return s
}

func (s *statements) close() error {
	return s.each(func(stmt **sql.Stmt, _ string) error {
		if *stmt == nil {
			return nil
		}
		return (*stmt).Close()
	})
}

// find returns the id a lookup leads to, or "".
func (b *book) find(lookup *sql.Stmt, key string) (string, error) {
	var id string
	err := lookup.QueryRowContext(b.ctx, key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// content returns the digest of what a transfer was asked to be, or an error wrapping [ErrNotFound].
func (b *book) content(id string) (digest, error) {
	var raw []byte
	err := b.q.content.QueryRowContext(b.ctx, id).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return digest{}, ErrNotFound
	}
	if err != nil {
		return digest{}, fmt.Errorf("ledger: transfer %q: read its digest: %w", id, err)
	}
	return toDigest(raw)
}

func (b *book) get(id string) (Transfer, error) {
	return getTransfer(b.q.byID.QueryRowContext(b.ctx, id), id)
}

func getTransfer(row *sql.Row, id string) (Transfer, error) {
	t, err := scanTransfer(row)
	if errors.Is(err, sql.ErrNoRows) {
		return Transfer{}, fmt.Errorf("ledger: transfer %q: %w", id, ErrNotFound)
	}
	if err != nil {
		return Transfer{}, fmt.Errorf("ledger: read transfer %q: %w", id, err)
	}
	return t, nil
}

// scanTransfer reads a row of selectTransfer.
func scanTransfer(row interface{ Scan(...any) error }) (Transfer, error) {
	var (
		t                     Transfer
		deadline, at, settled int64
	)
	err := row.Scan(&t.ID, &t.Debit, &t.Credit, &t.Asset, &t.Amount, &t.Origin, &t.Memo, &t.Reverses, &deadline, &t.State, &at, &settled, &t.Sequence)
	if err != nil {
		return Transfer{}, err
	}
	t.Deadline, t.At = fromMillis(deadline), fromMillis(at)
	if t.State != Pending {
		t.Settled = fromMillis(settled)
	}
	return t, nil
}
