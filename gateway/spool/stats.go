package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"
)

// Stats is what a spool holds.
type Stats struct {
	Unsealed int       // readings in no batch yet
	Batches  int       // batches that wait for their receipt
	Readings int       // all readings, sealed or not
	Bytes    int64     // of the files on disk
	Used     int64     // of them in use: what max_bytes bounds
	MaxBytes int64     // the cap
	Oldest   time.Time // acquisition time of the oldest reading; zero where there is none
	Next     uint64    // sequence number of the next batch; 0 where a fresh spool has yet to choose its first
	Thinned  Thinned   // what had to make room
}

// Thinned is what had to make room since the spool was made.
type Thinned struct {
	Batches  int
	Readings int       // that were in them
	Kept     int       // of those
	From, To time.Time // acquisition times; zero where nothing was thinned
}

// Stats counts what the spool holds.
func (s *Spool) Stats(ctx context.Context) (Stats, error) {
	st := Stats{MaxBytes: s.cfg.maxBytes()}
	waiting, first := s.gathered()
	var sealed int
	var oldest sql.NullInt64
	err := s.db.Read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM unsealed), (SELECT count(*) FROM batch),
		(SELECT coalesce(sum(readings), 0) FROM batch),
		(SELECT min(t) FROM (SELECT min(wall) AS t FROM unsealed UNION ALL SELECT min(oldest) FROM batch))`).
		Scan(&st.Unsealed, &st.Batches, &sealed, &oldest)
	if err == nil {
		st.Used, err = usedBytes(ctx, s.db.Read)
	}
	if err == nil {
		st.Thinned, err = s.thinned(ctx)
	}
	if err != nil {
		return Stats{}, fmt.Errorf("spool: stats: %w", err)
	}
	st.Unsealed += waiting
	st.Readings = st.Unsealed + sealed
	st.Oldest = first
	if t := time.UnixMilli(oldest.Int64).UTC(); oldest.Valid && (waiting == 0 || t.Before(first)) {
		st.Oldest = t
	}
	switch last, _, err := chain(ctx, s.db.Read); {
	case err == nil:
		st.Next = last + 1
	case !errors.Is(err, sql.ErrNoRows):
		return Stats{}, fmt.Errorf("spool: stats: %w", err)
	}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.db.Path() + suffix); err == nil {
			st.Bytes += info.Size()
		}
	}
	return st, nil
}

func (s *Spool) thinned(ctx context.Context) (Thinned, error) {
	var t Thinned
	var from, to int64
	err := s.db.Read.QueryRowContext(ctx, "SELECT batches, readings, kept, first_at, last_at FROM thinned").Scan(&t.Batches, &t.Readings, &t.Kept, &from, &to)
	if errors.Is(err, sql.ErrNoRows) {
		return Thinned{}, nil
	}
	t.From, t.To = time.UnixMilli(from).UTC(), time.UnixMilli(to).UTC()
	return t, err
}

// querier is a connection or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// usedBytes is how much of the file is in use. A file does not shrink; what was freed in it is used again.
func usedBytes(ctx context.Context, q querier) (used int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT (page_count - freelist_count) * page_size
		FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()`).Scan(&used)
	return used, err
}
