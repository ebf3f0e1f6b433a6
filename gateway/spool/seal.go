package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// sealsPerCommit bounds how long sealing a backlog keeps an append waiting.
const sealsPerCommit = 16

// Batching says what to seal.
type Batching struct {
	Max     int  // readings in a batch, at most
	Partial bool // also what does not fill a batch

	// Now is a look at the gateway's clock. Readings of this boot wait up to Hold while the clock is not synchronised;
	// the zero value holds nothing back.
	Now  clock.Instant
	Hold time.Duration
}

// Seal groups what was appended into signed batches and returns how many it made. Readings of one batch share boot and
// clock state; the oldest go first. Then it makes room where the spool is about to be full.
//
// Taking the next sequence number, linking to the batch before, dating, signing and removing the readings is one
// transaction: a crash leaves either the batch or its readings, never both and never neither.
//
// A fresh spool takes its first sequence number from the acquisition time of the first reading it seals, in Unix seconds.
// A gateway that lost its spool (a new card, a file set aside) thus goes on above every number it used before, as long as
// it made less than a batch a second and its clock is right; counting from 1 again would make the hub see other bytes
// under a number it has evidence for.
func (s *Spool) Seal(ctx context.Context, signer wire.Signer, b Batching) (batches int, err error) {
	if b.Max < 1 || b.Max > wire.MaxReadings {
		return 0, fmt.Errorf("spool: seal: batches of %d readings: use 1 to %d", b.Max, wire.MaxReadings)
	}
	tight, err := s.tight(ctx)
	if err != nil {
		return 0, err
	}
	if tight {
		b.Hold = 0
	}
	for {
		made, err := s.sealSome(ctx, signer, b)
		if err != nil {
			return batches, fmt.Errorf("spool: seal: %w", err)
		}
		batches += made
		if made < sealsPerCommit {
			thinned, err := s.makeRoom(ctx, signer)
			return batches + thinned, err
		}
	}
}

// sealSome seals up to [sealsPerCommit] batches in one commit, which is also that of what was gathered, where it is
// needed to fill them.
func (s *Spool) sealSome(ctx context.Context, signer wire.Signer, b Batching) (made int, err error) {
	g := &s.group
	g.mu.Lock()
	defer g.mu.Unlock()
	var gathered []sensors.Reading
	if b.Partial || len(g.readings) >= b.Max {
		gathered = g.readings
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		if err := s.put(ctx, tx, gathered); err != nil {
			return err
		}
		if err := learn(ctx, tx, b.Now); err != nil {
			return err
		}
		for made < sealsPerCommit {
			sealed, err := sealOne(ctx, tx, signer, b)
			if err != nil || !sealed {
				return err
			}
			made++
		}
		return nil
	})
	if len(gathered) > 0 {
		g.committed(err)
	}
	return made, err
}

// ripe is readings that may share a batch, as they are kept: one boot, one clock state, taken up to an uptime.
type ripe struct {
	boot  clock.BootID
	state clock.State
	upTo  time.Duration
}

// sealOne seals the next batch, or says that there is none to seal.
func sealOne(ctx context.Context, tx *sql.Tx, signer wire.Signer, b Batching) (bool, error) {
	g, found, err := nextRipe(ctx, tx, b)
	if err != nil || !found {
		return false, err
	}
	readings, last, err := oldest(ctx, tx, g, b.Max)
	if err != nil {
		return false, err
	}
	h := wire.Header{Gateway: signer.ID(), Boot: g.boot, Clock: readings[0].At.State}
	if err := link(ctx, tx, &h, readings); err != nil {
		return false, err
	}
	sealed, err := wire.Seal(wire.Batch{Header: h, Readings: readings}, signer)
	for errors.Is(err, wire.ErrTooLarge) && len(readings) > 1 { // fewer of them always fit
		readings = readings[:len(readings)/2]
		sealed, err = wire.Seal(wire.Batch{Header: h, Readings: readings}, signer)
	}
	if err != nil {
		return false, err
	}
	if err := store(ctx, tx, sealed); err != nil {
		return false, err
	}
	return true, remove(ctx, tx, g, readings, last[len(readings)-1])
}

