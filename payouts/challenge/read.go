package challenge

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

const (
	ofStatement = `WHERE statement = ? ORDER BY number`
	ofAll       = `ORDER BY number`
)

func read(ctx context.Context, db querier, where string, args ...any) ([]event, error) {
	rows, err := db.QueryContext(ctx, `SELECT number, statement, kind, at, person, reason, objection, until FROM events `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	defer rows.Close()
	var events []event
	for rows.Next() {
		var (
			e         event
			at, until int64
		)
		if err := rows.Scan(&e.number, &e.statement, &e.kind, &at, &e.by, &e.reason, &e.objection, &until); err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		e.at = time.UnixMilli(at).UTC()
		if until != 0 {
			e.until = time.UnixMilli(until).UTC()
		}
		events = append(events, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

func (e *event) insert(ctx context.Context, tx *sql.Tx) error {
	until := int64(0)
	if !e.until.IsZero() {
		until = e.until.UnixMilli()
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO events (statement, kind, at, person, reason, objection, until) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		e.statement, e.kind, e.at.UnixMilli(), e.by, e.reason, e.objection, until)
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	e.number, err = result.LastInsertId()
	return err
}

// about returns the statement an objection is against.
func (d *Docket) about(ctx context.Context, objection int64) (string, error) {
	var statement string
	err := d.db.Read.QueryRowContext(ctx, `SELECT statement FROM events WHERE number = ? AND kind = 'objected'`, objection).Scan(&statement)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("challenge: objection %d: %w", objection, ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("challenge: objection %d: %w", objection, err)
	}
	return statement, nil
}

// State returns where a statement stands, or an error wrapping [ErrNotFound].
func (d *Docket) State(ctx context.Context, statement string) (Status, error) {
	events, err := read(ctx, d.db.Read, ofStatement, statement)
	if err == nil && len(events) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Status{}, fmt.Errorf("challenge: statement %q: %w", statement, err)
	}
	return fold(events).Status, nil
}

// List returns where every statement stands, in the order they were proposed.
func (d *Docket) List(ctx context.Context) ([]Status, error) {
	events, err := read(ctx, d.db.Read, ofAll)
	if err != nil {
		return nil, fmt.Errorf("challenge: %w", err)
	}
	files, order := map[string]*file{}, []*file{}
	for _, e := range events {
		f := files[e.statement]
		if f == nil {
			f = &file{}
			files[e.statement], order = f, append(order, f)
		}
		f.apply(e)
	}
	all := make([]Status, len(order))
	for i, f := range order {
		all[i] = f.Status
	}
	return all, nil
}
