package spool

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
)

// remembered is how many keys of messages are known again, in about 2 MB of the spool: four days of 50 devices that speak
// every quarter of an hour.
const remembered = 20_000

// AppendOnce keeps the readings of a message as [Spool.Append] does, unless one with the same key was kept from this source
// before, and says whether it kept them. Key and readings are one transaction: no crash comes between. The last 20,000
// keys are known.
func (s *Spool) AppendOnce(ctx context.Context, source, key string, readings []sensors.Reading) (kept bool, err error) {
	digest := sha256.Sum256([]byte(key)) // a key can be of any length
	err = s.appendWith(ctx, readings, func(tx *sql.Tx) (bool, error) {
		result, err := tx.ExecContext(ctx, "INSERT INTO taken (source, key) VALUES (?, ?) ON CONFLICT DO NOTHING", source, digest[:])
		if err != nil {
			return false, err
		}
		n, err := result.RowsAffected()
		if err != nil || n == 0 {
			return false, err
		}
		kept = true
		_, err = tx.ExecContext(ctx, "DELETE FROM taken WHERE id <= (SELECT max(id) FROM taken) - ?", remembered)
		return true, err
	})
	return kept && err == nil, err
}

// AppendAt keeps readings as [Spool.Append] does, and in the same transaction that source was read up to position.
func (s *Spool) AppendAt(ctx context.Context, source, position string, readings []sensors.Reading) error {
	return s.appendWith(ctx, readings, func(tx *sql.Tx) (bool, error) {
		_, err := tx.ExecContext(ctx, "INSERT INTO position VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET position = excluded.position", source, position)
		return true, err
	})
}

// Position returns up to where source was read; "": nothing of it was.
func (s *Spool) Position(ctx context.Context, source string) (position string, err error) {
	err = s.db.Read.QueryRowContext(ctx, "SELECT position FROM position WHERE source = ?", source).Scan(&position)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("spool: position of %s: %w", source, err)
	}
	return position, nil
}

// appendWith commits readings together with what note writes, where note says that they are new.
func (s *Spool) appendWith(ctx context.Context, readings []sensors.Reading, note func(*sql.Tx) (bool, error)) error {
	kept := make([]sensors.Reading, len(readings))
	for i, r := range readings {
		r.At.Wall = r.At.Wall.Truncate(time.Millisecond)
		if err := checkAppended(r); err != nil {
			return err
		}
		kept[i] = r
	}
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		fresh, err := note(tx)
		if err != nil || !fresh {
			return err
		}
		return s.put(ctx, tx, kept)
	})
	if err != nil {
		return fmt.Errorf("spool: append %d readings: %w", len(kept), err)
	}
	return nil
}