// nextRipe finds what is to be sealed next: what has the oldest reading, among those with enough of them.
func nextRipe(ctx context.Context, tx *sql.Tx, b Batching) (next ripe, found bool, err error) {
	enough := b.Max
	if b.Partial {
		enough = 1
	}
	first := int64(math.MaxInt64)
	all, err := kinds(ctx, tx)
	if err != nil {
		return ripe{}, false, err
	}
	for _, g := range all {
		if g.upTo, err = ripeUpTo(ctx, tx, g, b); err != nil {
			return ripe{}, false, err
		}
		var n int
		var id sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT count(*), (SELECT id FROM unsealed WHERE boot = ?1 AND clock = ?2 AND uptime <= ?3 ORDER BY uptime, id LIMIT 1)
			FROM (SELECT 1 FROM unsealed WHERE boot = ?1 AND clock = ?2 AND uptime <= ?3 LIMIT ?4)`,
			g.boot[:], g.state, int64(g.upTo), enough).Scan(&n, &id)
		if err != nil {
			return ripe{}, false, err
		}
		if n >= enough && id.Int64 < first {
			next, found, first = g, true, id.Int64
		}
	}
	return next, found, nil
}

// kinds lists the boots and clock states of what is not sealed. It goes from one to the next along the index: what is
// held back can be a week of readings.
func kinds(ctx context.Context, tx *sql.Tx) ([]ripe, error) {
	var all []ripe
	boot, state := []byte{}, -1
	for {
		err := tx.QueryRowContext(ctx, `SELECT * FROM (SELECT boot, clock FROM unsealed WHERE boot = ?1 AND clock > ?2 ORDER BY clock LIMIT 1)
			UNION ALL SELECT * FROM (SELECT boot, clock FROM unsealed WHERE boot > ?1 ORDER BY boot, clock LIMIT 1)
			ORDER BY boot, clock LIMIT 1`, boot, state).Scan(&boot, &state)
		if errors.Is(err, sql.ErrNoRows) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		g := ripe{state: clock.State(state)}
		if copy(g.boot[:], boot) != len(g.boot) {
			return nil, fmt.Errorf("%w: a boot id of %d bytes", ErrCorrupt, len(boot))
		}
		all = append(all, g)
	}
}

// ripeUpTo returns up to which uptime the readings of a kind need not wait for their clock.
func ripeUpTo(ctx context.Context, tx *sql.Tx, g ripe, b Batching) (time.Duration, error) {
	if g.state != clock.Unsynced || g.boot != b.Now.Boot || b.Now.State == clock.Synced || b.Hold <= 0 {
		return math.MaxInt64, nil
	}
	known, err := looksOf(ctx, tx, g.boot)
	return max(b.Now.Uptime-b.Hold, known.upTo()), err
}

// oldest reads the first readings of a kind, at most max, dated where they can be, as long as their clock states are the
// same, and the ids of each.
func oldest(ctx context.Context, tx *sql.Tx, g ripe, max int) (readings []sensors.Reading, ids []int64, err error) {
	var known looks
	if !g.state.Dated() {
		if known, err = looksOf(ctx, tx, g.boot); err != nil {
			return nil, nil, err
		}
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, channel, quantity, mantissa, exponent, raw_quantity, raw_mantissa, raw_exponent,
		wall, uptime, certificate, made, due FROM unsealed WHERE boot = ? AND clock = ? AND uptime <= ? ORDER BY uptime, id LIMIT ?`,
		g.boot[:], g.state, int64(g.upTo), max)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r := sensors.Reading{At: clock.Instant{Boot: g.boot, State: g.state}}
		var id, wall int64
		var made, due sql.NullInt64
		if err := rows.Scan(&id, &r.Channel, &r.Quantity, &r.Value.Mantissa, &r.Value.Exponent,
			&r.RawQuantity, &r.Raw.Mantissa, &r.Raw.Exponent, &wall, &r.At.Uptime, &r.Calibration.ID, &made, &due); err != nil {
			return nil, nil, err
		}
		r.At.Wall = time.UnixMilli(wall).UTC()
		r.Calibration.Date, r.Calibration.Due = date(made), date(due)
		r.At = known.date(r.At)
		if len(readings) > 0 && r.At.State != readings[0].At.State {
			break
		}
		readings, ids = append(readings, r), append(ids, id)
	}
	return readings, ids, rows.Err()
}

// remove takes readings that are sealed now out of the unsealed ones. They are the first of their kind, so the last one
// says where to stop.
func remove(ctx context.Context, tx *sql.Tx, g ripe, readings []sensors.Reading, last int64) error {
	result, err := tx.ExecContext(ctx, "DELETE FROM unsealed WHERE boot = ? AND clock = ? AND (uptime, id) <= (?, ?)",
		g.boot[:], g.state, int64(readings[len(readings)-1].At.Uptime), last)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != int64(len(readings)) {
		return fmt.Errorf("%w: %d readings to take out of the spool, %d found (%v)", ErrCorrupt, len(readings), n, err)
	}
	if g.state.Dated() {
		return nil
	}
	return forget(ctx, tx, g.boot)
}
