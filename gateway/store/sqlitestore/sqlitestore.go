// Package sqlitestore keeps points in one SQLite file: the store of a hub that needs no server beside it.
package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"loam/gateway/store"
	"loam/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store implements [store.Store] on a file of its own.
type Store struct {
	db *sqlite.DB

	mu     sync.Mutex
	series map[store.Key]int64 // rows of the table series; they are never removed, so the cache cannot go stale
}

// Open opens or creates the file at path.
func Open(ctx context.Context, path string) (*Store, error) {
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: %w", err)
	}
	return &Store{db: db, series: map[store.Key]int64{}}, nil
}

// rows go into one statement together: one call into SQLite for each row costs more than the row.
const rows = 128

// Write implements [store.Store].
func (s *Store) Write(ctx context.Context, points []store.Point) error {
	if err := store.Validate(points); err != nil {
		return fmt.Errorf("sqlitestore: %w", err)
	}
	if len(points) == 0 {
		return nil
	}
	ids, err := s.ids(ctx, points)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *sql.Tx) error {
		full, err := tx.PrepareContext(ctx, upsert(rows))
		if err != nil {
			return fmt.Errorf("sqlitestore: prepare: %w", err)
		}
		defer full.Close()
		args := make([]any, 0, rows*7)
		for len(points) > 0 {
			n := min(len(points), rows)
			args = args[:0]
			for _, p := range points[:n] {
				args = append(args, ids[p.Key], p.At.UnixMilli(), p.Value, p.Raw, minus(p), int64(p.Flag), p.Tests)
			}
			if n == rows {
				_, err = full.ExecContext(ctx, args...)
			} else {
				_, err = tx.ExecContext(ctx, upsert(n), args...)
			}
			if err != nil {
				return fmt.Errorf("sqlitestore: write %d points: %w", n, err)
			}
			points = points[n:]
		}
		return nil
	})
}

func upsert(n int) string {
	return "INSERT OR REPLACE INTO point (series, at, value, raw, minus, flag, tests) VALUES (?,?,?,?,?,?,?)" +
		strings.Repeat(",(?,?,?,?,?,?,?)", n-1)
}

func minus(p store.Point) (bits int64) {
	if p.Value == 0 && math.Signbit(p.Value) {
		bits |= 1
	}
	if p.Raw == 0 && math.Signbit(p.Raw) {
		bits |= 2
	}
	return bits
}

// ids returns the row of every series in points, and makes those that are new. It commits before the points are
// written: a series without a point is not listed and does no harm.
func (s *Store) ids(ctx context.Context, points []store.Point) (map[store.Key]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[store.Key]int64{}
	for _, p := range points {
		if _, done := ids[p.Key]; done {
			continue
		}
		known, ok := s.series[p.Key]
		if !ok {
			var err error
			if known, err = s.insertSeries(ctx, p.Key); err != nil {
				return nil, err
			}
			s.series[p.Key] = known
		}
		ids[p.Key] = known
	}
	return ids, nil
}

func (s *Store) insertSeries(ctx context.Context, k store.Key) (row int64, err error) {
	// DO UPDATE rather than DO NOTHING, because only the former returns the row.
	err = s.db.Write.QueryRowContext(ctx, `INSERT INTO series (site, gateway, channel, quantity) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET site = excluded.site RETURNING id`, k.Site, k.Gateway, string(k.Channel), string(k.Quantity)).Scan(&row)
	if err != nil {
		return 0, fmt.Errorf("sqlitestore: new series %s: %w", k, err)
	}
	return row, nil
}

// Keys implements [store.Store].
func (s *Store) Keys(ctx context.Context) ([]store.Key, error) {
	found, err := s.db.Read.QueryContext(ctx, `SELECT site, gateway, channel, quantity FROM series
		WHERE EXISTS (SELECT 1 FROM point WHERE series = series.id) ORDER BY site, gateway, channel, quantity`)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: list series: %w", err)
	}
	defer found.Close()
	var keys []store.Key
	for found.Next() {
		var k store.Key
		if err := found.Scan(&k.Site, &k.Gateway, &k.Channel, &k.Quantity); err != nil {
			return nil, fmt.Errorf("sqlitestore: list series: %w", err)
		}
		keys = append(keys, k)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("sqlitestore: list series: %w", err)
	}
	return keys, nil
}

const selectPoints = `SELECT at, value, raw, minus, flag, tests FROM point
	WHERE series = (SELECT id FROM series WHERE site = ? AND gateway = ? AND channel = ? AND quantity = ?) `

// Range implements [store.Store].
func (s *Store) Range(ctx context.Context, k store.Key, from, to time.Time) ([]store.Point, error) {
	return s.points(ctx, k, "AND at >= ? AND at < ? ORDER BY at", ceilMilli(from), ceilMilli(to))
}

// Latest implements [store.Store].
func (s *Store) Latest(ctx context.Context, k store.Key) (store.Point, bool, error) {
	points, err := s.points(ctx, k, "ORDER BY at DESC LIMIT 1")
	if err != nil || len(points) == 0 {
		return store.Point{}, false, err
	}
	return points[0], true, nil
}

func (s *Store) points(ctx context.Context, k store.Key, rest string, args ...any) ([]store.Point, error) {
	found, err := s.db.Read.QueryContext(ctx, selectPoints+rest, append([]any{k.Site, k.Gateway, string(k.Channel), string(k.Quantity)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("sqlitestore: read %s: %w", k, err)
	}
	defer found.Close()
	var points []store.Point
	for found.Next() {
		p := store.Point{Key: k}
		var at, zeros int64
		if err := found.Scan(&at, &p.Value, &p.Raw, &zeros, &p.Flag, &p.Tests); err != nil {
			return nil, fmt.Errorf("sqlitestore: read %s: %w", k, err)
		}
		p.At = time.UnixMilli(at).UTC()
		if zeros&1 != 0 {
			p.Value = math.Copysign(p.Value, -1)
		}
		if zeros&2 != 0 {
			p.Raw = math.Copysign(p.Raw, -1)
		}
		points = append(points, p)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("sqlitestore: read %s: %w", k, err)
	}
	return points, nil
}

// ceilMilli is the first millisecond that is not before t.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}

// Count implements [store.Store].
func (s *Store) Count(ctx context.Context) (n int64, err error) {
	if err := s.db.Read.QueryRowContext(ctx, "SELECT count(*) FROM point").Scan(&n); err != nil {
		return 0, fmt.Errorf("sqlitestore: count: %w", err)
	}
	return n, nil
}

// Clear implements [store.Store].
func (s *Store) Clear(ctx context.Context) error {
	if _, err := s.db.Write.ExecContext(ctx, "DELETE FROM point"); err != nil {
		return fmt.Errorf("sqlitestore: clear: %w", err)
	}
	return nil
}

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) error {
	if err := errors.Join(s.db.Read.PingContext(ctx), s.db.Write.PingContext(ctx)); err != nil {
		return fmt.Errorf("sqlitestore: %s: %w", s.db.Path(), err)
	}
	return nil
}

// Close implements [store.Store].
func (s *Store) Close() error { return s.db.Close() }

var (
	_ store.Store = (*Store)(nil)
)
