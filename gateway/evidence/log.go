// Package evidence is the append-only log of verified batches, byte for byte as they were received.
//
// The log is an RFC 6962 tree (the one Certificate Transparency uses): a checkpoint signed by the hub fixes everything
// that came before it, and anybody who holds one can check, without the database, that a batch is in the log and that
// the log has only grown since. Read in this order: log.go (open and append), writer.go (one transaction for many
// callers), tree.go and checkpoint.go (what can be verified without the log), read.go, audit.go.
package evidence

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"loam/gateway/ingest"
	"loam/gateway/wire"
	"loam/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// What can be wrong with a log, or with a question to it.
var (
	ErrDamaged = errors.New("the evidence log is damaged")
	ErrRange   = errors.New("the log has no such leaf or tree")
	ErrClosed  = errors.New("the evidence log is closed")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("evidence: %w: %s: set the file aside, audit it, and continue from a backup", ErrDamaged, fmt.Sprintf(format, args...))
}

// Log is an open evidence log, safe for concurrent use. One process at a time may append to a file.
type Log struct {
	db     *sqlite.DB
	hub    wire.Signer
	origin string

	queue  chan request  // unbuffered: whoever waits here is in the next group
	closed chan struct{} // closing it stops the writer
	once   sync.Once
	done   sync.WaitGroup
}

// Open opens or creates the log at path. hub signs its checkpoints under the name origin (no spaces, e.g.
// "hub.example.org/log"); it may be nil where none are wanted. A log whose end does not fit its tree, or that contradicts
// the last signed checkpoint, is refused with [ErrDamaged] and left as it is; [Inspect] says what is wrong with it.
func Open(ctx context.Context, path string, hub wire.Signer, origin string) (*Log, error) {
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	l, err := openUnchecked(ctx, path, hub, origin)
	if err != nil {
		return nil, err
	}
	w, err := l.load(ctx)
	if err == nil {
		err = l.checkEnd(ctx, w)
	}
	if err != nil {
		_ = l.db.Close() // the cause is err
		return nil, fmt.Errorf("evidence: open %s: %w", path, err)
	}
	l.done.Go(func() { l.write(w) })
	return l, nil
}

func openUnchecked(ctx context.Context, path string, hub wire.Signer, origin string) (*Log, error) {
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return &Log{db: db, hub: hub, origin: origin, queue: make(chan request), closed: make(chan struct{})}, nil
}

// checkEnd compares the end of the log with its tree: cheap, so it is done at every start. [Log.Audit] compares all.
func (l *Log) checkEnd(ctx context.Context, w *writer) error {
	size, root, err := treeState(ctx, l.db.Read)
	if err != nil {
		return err
	}
	var last sql.NullInt64
	if err := l.db.Read.QueryRowContext(ctx, `SELECT max(idx) FROM leaf`).Scan(&last); err != nil {
		return fmt.Errorf("evidence: read the last leaf: %w", err)
	}
	leaves := uint64(0)
	if last.Valid {
		leaves = uint64(last.Int64) + 1
	}
	batches := uint64(0)
	for _, h := range w.heads {
		batches += h.batches
	}
	if leaves != size || batches != size {
		return damaged("the tree has %d leaves, the log %d, the gateways' heads %d", size, leaves, batches)
	}
	if wire.Digest(w.tree.root()) != root {
		return damaged("the hashes of the tree of size %d do not lead to its root", size)
	}
	if size > 0 {
		if err := l.checkLastLeaf(ctx, size-1); err != nil {
			return err
		}
	}
	_, signed, text, err := l.trees(ctx)
	if err != nil || text == nil {
		return err
	}
	at, err := l.Root(ctx, signed.Size)
	if errors.Is(err, ErrRange) || err == nil && at != signed.Root {
		return damaged("the hub has signed a tree of size %d and root %s, which is not in this log of size %d", signed.Size, signed.Root, size)
	}
	return err
}

func (l *Log) checkLastLeaf(ctx context.Context, index uint64) error {
	var bytes, tree []byte
	if err := l.db.Read.QueryRowContext(ctx, `SELECT bytes, tree FROM leaf WHERE idx = ?`, index).Scan(&bytes, &tree); err != nil {
		return fmt.Errorf("evidence: read leaf %d: %w", index, err)
	}
	if tlog.RecordHash(bytes) != tlog.Hash(digest(tree)) {
		return damaged("the last leaf, %d, does not have its hash", index)
	}
	return nil
}

// Close waits for the appends under way and closes the file.
func (l *Log) Close() error {
	l.once.Do(func() { close(l.closed) })
	l.done.Wait()
	return l.db.Close()
}

// Append implements [ingest.Evidence]. Batches of one gateway may come in any order and with gaps; what can be compared
// is compared, so a chain is checked as soon as a neighbour is known. A batch that says it has no predecessor starts a
// chain anew; see [Head].Restarts. Times are kept in milliseconds.
func (l *Log) Append(ctx context.Context, s wire.Sealed, received time.Time) (uint64, error) {
	if s.Sequence == 0 || s.Sequence > math.MaxInt64 {
		return 0, fmt.Errorf("evidence: gateway %q uses sequence %d, allowed are 1 to %d: %w", s.Gateway, s.Sequence, int64(math.MaxInt64), ingest.ErrChain)
	}
	if len(s.Bytes) == 0 {
		return 0, fmt.Errorf("evidence: batch %d of gateway %q has no bytes", s.Sequence, s.Gateway)
	}
	// All that needs no database is computed here, in the caller's time.
	req := request{
		gateway: s.Gateway, sequence: s.Sequence, previous: s.Previous, bytes: s.Bytes,
		digest: sha256.Sum256(s.Bytes), leaf: tlog.RecordHash(s.Bytes),
		readings: len(s.Readings), received: received.UnixMilli(), reply: make(chan result, 1),
	}
	if req.readings > 0 {
		first, last := s.Span()
		req.first, req.last = first.UnixMilli(), last.UnixMilli()
	}
	select {
	case l.queue <- req:
	case <-l.closed:
		return 0, fmt.Errorf("evidence: append batch %d of gateway %q: %w", s.Sequence, s.Gateway, ErrClosed)
	case <-ctx.Done():
		return 0, fmt.Errorf("evidence: append batch %d of gateway %q: %w", s.Sequence, s.Gateway, ctx.Err())
	}
	select {
	case r := <-req.reply:
		return r.index, r.err
	case <-ctx.Done(): // it may be kept all the same; sent again, it is a duplicate
		return 0, fmt.Errorf("evidence: append batch %d of gateway %q: %w", s.Sequence, s.Gateway, ctx.Err())
	}
}

// digest reads a stored digest; one of another length, which only damage makes, matches nothing.
func digest(b []byte) (d wire.Digest) {
	copy(d[:], b)
	return d
}
