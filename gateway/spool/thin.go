package spool

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"loam/gateway/wire"
	"loam/sensors"
)

// Bounds of what is thinned in one transaction, and held in memory for it. It is also no more than the eighth of the cap
// that is missing: what there is room for stays.
const (
	runBatches  = 128
	runReadings = 16 << 10
)

// tight says whether room has to be made: an eighth of the cap is left for what is appended meanwhile.
func (s *Spool) tight(ctx context.Context) (bool, error) {
	used, err := usedBytes(ctx, s.db.Read)
	if err != nil {
		return false, fmt.Errorf("spool: how full it is: %w", err)
	}
	return used > s.cfg.maxBytes()/8*7, nil
}

// makeRoom thins the oldest batches until there is room again or nothing is left to thin, and returns how many batches it
// made in their place.
func (s *Spool) makeRoom(ctx context.Context, signer wire.Signer) (made int, err error) {
	for {
		if tight, err := s.tight(ctx); err != nil || !tight {
			return made, err
		}
		var r run
		err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
			r, err = s.thinOldest(ctx, tx, signer)
			return err
		})
		if err != nil {
			return made, fmt.Errorf("spool: make room: %w", err)
		}
		if len(r.sequences) == 0 {
			return made, nil // from the cap on, appends are refused
		}
		if r.kept > 0 {
			made++
			s.log.Warn("the spool is almost full: the oldest readings were thinned to a few an hour, which earn nothing; bring the uplink back or raise [spool] max_bytes",
				"batches", len(r.sequences), "readings", len(r.readings), "kept", r.kept, "from", r.first, "to", r.last)
		}
	}
}

// run is batches one after the other, of one boot and clock state.
type run struct {
	header      wire.Header // of the last one
	digest      wire.Digest // likewise
	sequences   []uint64
	bytes       int64 // of the batches
	readings    []sensors.Reading
	first, last time.Time
	kept        int // readings in the batch in their place; 0: nothing could be spared
}

// thinOldest puts one batch in the place of the oldest run that was not thinned yet. A run of which nothing can be spared
// is left as it is, for good.
func (s *Spool) thinOldest(ctx context.Context, tx *sql.Tx, signer wire.Signer) (run, error) {
	limit := runBatches
	for {
		r, err := s.oldestRun(ctx, tx, signer, limit)
		if err != nil || len(r.sequences) == 0 {
			return r, err
		}
		from, to := r.sequences[0], r.sequences[len(r.sequences)-1]
		few := thin(r.readings)
		if len(few) == len(r.readings) {
			_, err := tx.ExecContext(ctx, "UPDATE batch SET thin = 1 WHERE sequence BETWEEN ? AND ?", from, to)
			return r, err
		}
		h := wire.Header{
			Gateway: signer.ID(), Boot: r.header.Boot, Clock: r.header.Clock,
			Thinned: wire.Thinned{First: from, Last: to, Digest: r.digest, Readings: uint64(len(r.readings))},
		}
		if err := link(ctx, tx, &h, few); err != nil {
			return run{}, err
		}
		sealed, err := wire.Seal(wire.Batch{Header: h, Readings: few}, signer)
		if errors.Is(err, wire.ErrTooLarge) && limit > 1 {
			limit /= 2
			continue
		}
		if err != nil {
			return run{}, err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM batch WHERE sequence BETWEEN ? AND ?", from, to); err != nil {
			return run{}, err
		}
		r.kept = len(few)
		return r, errors.Join(store(ctx, tx, sealed), note(ctx, tx, r))
	}
}

// oldestRun reads the oldest batches that were not thinned, as far as they follow each other and share boot and clock
// state. One whose bytes are not the ones that were signed is passed over, and stays.
func (s *Spool) oldestRun(ctx context.Context, tx *sql.Tx, signer wire.Signer, limit int) (run, error) {
	rows, err := tx.QueryContext(ctx, "SELECT sequence, bytes FROM batch WHERE thin = 0 ORDER BY sequence LIMIT ?", limit)
	if err != nil {
		return run{}, err
	}
	defer rows.Close()
	var r run
	var damaged []uint64
	for rows.Next() {
		var sequence uint64
		var raw []byte
		if err := rows.Scan(&sequence, &raw); err != nil {
			return run{}, err
		}
		b, err := wire.Open(raw, signer.Public())
		if err != nil || b.Sequence != sequence {
			s.log.Error("a batch in the spool is damaged and cannot be thinned; it is kept", "sequence", sequence, "file", s.db.Path(), "error", err)
			damaged = append(damaged, sequence)
			if len(r.sequences) > 0 {
				break
			}
			continue
		}
		if !r.takes(b) || r.bytes > s.cfg.maxBytes()/8 {
			break
		}
		r.add(b)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return run{}, err
	}
	for _, sequence := range damaged {
		if _, err := tx.ExecContext(ctx, "UPDATE batch SET thin = 1 WHERE sequence = ?", sequence); err != nil {
			return run{}, err
		}
	}
	return r, nil
}

func (r *run) takes(b wire.Sealed) bool {
	return len(r.sequences) == 0 ||
		b.Sequence == r.header.Sequence+1 && b.Boot == r.header.Boot && b.Clock == r.header.Clock && len(r.readings)+len(b.Readings) <= runReadings
}

func (r *run) add(b wire.Sealed) {
	first, last := b.Span()
	if len(r.sequences) == 0 || first.Before(r.first) {
		r.first = first
	}
	if len(r.sequences) == 0 || last.After(r.last) {
		r.last = last
	}
	r.header, r.digest, r.bytes = b.Header, b.Digest, r.bytes+int64(len(b.Bytes))
	r.sequences, r.readings = append(r.sequences, b.Sequence), append(r.readings, b.Readings...)
}

// thin returns of each channel, quantity and hour the readings with the lowest, the middle and the highest value. Of
// equal values the earlier one counts as lower.
func thin(readings []sensors.Reading) []sensors.Reading {
	type hour struct {
		channel  sensors.Channel
		quantity sensors.Quantity
		hour     int64
	}
	hours := map[hour][]sensors.Reading{}
	for _, r := range readings {
		h := hour{r.Channel, r.Quantity, r.At.Wall.Truncate(time.Hour).Unix()}
		hours[h] = append(hours[h], r)
	}
	var few []sensors.Reading
	for _, all := range hours {
		if len(all) > 3 {
			slices.SortFunc(all, func(a, b sensors.Reading) int { return cmp.Or(a.Value.Cmp(b.Value), a.At.Wall.Compare(b.At.Wall)) })
			all = []sensors.Reading{all[0], all[(len(all)-1)/2], all[len(all)-1]}
		}
		few = append(few, all...)
	}
	return few
}

// note adds a run to what was thinned so far.
func note(ctx context.Context, tx *sql.Tx, r run) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO thinned (id, batches, readings, kept, first_at, last_at) VALUES (1, ?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (id) DO UPDATE SET batches = batches + ?1, readings = readings + ?2, kept = kept + ?3,
			first_at = min(first_at, ?4), last_at = max(last_at, ?5)`,
		len(r.sequences), len(r.readings), r.kept, r.first.UnixMilli(), r.last.UnixMilli())
	return err
}
