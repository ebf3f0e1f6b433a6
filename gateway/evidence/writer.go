package evidence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"

	"golang.org/x/mod/sumdb/tlog"

	"loam/gateway/ingest"
	"loam/gateway/wire"
)

// Bounds of one transaction: how long the first caller waits for the last.
const (
	groupBatches = 512
	groupBytes   = 8 << 20
)

// request is one caller waiting in Append.
type request struct {
	gateway  string
	sequence uint64
	previous wire.Digest
	digest   wire.Digest
	leaf     tlog.Hash
	bytes    []byte
	readings int
	first    int64 // ms since 1970, with readings only
	last     int64
	received int64
	reply    chan result // buffered: the writer never waits for a caller
}

type result struct {
	index uint64
	err   error
}

// writer is what the single writer knows without asking the database.
type writer struct {
	tree  frontier
	heads map[string]head
}

// head is a row of the table head, with the digest of its highest batch.
type head struct {
	sequence, batches, readings, restarts uint64
	digest                                wire.Digest
	maxSpan                               int64
	last                                  sql.NullInt64
	received                              int64
}

// load reads the writer's knowledge from the file.
func (l *Log) load(ctx context.Context) (*writer, error) {
	size, _, err := treeState(ctx, l.db.Write)
	if err != nil {
		return nil, err
	}
	w := &writer{heads: map[string]head{}}
	if w.tree, err = loadFrontier(ctx, l.db.Write, size); err != nil {
		return nil, err
	}
	rows, err := l.db.Write.QueryContext(ctx, `SELECT h.gateway, h.sequence, h.batches, h.readings, h.restarts, h.max_span, h.last_at, h.received, l.digest
		FROM head h LEFT JOIN leaf l ON l.gateway = h.gateway AND l.sequence = h.sequence`)
	if err != nil {
		return nil, fmt.Errorf("evidence: read the gateways' heads: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var gateway string
		var h head
		var d []byte
		if err := rows.Scan(&gateway, &h.sequence, &h.batches, &h.readings, &h.restarts, &h.maxSpan, &h.last, &h.received, &d); err != nil {
			return nil, fmt.Errorf("evidence: read the gateways' heads: %w", err)
		}
		if d == nil {
			return nil, damaged("the newest batch of gateway %q, sequence %d, is not in the log", gateway, h.sequence)
		}
		h.digest = digest(d)
		w.heads[gateway] = h
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("evidence: read the gateways' heads: %w", err)
	}
	return w, nil
}

// treeState returns the size and root of the tree.
func treeState(ctx context.Context, q querier) (size uint64, root wire.Digest, err error) {
	var r []byte
	err = q.QueryRowContext(ctx, `SELECT size, root FROM tree`).Scan(&size, &r)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, MerkleRoot(nil), nil
	}
	if err != nil {
		return 0, root, fmt.Errorf("evidence: read the tree: %w", err)
	}
	return size, digest(r), nil
}

// write serves the queue until the log is closed. Everybody who waits when a transaction begins shares it, so the cost of
// reaching the disk is paid once for all of them. After a failure the next ones are alone again, so that what made one
// fail does not keep failing the others.
func (l *Log) write(w *writer) {
	limit := groupBatches
	for {
		select {
		case <-l.closed:
			return
		case first := <-l.queue:
			w = l.commit(w, l.group(first, limit))
			limit = min(2*limit, groupBatches)
			if w == nil {
				limit = 1
			}
		}
	}
}

func (l *Log) group(first request, limit int) []request {
	group, bytes := []request{first}, len(first.bytes)
	for len(group) < limit && bytes < groupBytes {
		select {
		case next := <-l.queue:
			group, bytes = append(group, next), bytes+len(next.bytes)
		default:
			return group
		}
	}
	return group
}

// commit keeps the group in one transaction, answers everybody and returns what the writer knows afterwards. Where w is
// nil it is read anew first.
func (l *Log) commit(w *writer, group []request) *writer {
	ctx := context.Background() // one caller's giving up must not undo the others' batches
	results := make([]result, len(group))
	next, err := l.place(ctx, w, group, results)
	if err != nil {
		// What reached the disk is for the file to say, not for memory.
		next = nil
	}
	for i, req := range group {
		if err != nil {
			results[i] = result{err: fmt.Errorf("evidence: append batch %d of gateway %q: %w", req.sequence, req.gateway, err)}
		}
		req.reply <- results[i]
	}
	return next
}

func (l *Log) place(ctx context.Context, w *writer, group []request, results []result) (*writer, error) {
	if w == nil {
		var err error
		if w, err = l.load(ctx); err != nil {
			return nil, err
		}
	}
	t := &transaction{ctx: ctx, before: w.heads, tree: w.tree, heads: map[string]head{}}
	err := l.db.InTx(ctx, func(tx *sql.Tx) error {
		t.tx = tx
		for i, req := range group {
			var err error
			if results[i], err = t.append(req); err != nil {
				return err
			}
		}
		return t.finish(w.tree.size)
	})
	if err != nil {
		return nil, err
	}
	maps.Copy(w.heads, t.heads)
	w.tree = t.tree
	return w, nil
}

// transaction is a group being kept: what the writer will know when it is committed.
type transaction struct {
	ctx    context.Context
	tx     *sql.Tx
	insert *sql.Stmt
	before map[string]head // as committed
	heads  map[string]head // changed in this transaction
	tree   frontier
}

