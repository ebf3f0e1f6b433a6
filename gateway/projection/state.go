package projection

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"loam/gateway/store"
	"loam/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// state is what the projection remembers over restarts.
type state struct {
	db *sqlite.DB

	mu         sync.Mutex
	next       uint64
	settings   string
	newest     map[series]time.Time
	refused    int
	unreadable int
}

func openState(ctx context.Context, path string) (*state, error) {
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, fmt.Errorf("projection: %w", err)
	}
	s := &state{db: db, newest: map[series]time.Time{}}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("projection: read %s: %w", path, err), db.Close())
	}
	return s, nil
}

func (s *state) load(ctx context.Context) error {
	err := s.db.Read.QueryRowContext(ctx, `SELECT next, settings, (SELECT count(*) FROM refused), (SELECT count(*) FROM unreadable) FROM cursor`).
		Scan(&s.next, &s.settings, &s.refused, &s.unreadable)
	if err != nil {
		return err
	}
	rows, err := s.db.Read.QueryContext(ctx, `SELECT gateway, channel, quantity, at FROM newest`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k series
		var at int64
		if err := rows.Scan(&k.gateway, &k.channel, &k.quantity, &at); err != nil {
			return err
		}
		s.newest[k] = time.UnixMilli(at).UTC()
	}
	return rows.Err()
}

func (s *state) cursor(ctx context.Context) (next uint64, err error) {
	if err := s.db.Read.QueryRowContext(ctx, `SELECT next FROM cursor`).Scan(&next); err != nil {
		return 0, fmt.Errorf("projection: read the cursor: %w", err)
	}
	return next, nil
}

// reset forgets all that was projected.
func (s *state) reset(ctx context.Context, settings string) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{`DELETE FROM newest`, `DELETE FROM refused`, `DELETE FROM unreadable`} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE cursor SET next = 0, settings = ?`, settings)
		return err
	})
	if err != nil {
		return fmt.Errorf("projection: put the cursor back: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.settings, s.refused, s.unreadable = 0, settings, 0, 0
	s.newest = map[series]time.Time{}
	return nil
}

// commit moves the cursor behind a step that is in the store.
func (s *state) commit(ctx context.Context, b *batch) error {
	var refused, unreadable int
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		if err := s.forgive(ctx, tx, b.points); err != nil {
			return err
		}
		for _, r := range b.refused {
			p := r.point
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO refused (site, gateway, channel, quantity, at, value, raw, flag, tests, reason)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, p.Site, p.Gateway, string(p.Channel), string(p.Quantity), p.At.UnixMilli(),
				p.Value, p.Raw, int64(p.Flag), p.Tests, r.reason); err != nil {
				return err
			}
		}
		for _, u := range b.unreadable {
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO unreadable (leaf, gateway, sequence, reason) VALUES (?, ?, ?, ?)`,
				int64(u.leaf), u.gateway, strconv.FormatUint(u.sequence, 10), u.reason); err != nil {
				return err
			}
		}
		for k, at := range b.newest {
			if _, err := tx.ExecContext(ctx, `INSERT INTO newest (gateway, channel, quantity, at) VALUES (?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET at = max(at, excluded.at)`, k.gateway, string(k.channel), string(k.quantity), at.UnixMilli()); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cursor SET next = ?`, int64(b.next)); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM refused), (SELECT count(*) FROM unreadable)`).Scan(&refused, &unreadable)
	})
	if err != nil {
		return fmt.Errorf("projection: move the cursor: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.refused, s.unreadable = b.next, refused, unreadable
	maps.Copy(s.newest, b.newest)
	return nil
}

// forgive takes points off the refused ones that were written again; those refused again come back right after.
func (s *state) forgive(ctx context.Context, tx *sql.Tx, points []store.Point) error {
	if s.refused == 0 {
		return nil
	}
	for _, p := range points {
		if _, err := tx.ExecContext(ctx, `DELETE FROM refused WHERE site = ? AND gateway = ? AND channel = ? AND quantity = ? AND at = ?`,
			p.Site, p.Gateway, string(p.Channel), string(p.Quantity), p.At.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) isRefused(ctx context.Context, k store.Key, at time.Time) (refused bool, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM refused WHERE site = ? AND gateway = ? AND channel = ? AND quantity = ? AND at = ?)`,
		k.Site, k.Gateway, string(k.Channel), string(k.Quantity), at.UnixMilli()).Scan(&refused)
	if err != nil {
		return false, fmt.Errorf("projection: read what was refused: %w", err)
	}
	return refused, nil
}

// witness returns the newest reading of all that the cursor says is in the store.
func (s *state) witness() (newest series, at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, t := range s.newest {
		if !ok || t.After(at) || t.Equal(at) && k.compare(newest) < 0 {
			newest, at, ok = k, t, true
		}
	}
	return newest, at, ok
}

// aside says what was set aside, in words.
func (s *state) aside() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []string
	if s.refused > 0 {
		parts = append(parts, fmt.Sprintf("the store refused %d points for good: they are in table refused of %s with the reason", s.refused, s.db.Path()))
	}
	if s.unreadable > 0 {
		parts = append(parts, fmt.Sprintf("%d batches of the evidence do not fit the registry: they are in table unreadable of %s with the reason", s.unreadable, s.db.Path()))
	}
	return strings.Join(parts, "; ")
}

func (s *state) close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("projection: %w", err)
	}
	return nil
}
