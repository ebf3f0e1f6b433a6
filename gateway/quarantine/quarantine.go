// Package quarantine keeps what a hub refused, with the reason, until a person has looked.
//
// A batch whose signature held is data somebody measured: it is never dropped, because a reading ends in evidence or
// here. Everything else may be a stranger's junk and must not fill the disk: of it the newest are kept, so many for each
// reason, so that a flood of one kind never pushes out another kind; what was dropped stays counted.
package quarantine

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"loam/gateway/wire"
	"loam/internal/sqlite"
)

// Item is one refused batch.
type Item struct {
	Received time.Time // when it came last
	Gateway  string    // who it is said to be from; proven only where Verified
	Reason   Reason
	Detail   string // for whoever repairs it
	Verified bool   // its signature fits the gateway's key: never dropped

	Digest wire.Digest // of all its bytes; set by Put
	Size   int         // of all its bytes; set by Put
	Bytes  []byte      // what is kept of it: everything where Verified, otherwise at most Limits.ItemBytes
	Seen   int         // how often it came; set by Put
	First  time.Time   // when it came first; set by Put
}

// Tally counts what ever came for one reason.
type Tally struct {
	Reason  Reason
	Items   int64 // different batches; one that was dropped and came again counts again
	Seen    int64 // arrivals
	Dropped int64 // items no longer kept, to make room for newer ones
}

// Limits bound what is kept of batches that nobody vouches for. Batches whose signature held are outside all of them.
type Limits struct {
	ItemBytes      int   // kept of one batch; beyond it only the first bytes, the digest and the size
	ReasonItems    int64 // batches kept for one reason
	ReasonAllBytes int64 // bytes kept for one reason
}

// DefaultLimits returns 256 KiB a batch and 1,000 batches or 16 MiB a reason: at most 160 MiB in all.
func DefaultLimits() Limits {
	return Limits{ItemBytes: wire.MaxSealedBytes, ReasonItems: 1000, ReasonAllBytes: 16 << 20}
}

// Longest texts kept: both can be a stranger's.
const (
	maxGateway = 64
	maxDetail  = 1024
)

//go:embed migrations/*.sql
var migrations embed.FS

// Quarantine is an open file of refused batches, safe for concurrent use.
type Quarantine struct {
	db     *sqlite.DB
	limits Limits
}

// Open opens or creates the quarantine at path with [DefaultLimits].
func Open(ctx context.Context, path string) (*Quarantine, error) {
	return OpenLimited(ctx, path, DefaultLimits())
}

// OpenLimited is [Open] with other limits.
func OpenLimited(ctx context.Context, path string, limits Limits) (*Quarantine, error) {
	if limits.ItemBytes < 1 || limits.ReasonItems < 1 || limits.ReasonAllBytes < int64(limits.ItemBytes) {
		return nil, fmt.Errorf("quarantine: limits %+v leave no room for one batch", limits)
	}
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, fmt.Errorf("quarantine: %w", err)
	}
	return &Quarantine{db: db, limits: limits}, nil
}

// Close closes the file.
func (q *Quarantine) Close() error { return q.db.Close() }

// Put keeps the item; it is on disk when Put returns nil. The same bytes for the same reason are one item that came more
// often. Digest, Size, Seen and First need not be set.
func (q *Quarantine) Put(ctx context.Context, it Item) error {
	if it.Reason == "" {
		return errors.New("quarantine: an item needs a reason")
	}
	it.Digest, it.Size = sha256.Sum256(it.Bytes), len(it.Bytes)
	it.Gateway, it.Detail = clip(it.Gateway, maxGateway), clip(it.Detail, maxDetail)
	if !it.Verified && len(it.Bytes) > q.limits.ItemBytes {
		it.Bytes = it.Bytes[:q.limits.ItemBytes]
	}
	if it.Bytes == nil {
		it.Bytes = []byte{}
	}
	err := q.db.InTx(ctx, func(tx *sql.Tx) error { return q.put(ctx, tx, it) })
	if err != nil {
		return fmt.Errorf("quarantine: keep a batch of gateway %q (%s): %w", it.Gateway, it.Reason, err)
	}
	return nil
}

func (q *Quarantine) put(ctx context.Context, tx *sql.Tx, it Item) error {
	at := it.Received.UnixMilli()
	var verified bool
	var kept int
	err := tx.QueryRowContext(ctx, `SELECT verified, kept FROM item WHERE digest = ? AND reason = ?`, it.Digest[:], it.Reason).Scan(&verified, &kept)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return q.insert(ctx, tx, it, at)
	case err != nil:
		return err
	case it.Verified && !verified: // whoever vouches for it now makes it data
		_, err = tx.ExecContext(ctx, `UPDATE item SET verified = 1, gateway = ?, detail = ?, kept = ?, bytes = ?, last = max(last, ?), seen = seen + 1
			WHERE digest = ? AND reason = ?`, it.Gateway, it.Detail, len(it.Bytes), it.Bytes, at, it.Digest[:], it.Reason)
		if err == nil {
			err = tally(ctx, tx, it.Reason, Tally{Seen: 1}, -1, -kept)
		}
		return err
	default:
		_, err = tx.ExecContext(ctx, `UPDATE item SET last = max(last, ?), seen = seen + 1 WHERE digest = ? AND reason = ?`, at, it.Digest[:], it.Reason)
		if err == nil {
			err = tally(ctx, tx, it.Reason, Tally{Seen: 1}, 0, 0)
		}
		return err
	}
}