// append keeps one batch, or says in the result what speaks against it. An error ends the transaction.
func (t *transaction) append(req request) (result, error) {
	h, changed := t.heads[req.gateway]
	if !changed {
		h = t.before[req.gateway]
	}
	verdict, err := t.check(h, req)
	if err != nil || verdict.err != nil {
		return verdict, err
	}
	index := t.tree.size
	if err := t.keep(index, req, t.tree.add(req.leaf)); err != nil {
		return result{}, err
	}
	t.heads[req.gateway] = h.with(req)
	return result{index: index}, nil
}

// check compares the batch with its neighbours in the log, as far as they are there.
func (t *transaction) check(h head, req request) (result, error) {
	var verdict result
	if req.sequence == 1 && req.previous != (wire.Digest{}) {
		verdict.err = fmt.Errorf("evidence: gateway %q says that batch 1 follows another: %w", req.gateway, ingest.ErrChain)
	}
	if req.sequence > h.sequence { // the usual case needs no look into the file
		if h.batches > 0 && req.sequence == h.sequence+1 {
			verdict.err = follows(req.gateway, h.sequence, h.digest, req.previous)
		}
		return verdict, nil
	}
	rows, err := t.tx.QueryContext(t.ctx, `SELECT idx, sequence, digest, previous FROM leaf WHERE gateway = ? AND sequence BETWEEN ? AND ?`,
		req.gateway, req.sequence-1, min(req.sequence, math.MaxInt64-1)+1)
	if err != nil {
		return result{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var index, sequence uint64
		var d, p []byte
		if err := rows.Scan(&index, &sequence, &d, &p); err != nil {
			return result{}, err
		}
		switch {
		case sequence == req.sequence && digest(d) == req.digest:
			return result{index: index, err: fmt.Errorf("evidence: batch %d of gateway %q is leaf %d: %w", sequence, req.gateway, index, ingest.ErrDuplicate)}, nil
		case sequence == req.sequence:
			return result{err: fmt.Errorf("evidence: batch %d of gateway %q is leaf %d with digest %s, now %s came: %w", sequence, req.gateway, index, digest(d), req.digest, ingest.ErrFork)}, nil
		case verdict.err != nil: // a duplicate or a fork would say more
		case sequence < req.sequence:
			verdict.err = follows(req.gateway, sequence, digest(d), req.previous)
		default:
			verdict.err = follows(req.gateway, req.sequence, req.digest, digest(p))
		}
	}
	return verdict, rows.Err()
}

// follows checks that the batch after sequence names its digest, or starts a chain anew.
func follows(gateway string, sequence uint64, d, previous wire.Digest) error {
	if previous == d || previous == (wire.Digest{}) {
		return nil
	}
	return fmt.Errorf("evidence: batch %d of gateway %q has digest %s, but the one after it follows %s: %w", sequence, gateway, d, previous, ingest.ErrChain)
}

// with returns the head after one more batch.
func (h head) with(req request) head {
	if req.sequence > h.sequence {
		h.sequence, h.digest = req.sequence, req.digest
	}
	h.batches++
	h.readings += uint64(req.readings)
	if req.sequence > 1 && req.previous == (wire.Digest{}) {
		h.restarts++
	}
	h.received = max(h.received, req.received)
	if req.readings > 0 {
		h.maxSpan = max(h.maxSpan, req.last-req.first)
		if !h.last.Valid || req.last > h.last.Int64 {
			h.last = sql.NullInt64{Int64: req.last, Valid: true}
		}
	}
	return h
}

func (t *transaction) keep(index uint64, req request, hashes []tlog.Hash) error {
	if t.insert == nil {
		var err error
		t.insert, err = t.tx.PrepareContext(t.ctx, `INSERT INTO leaf (idx, received, gateway, sequence, digest, previous, readings, first_at, last_at, tree, bytes)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return err
		}
	}
	tree := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		tree = append(tree, h[:]...)
	}
	first, last := sql.NullInt64{Int64: req.first, Valid: req.readings > 0}, sql.NullInt64{Int64: req.last, Valid: req.readings > 0}
	_, err := t.insert.ExecContext(t.ctx, index, req.received, req.gateway, req.sequence, req.digest[:], req.previous[:], req.readings, first, last, tree, req.bytes)
	return err
}

// finish writes the heads and the tree, where anything was added.
func (t *transaction) finish(before uint64) error {
	if t.tree.size == before {
		return nil
	}
	for gateway, h := range t.heads {
		_, err := t.tx.ExecContext(t.ctx, `INSERT INTO head (gateway, sequence, batches, readings, restarts, max_span, last_at, received)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
			ON CONFLICT (gateway) DO UPDATE SET sequence = ?2, batches = ?3, readings = ?4, restarts = ?5, max_span = ?6, last_at = ?7, received = ?8`,
			gateway, h.sequence, h.batches, h.readings, h.restarts, h.maxSpan, h.last, h.received)
		if err != nil {
			return err
		}
	}
	root := t.tree.root()
	_, err := t.tx.ExecContext(t.ctx, `INSERT INTO tree (id, size, root) VALUES (1, ?1, ?2) ON CONFLICT (id) DO UPDATE SET size = ?1, root = ?2`, t.tree.size, root[:])
	return err
}
