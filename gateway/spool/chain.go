package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"loam/gateway/wire"
	"loam/sensors"
)

// link gives the header its sequence number and the digest of the batch before.
func link(ctx context.Context, tx *sql.Tx, h *wire.Header, readings []sensors.Reading) error {
	last, digest, err := chain(ctx, tx)
	if errors.Is(err, sql.ErrNoRows) {
		first, _ := wire.Batch{Readings: readings}.Span()
		h.Sequence = firstSequence(first)
		return nil
	}
	h.Sequence, h.Previous = last+1, digest
	return err
}

// firstSequence is where a fresh spool begins to count.
func firstSequence(t time.Time) uint64 { return uint64(max(1, t.Unix())) }

// chain returns the last sequence number used and the digest of its batch; sql.ErrNoRows where there is none yet.
func chain(ctx context.Context, q querier) (last uint64, digest wire.Digest, err error) {
	var raw []byte
	if err := q.QueryRowContext(ctx, "SELECT sequence, digest FROM chain").Scan(&last, &raw); err != nil {
		return 0, digest, err
	}
	if copy(digest[:], raw) != len(digest) {
		return 0, digest, fmt.Errorf("%w: a digest of %d bytes", ErrCorrupt, len(raw))
	}
	return last, digest, nil
}

// store keeps a sealed batch and moves the end of the chain to it.
func store(ctx context.Context, tx *sql.Tx, b wire.Sealed) error {
	first, _ := b.Span()
	if _, err := tx.ExecContext(ctx, "INSERT INTO batch (sequence, digest, readings, oldest, bytes, thin) VALUES (?, ?, ?, ?, ?, ?)",
		b.Sequence, b.Digest[:], len(b.Readings), first.UnixMilli(), b.Bytes, !b.Thinned.IsZero()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO chain (id, sequence, digest) VALUES (1, ?1, ?2)
		ON CONFLICT (id) DO UPDATE SET sequence = ?1, digest = ?2`, b.Sequence, b.Digest[:])
	return err
}