func (q *Quarantine) insert(ctx context.Context, tx *sql.Tx, it Item, at int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO item (digest, reason, verified, gateway, detail, first, last, size, kept, bytes, seen)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
		it.Digest[:], it.Reason, it.Verified, it.Gateway, it.Detail, at, at, it.Size, len(it.Bytes), it.Bytes)
	if err != nil {
		return err
	}
	if it.Verified {
		return tally(ctx, tx, it.Reason, Tally{Items: 1, Seen: 1}, 0, 0)
	}
	if err := tally(ctx, tx, it.Reason, Tally{Items: 1, Seen: 1}, 1, len(it.Bytes)); err != nil {
		return err
	}
	return q.makeRoom(ctx, tx, it.Reason)
}

// makeRoom drops the oldest items nobody vouches for until the reason is within its limits.
func (q *Quarantine) makeRoom(ctx context.Context, tx *sql.Tx, r Reason) error {
	for {
		var items, bytes int64
		if err := tx.QueryRowContext(ctx, `SELECT droppable, bytes FROM tally WHERE reason = ?`, r).Scan(&items, &bytes); err != nil {
			return err
		}
		if items <= q.limits.ReasonItems && bytes <= q.limits.ReasonAllBytes {
			return nil
		}
		var id, kept int
		err := tx.QueryRowContext(ctx, `SELECT id, kept FROM item WHERE verified = 0 AND reason = ? ORDER BY last, id LIMIT 1`, r).Scan(&id, &kept)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM item WHERE id = ? AND verified = 0`, id); err != nil {
			return err
		}
		if err := tally(ctx, tx, r, Tally{Dropped: 1}, -1, -kept); err != nil {
			return err
		}
	}
}

func tally(ctx context.Context, tx *sql.Tx, r Reason, add Tally, droppable, bytes int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO tally (reason, items, seen, dropped, droppable, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (reason) DO UPDATE SET items = items + ?2, seen = seen + ?3, dropped = dropped + ?4, droppable = droppable + ?5, bytes = bytes + ?6`,
		r, add.Items, add.Seen, add.Dropped, droppable, bytes)
	return err
}

// List returns at most limit kept items, the one that came last first.
func (q *Quarantine) List(ctx context.Context, limit int) ([]Item, error) {
	rows, err := q.db.Read.QueryContext(ctx, `SELECT digest, reason, verified, gateway, detail, first, last, size, bytes, seen
		FROM item ORDER BY last DESC, id DESC LIMIT ?`, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("quarantine: list: %w", err)
	}
	defer rows.Close()
	var items []Item
	for rows.Next() {
		var it Item
		var digest []byte
		var first, last int64
		if err := rows.Scan(&digest, &it.Reason, &it.Verified, &it.Gateway, &it.Detail, &first, &last, &it.Size, &it.Bytes, &it.Seen); err != nil {
			return nil, fmt.Errorf("quarantine: list: %w", err)
		}
		copy(it.Digest[:], digest)
		it.First, it.Received = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		items = append(items, it)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("quarantine: list: %w", err)
	}
	return items, nil
}

// Count returns how many different batches were ever quarantined, dropped ones included.
func (q *Quarantine) Count(ctx context.Context) (int, error) {
	var n int
	if err := q.db.Read.QueryRowContext(ctx, `SELECT coalesce(sum(items), 0) FROM tally`).Scan(&n); err != nil {
		return 0, fmt.Errorf("quarantine: count: %w", err)
	}
	return n, nil
}

// CountByReason returns the tally of every reason that ever occurred, sorted by reason.
func (q *Quarantine) CountByReason(ctx context.Context) ([]Tally, error) {
	rows, err := q.db.Read.QueryContext(ctx, `SELECT reason, items, seen, dropped FROM tally ORDER BY reason`)
	if err != nil {
		return nil, fmt.Errorf("quarantine: count by reason: %w", err)
	}
	defer rows.Close()
	var tallies []Tally
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.Reason, &t.Items, &t.Seen, &t.Dropped); err != nil {
			return nil, fmt.Errorf("quarantine: count by reason: %w", err)
		}
		tallies = append(tallies, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("quarantine: count by reason: %w", err)
	}
	return tallies, nil
}

// clip cuts s to n bytes of valid text.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
