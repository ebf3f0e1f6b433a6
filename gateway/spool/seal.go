package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// sealsPerCommit bounds how long sealing a backlog keeps an append waiting.
const sealsPerCommit = 16

// Seal groups what was appended into signed batches of at most max readings and returns how many it made. Readings of
// one batch share boot and clock state; the oldest go first. Without partial, what would not fill a batch waits.
//
// Taking the next sequence number, linking to the batch before, signing and removing the readings is one transaction: a
// crash leaves either the batch or its readings, never both and never neither.
//
// A fresh spool takes its first sequence number from the acquisition time of the first reading it seals, in Unix seconds.
// A gateway that lost its spool (a new card, a file set aside) thus goes on above every number it used before, as long as
// it made less than a batch a second and its clock is right; counting from 1 again would make the hub see other bytes
// under a number it has evidence for.
func (s *Spool) Seal(ctx context.Context, signer wire.Signer, max int, partial bool) (batches int, err error) {
	if max < 1 || max > wire.MaxReadings {
		return 0, fmt.Errorf("spool: seal: batches of %d readings: use 1 to %d", max, wire.MaxReadings)
	}
	for {
		made := 0
		err := s.db.InTx(ctx, func(tx *sql.Tx) error {
			for made < sealsPerCommit {
				sealed, err := sealOne(ctx, tx, signer, max, partial)
				if err != nil || !sealed {
					return err
				}
				made++
			}
			return nil
		})
		if err != nil {
			return batches, fmt.Errorf("spool: seal: %w", err)
		}
		batches += made
		if made < sealsPerCommit {
			return batches, nil
		}
	}
}

// sealOne seals the next batch, or says that there is none to seal.
func sealOne(ctx context.Context, tx *sql.Tx, signer wire.Signer, max int, partial bool) (bool, error) {
	h, err := nextGroup(ctx, tx, max, partial)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	readings, ids, err := oldest(ctx, tx, h, max)
	if err != nil {
		return false, err
	}
	h.Gateway = signer.ID()
	if err := link(ctx, tx, &h, readings); err != nil {
		return false, err
	}
	sealed, err := wire.Seal(wire.Batch{Header: h, Readings: readings}, signer)
	for errors.Is(err, wire.ErrTooLarge) && len(readings) > 1 { // fewer of them always fit
		readings, ids = readings[:len(readings)/2], ids[:len(ids)/2]
		sealed, err = wire.Seal(wire.Batch{Header: h, Readings: readings}, signer)
	}
	if err != nil {
		return false, err
	}
	return true, store(ctx, tx, sealed, ids)
}

// nextGroup finds the boot and clock state whose readings are to be sealed next: the one with the oldest reading, among
// those with enough of them.
func nextGroup(ctx context.Context, tx *sql.Tx, max int, partial bool) (wire.Header, error) {
	enough := max
	if partial {
		enough = 1
	}
	var h wire.Header
	var boot []byte
	err := tx.QueryRowContext(ctx, `SELECT boot, clock FROM unsealed GROUP BY boot, clock HAVING count(*) >= ?
		ORDER BY min(id) LIMIT 1`, enough).Scan(&boot, &h.Clock)
	if err != nil {
		return wire.Header{}, err
	}
	if copy(h.Boot[:], boot) != len(h.Boot) {
		return wire.Header{}, fmt.Errorf("%w: a boot id of %d bytes", ErrCorrupt, len(boot))
	}
	return h, nil
}

// oldest reads the first max readings of a boot and clock state, with their ids.
func oldest(ctx context.Context, tx *sql.Tx, h wire.Header, max int) ([]sensors.Reading, []int64, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, channel, quantity, mantissa, exponent, raw_quantity, raw_mantissa, raw_exponent,
		wall, uptime, certificate, made, due FROM unsealed WHERE boot = ? AND clock = ? ORDER BY id LIMIT ?`, h.Boot[:], h.Clock, max)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var readings []sensors.Reading
	var ids []int64
	for rows.Next() {
		r := sensors.Reading{At: clock.Instant{Boot: h.Boot, State: h.Clock}}
		var id, wall int64
		var made, due sql.NullInt64
		if err := rows.Scan(&id, &r.Channel, &r.Quantity, &r.Value.Mantissa, &r.Value.Exponent,
			&r.RawQuantity, &r.Raw.Mantissa, &r.Raw.Exponent, &wall, &r.At.Uptime, &r.Calibration.ID, &made, &due); err != nil {
			return nil, nil, err
		}
		r.At.Wall = time.UnixMilli(wall).UTC()
		r.Calibration.Date, r.Calibration.Due = date(made), date(due)
		readings, ids = append(readings, r), append(ids, id)
	}
	return readings, ids, rows.Err()
}

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
func chain(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (last uint64, digest wire.Digest, err error) {
	var raw []byte
	if err := q.QueryRowContext(ctx, "SELECT sequence, digest FROM chain").Scan(&last, &raw); err != nil {
		return 0, digest, err
	}
	if copy(digest[:], raw) != len(digest) {
		return 0, digest, fmt.Errorf("%w: a digest of %d bytes", ErrCorrupt, len(raw))
	}
	return last, digest, nil
}

// store puts a sealed batch in the place of its readings.
func store(ctx context.Context, tx *sql.Tx, b wire.Sealed, ids []int64) error {
	first, _ := b.Span()
	if _, err := tx.ExecContext(ctx, "INSERT INTO batch (sequence, digest, readings, oldest, bytes) VALUES (?, ?, ?, ?, ?)",
		b.Sequence, b.Digest[:], len(b.Readings), first.UnixMilli(), b.Bytes); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO chain (id, sequence, digest) VALUES (1, ?1, ?2)
		ON CONFLICT (id) DO UPDATE SET sequence = ?1, digest = ?2`, b.Sequence, b.Digest[:]); err != nil {
		return err
	}
	// The ids are the first ones of their boot and clock state, so the last of them says where to stop.
	result, err := tx.ExecContext(ctx, "DELETE FROM unsealed WHERE boot = ? AND clock = ? AND id <= ?", b.Boot[:], b.Clock, ids[len(ids)-1])
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != int64(len(ids)) {
		return fmt.Errorf("%w: %d readings to take out of the spool, %d found (%v)", ErrCorrupt, len(ids), n, err)
	}
	return nil
}
