package evidence

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"loam/gateway/wire"
)

// Leaf is one batch in the log.
type Leaf struct {
	Index    uint64 // place in the log, from 0
	Received time.Time
	Gateway  string
	Sequence uint64
	Bytes    []byte // the sealed batch
}

// Head is what there is of one gateway.
type Head struct {
	Gateway      string
	Sequence     uint64 // highest in the log
	Batches      uint64
	Readings     int64
	Gaps         uint64    // sequence numbers below Sequence that are not in the log: under way, or in quarantine
	Restarts     uint64    // how often a chain was started anew, as after a lost memory card
	LastReading  time.Time // latest acquisition time; zero where there are no readings
	LastReceived time.Time
}

const leafColumns = `SELECT idx, received, gateway, sequence, bytes FROM leaf `

// Size returns the number of leaves.
func (l *Log) Size(ctx context.Context) (uint64, error) {
	size, _, err := treeState(ctx, l.db.Read)
	return size, err
}

// Root returns the root of the tree of the first size leaves. The error wraps [ErrRange] where there are not so many.
func (l *Log) Root(ctx context.Context, size uint64) (wire.Digest, error) {
	if err := l.within(ctx, size); err != nil {
		return wire.Digest{}, err
	}
	h, err := tlog.TreeHash(int64(size), hashes(ctx, l.db.Read))
	return wire.Digest(h), err
}

// Read returns at most limit leaves from index from on, in the order of the log.
func (l *Log) Read(ctx context.Context, from uint64, limit int) ([]Leaf, error) {
	if from > math.MaxInt64 || limit <= 0 {
		return nil, nil
	}
	return l.leaves(ctx, leafColumns+`WHERE idx >= ? ORDER BY idx LIMIT ?`, from, limit)
}

// Within returns the batches of the gateways with readings in from <= t < to, by gateway, then sequence. A batch whose
// readings lie on both sides of the period and none inside is returned too: only opening it would tell.
func (l *Log) Within(ctx context.Context, gateways []string, from, to time.Time) ([]Leaf, error) {
	gateways = slices.Clone(gateways)
	slices.Sort(gateways)
	var found []Leaf
	for _, gateway := range slices.Compact(gateways) {
		// No batch covers more than max_span, so those that reach into the period began at most so long before it.
		leaves, err := l.leaves(ctx, leafColumns+`WHERE gateway = ?1 AND first_at < ?3 AND last_at >= ?2
			AND first_at >= ?2 - (SELECT max_span FROM head WHERE gateway = ?1) ORDER BY sequence`, gateway, ceilMilli(from), ceilMilli(to))
		if err != nil {
			return nil, err
		}
		found = append(found, leaves...)
	}
	return found, nil
}

// ceilMilli is the first whole millisecond not before t.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}

func (l *Log) leaves(ctx context.Context, query string, args ...any) ([]Leaf, error) {
	rows, err := l.db.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("evidence: read leaves: %w", err)
	}
	defer rows.Close()
	var found []Leaf
	for rows.Next() {
		var leaf Leaf
		var received int64
		if err := rows.Scan(&leaf.Index, &received, &leaf.Gateway, &leaf.Sequence, &leaf.Bytes); err != nil {
			return nil, fmt.Errorf("evidence: read leaves: %w", err)
		}
		leaf.Received = time.UnixMilli(received).UTC()
		found = append(found, leaf)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("evidence: read leaves: %w", err)
	}
	return found, nil
}

// Heads returns what there is of every gateway, sorted by gateway.
func (l *Log) Heads(ctx context.Context) ([]Head, error) {
	rows, err := l.db.Read.QueryContext(ctx, `SELECT gateway, sequence, batches, readings, sequence - batches, restarts, last_at, received FROM head ORDER BY gateway`)
	if err != nil {
		return nil, fmt.Errorf("evidence: read the gateways' heads: %w", err)
	}
	defer rows.Close()
	var heads []Head
	for rows.Next() {
		var h Head
		var last sql.NullInt64
		var received int64
		if err := rows.Scan(&h.Gateway, &h.Sequence, &h.Batches, &h.Readings, &h.Gaps, &h.Restarts, &last, &received); err != nil {
			return nil, fmt.Errorf("evidence: read the gateways' heads: %w", err)
		}
		if last.Valid {
			h.LastReading = time.UnixMilli(last.Int64).UTC()
		}
		h.LastReceived = time.UnixMilli(received).UTC()
		heads = append(heads, h)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("evidence: read the gateways' heads: %w", err)
	}
	return heads, nil
}

// Readings returns how many readings are in the log.
func (l *Log) Readings(ctx context.Context) (int64, error) {
	var n int64
	if err := l.db.Read.QueryRowContext(ctx, `SELECT coalesce(sum(readings), 0) FROM head`).Scan(&n); err != nil {
		return 0, fmt.Errorf("evidence: count readings: %w", err)
	}
	return n, nil
}

// Inclusion returns the proof that the leaf at index is in the tree of the first size leaves; see [VerifyInclusion].
func (l *Log) Inclusion(ctx context.Context, index, size uint64) ([]wire.Digest, error) {
	if index >= size {
		return nil, fmt.Errorf("evidence: leaf %d of a tree of %d: %w", index, size, ErrRange)
	}
	if err := l.within(ctx, size); err != nil {
		return nil, err
	}
	p, err := tlog.ProveRecord(int64(size), int64(index), hashes(ctx, l.db.Read))
	if err != nil {
		return nil, fmt.Errorf("evidence: prove leaf %d of %d: %w", index, size, err)
	}
	return fromHashes(p), nil
}

// Consistency returns the proof that the tree of size leaves begins with the tree of old leaves; see
// [VerifyConsistency].
func (l *Log) Consistency(ctx context.Context, old, size uint64) ([]wire.Digest, error) {
	if old > size {
		return nil, fmt.Errorf("evidence: from tree size %d back to %d: %w", old, size, ErrRange)
	}
	if err := l.within(ctx, size); err != nil || old == 0 {
		return nil, err
	}
	p, err := tlog.ProveTree(int64(size), int64(old), hashes(ctx, l.db.Read))
	if err != nil {
		return nil, fmt.Errorf("evidence: prove tree %d of %d: %w", old, size, err)
	}
	return fromHashes(p), nil
}

// within says whether the log has a tree of that size.
func (l *Log) within(ctx context.Context, size uint64) error {
	now, err := l.Size(ctx)
	if err == nil && size > now {
		return fmt.Errorf("evidence: a tree of %d leaves, the log has %d: %w", size, now, ErrRange)
	}
	return err
}
