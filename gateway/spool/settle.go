package spool

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"loam/gateway/wire"
)

// Pending returns up to limit batches that wait for their receipt, with a sequence number above after, in that order.
// What is carried is the bytes: the Readings of what is returned are left out.
//
// A batch whose bytes are not the ones that were signed (a failing card) is passed over and logged, and stays where it
// is: the hub could only refuse it.
func (s *Spool) Pending(ctx context.Context, after uint64, limit int) ([]wire.Sealed, error) {
	pending, err := s.pending(ctx, after, limit)
	if err != nil {
		return nil, fmt.Errorf("spool: pending batches: %w", err)
	}
	return pending, nil
}

func (s *Spool) pending(ctx context.Context, after uint64, limit int) ([]wire.Sealed, error) {
	rows, err := s.db.Read.QueryContext(ctx, "SELECT sequence, digest, bytes FROM batch WHERE sequence > ? ORDER BY sequence", int64(min(after, 1<<63-1)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var pending []wire.Sealed
	for len(pending) < limit && rows.Next() {
		var sequence uint64
		var digest, raw []byte
		if err := rows.Scan(&sequence, &digest, &raw); err != nil {
			return nil, err
		}
		b := wire.Sealed{Bytes: raw, Digest: sha256.Sum256(raw)}
		h, err := wire.Peek(raw)
		if err != nil || string(digest) != string(b.Digest[:]) || h.Sequence != sequence {
			s.log.Error("a batch in the spool is damaged and cannot be sent; it is kept", "sequence", sequence, "file", s.db.Path(), "error", err)
			continue
		}
		b.Header = h
		pending = append(pending, b)
	}
	return pending, rows.Err()
}

// Settle forgets the batch that a receipt is for, and says whether there was one. The receipt has to name the sequence
// number and the digest of exactly these bytes; any other changes nothing. A hub that could not even read the header of
// what it quarantined names sequence 0: then the digest alone says which batch it was.
//
// Whether the receipt is the hub's is checked where it is opened ([wire.OpenReceipt]), before it comes here.
func (s *Spool) Settle(ctx context.Context, r wire.Receipt) (forgot bool, err error) {
	if r.Outcome != wire.Stored && r.Outcome != wire.Quarantined {
		return false, fmt.Errorf("spool: settle batch %d: outcome %d says neither stored nor quarantined", r.Sequence, r.Outcome)
	}
	unread := r.Outcome == wire.Quarantined && r.Sequence == 0
	var n int64
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM batch WHERE digest = ? AND (sequence = ? OR ?)", r.Digest[:], int64(min(r.Sequence, 1<<63-1)), unread)
		if err == nil {
			n, err = result.RowsAffected()
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("spool: settle batch %d: %w", r.Sequence, err)
	}
	return n == 1, nil
}

// Stats is what a spool holds.
type Stats struct {
	Unsealed int       // readings in no batch yet
	Batches  int       // batches that wait for their receipt
	Readings int       // all readings, sealed or not
	Bytes    int64     // of the files on disk
	Oldest   time.Time // acquisition time of the oldest reading; zero where there is none
	Next     uint64    // sequence number of the next batch; 0 where a fresh spool has yet to choose its first
}

// Stats counts what the spool holds.
func (s *Spool) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	var sealed int
	var oldest sql.NullInt64
	err := s.db.Read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM unsealed), (SELECT count(*) FROM batch),
		(SELECT coalesce(sum(readings), 0) FROM batch),
		(SELECT min(t) FROM (SELECT min(wall) AS t FROM unsealed UNION ALL SELECT min(oldest) FROM batch))`).
		Scan(&st.Unsealed, &st.Batches, &sealed, &oldest)
	if err != nil {
		return Stats{}, fmt.Errorf("spool: stats: %w", err)
	}
	st.Readings = st.Unsealed + sealed
	if oldest.Valid {
		st.Oldest = time.UnixMilli(oldest.Int64).UTC()
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
