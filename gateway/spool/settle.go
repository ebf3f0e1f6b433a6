package spool

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"

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
		query, args := "DELETE FROM batch WHERE digest = ? AND sequence = ?", []any{r.Digest[:], int64(min(r.Sequence, 1<<63-1))}
		if unread {
			query, args = "DELETE FROM batch WHERE digest = ?", args[:1]
		}
		result, err := tx.ExecContext(ctx, query, args...)
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
