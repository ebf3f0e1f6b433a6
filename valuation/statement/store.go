package statement

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"loam/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps statements with their bundles. They are never changed and never removed: what became of a statement is the
// business of payouts.
type Store struct{ db *sqlite.DB }

// ErrOverlap says that part of the period is valued already by another statement under the same method name. Valuing it
// twice would pay it twice.
var ErrOverlap = errors.New("the period overlaps one that is valued already")

// OpenStore opens or creates the store at path.
func OpenStore(ctx context.Context, path string) (*Store, error) {
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	return &Store{db: db}, nil
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// Put keeps a statement with its bundle and returns it with true. Where the site and period have a statement under this
// version of the method already, that one stands and is returned with false, whatever the new one says.
func (s *Store) Put(ctx context.Context, st Statement, bundle []byte) (Statement, bool, error) {
	from, err := ParseTime(st.Period.From)
	if err != nil {
		return Statement{}, false, err
	}
	to, err := ParseTime(st.Period.To)
	if err != nil {
		return Statement{}, false, err
	}
	raw, err := Canonical(st)
	if err != nil {
		return Statement{}, false, err
	}
	stands, created := st, true
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		first, ok, err := scan(tx.QueryRowContext(ctx, `SELECT statement FROM statement WHERE site = ? AND from_at = ? AND to_at = ? AND digest = ?`,
			st.Site.ID, from.Unix(), to.Unix(), st.Method.Digest))
		if err != nil || ok {
			stands, created = first, false
			return err
		}
		var other string
		err = tx.QueryRowContext(ctx, `SELECT id FROM statement WHERE site = ? AND method = ? AND from_at < ? AND to_at > ? LIMIT 1`,
			st.Site.ID, st.Method.Name, to.Unix(), from.Unix()).Scan(&other)
		if err == nil {
			return fmt.Errorf("%w: %s", ErrOverlap, other)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO statement (id, site, method, digest, from_at, to_at, statement, bundle) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			st.ID, st.Site.ID, st.Method.Name, st.Method.Digest, from.Unix(), to.Unix(), raw, bundle)
		return err
	})
	if err != nil {
		return Statement{}, false, fmt.Errorf("statement: keep %s: %w", st.ID, err)
	}
	return stands, created, nil
}

// Get returns a statement, and false where there is none.
func (s *Store) Get(ctx context.Context, id string) (Statement, bool, error) {
	st, ok, err := scan(s.db.Read.QueryRowContext(ctx, `SELECT statement FROM statement WHERE id = ?`, id))
	if err != nil {
		return Statement{}, false, fmt.Errorf("statement: read %s: %w", id, err)
	}
	return st, ok, nil
}

// Bundle returns the file with which anyone can recompute the statement, and false where there is none.
func (s *Store) Bundle(ctx context.Context, id string) ([]byte, bool, error) {
	var raw []byte
	err := s.db.Read.QueryRowContext(ctx, `SELECT bundle FROM statement WHERE id = ?`, id).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("statement: read the bundle of %s: %w", id, err)
	}
	return raw, true, nil
}

// List returns every statement in the order of issue.
func (s *Store) List(ctx context.Context) ([]Statement, error) {
	return s.list(ctx, `SELECT statement FROM statement ORDER BY sequence`)
}

// Latest returns statements, newest period first, at most limit; of one site, or of all where site is "".
func (s *Store) Latest(ctx context.Context, site string, limit int) ([]Statement, error) {
	return s.list(ctx, `SELECT statement FROM statement WHERE ?1 IN ('', site) ORDER BY to_at DESC, site, sequence LIMIT ?2`, site, limit)
}

// Through returns the end of the newest period of a site that is valued under any version of the method of that name,
// and false where none is.
func (s *Store) Through(ctx context.Context, site, methodName string) (time.Time, bool, error) {
	var to sql.NullInt64
	err := s.db.Read.QueryRowContext(ctx, `SELECT max(to_at) FROM statement WHERE site = ? AND method = ?`, site, methodName).Scan(&to)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("statement: newest period of %s: %w", site, err)
	}
	return time.Unix(to.Int64, 0).UTC(), to.Valid, nil
}

func (s *Store) list(ctx context.Context, query string, args ...any) ([]Statement, error) {
	rows, err := s.db.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("statement: list: %w", err)
	}
	defer rows.Close()
	var list []Statement
	for rows.Next() {
		st, _, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("statement: list: %w", err)
		}
		list = append(list, st)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("statement: list: %w", err)
	}
	return list, nil
}

// scan reads one statement; false where there is no row.
func scan(row interface{ Scan(...any) error }) (Statement, bool, error) {
	var raw []byte
	if err := row.Scan(&raw); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			return Statement{}, false, nil
		}
		return Statement{}, false, err
	}
	var st Statement
	if err := json.Unmarshal(raw, &st); err != nil {
		return Statement{}, false, fmt.Errorf("a statement in the store is damaged: %w", err)
	}
	return st, true, nil
}
