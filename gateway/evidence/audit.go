package evidence

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"loam/gateway/ingest"
	"loam/gateway/wire"
)

// Problem names a kind of finding.
type Problem string

// What an audit can find.
const (
	Missing      Problem = "missing"     // a leaf is not there
	Altered      Problem = "altered"     // a leaf's bytes do not have the hash they were appended with
	Tree         Problem = "tree"        // the hashes of the tree do not fit its leaves
	Label        Problem = "label"       // what the log says of a leaf is not what its bytes say
	BadSignature Problem = "signature"   // a leaf does not open with its gateway's key
	Chain        Problem = "chain"       // a batch does not follow the one before it
	Counts       Problem = "counts"      // a gateway's head does not fit its leaves
	BadSigned    Problem = "checkpoint"  // the log contradicts the last signed checkpoint, or that one is not genuine
	NoKey        Problem = "unknown_key" // a leaf's gateway is not enrolled, so its signature could not be checked
)

// Finding is one thing an audit found. Gateway and Sequence are empty where they cannot be known.
type Finding struct {
	Problem  Problem
	Index    uint64
	Gateway  string
	Sequence uint64
	Detail   string
}

// String says it in one line.
func (f Finding) String() string {
	return fmt.Sprintf("leaf %d (gateway %q, batch %d): %s: %s", f.Index, f.Gateway, f.Sequence, f.Problem, f.Detail)
}

// Trust is whose signatures an audit checks. The zero value checks none.
type Trust struct {
	Gateways ingest.Keys       // nil: signatures of batches are not checked
	Origin   string            // of the hub's checkpoints
	Hub      ed25519.PublicKey // nil: the checkpoint's signature is not checked
}

// Inspect audits the file at path, also where [Open] refuses it.
func Inspect(ctx context.Context, path string, trust Trust) ([]Finding, error) {
	l, err := openUnchecked(ctx, path, nil, trust.Origin)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.Audit(ctx, trust)
}

// Audit compares everything in the log with everything else: each leaf with its hash and its labels, the tree with its
// root and with the last signed checkpoint, each batch with the one before it, and the signatures trust covers. It sees
// the log as it was when it began, and does not hold up appends. No findings means that all is well.
func (l *Log) Audit(ctx context.Context, trust Trust) ([]Finding, error) {
	tx, err := l.db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("evidence: audit: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	a := &auditor{trust: trust, whole: true, counts: map[string]head{}}
	for _, step := range []func(context.Context, *sql.Tx) error{a.prepare, a.leaves, a.tree, a.chains, a.heads} {
		if err := step(ctx, tx); err != nil {
			return a.findings, fmt.Errorf("evidence: audit: %w", err)
		}
	}
	return a.findings, nil
}

type auditor struct {
	trust    Trust
	findings []Finding

	size   uint64      // as the log says
	root   wire.Digest // as the log says
	signed Checkpoint
	note   []byte // nil: none signed yet

	found    frontier // as the leaves say
	whole    bool     // no leaf was missing so far, so found means something
	atSigned wire.Digest
	counts   map[string]head // as the leaves say
}

func (a *auditor) report(p Problem, index uint64, gateway string, sequence uint64, format string, args ...any) {
	a.findings = append(a.findings, Finding{p, index, gateway, sequence, fmt.Sprintf(format, args...)})
}

func (a *auditor) prepare(ctx context.Context, tx *sql.Tx) (err error) {
	if a.size, a.root, err = treeState(ctx, tx); err != nil {
		return err
	}
	var root []byte
	err = tx.QueryRowContext(ctx, `SELECT size, root, note FROM checkpoint`).Scan(&a.signed.Size, &root, &a.note)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	a.signed.Root = digest(root)
	return err
}

// row is a leaf with everything the log says of it.
type row struct {
	index, sequence               uint64
	gateway                       string
	digest, previous, tree, bytes []byte
	readings                      int
	received                      int64
	first, last                   sql.NullInt64
}

func (a *auditor) leaves(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT idx, gateway, sequence, digest, previous, tree, bytes, readings, received, first_at, last_at FROM leaf ORDER BY idx`)
	if err != nil {
		return err
	}
	defer rows.Close()
	next := uint64(0)
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.index, &r.gateway, &r.sequence, &r.digest, &r.previous, &r.tree, &r.bytes, &r.readings, &r.received, &r.first, &r.last); err != nil {
			return err
		}
		a.gap(next, r.index)
		next = r.index + 1
		a.leaf(r)
	}
	a.gap(next, a.size)
	return rows.Err()
}

// gap reports the leaves from..to-1 as missing.
func (a *auditor) gap(from, to uint64) {
	if from >= to {
		return
	}
	a.whole = false
	a.report(Missing, from, "", 0, "leaves %d to %d are not in the log", from, to-1)
}

func (a *auditor) leaf(r row) {
	if len(r.tree) < tlog.HashSize || tlog.RecordHash(r.bytes) != tlog.Hash(digest(r.tree)) {
		a.report(Altered, r.index, r.gateway, r.sequence, "the bytes do not have the hash they were appended with")
	} else {
		a.labels(r)
	}
	a.grow(r)
	h := a.counts[r.gateway]
	h = h.with(request{sequence: r.sequence, previous: digest(r.previous), readings: r.readings, received: r.received, first: r.first.Int64, last: r.last.Int64})
	a.counts[r.gateway] = h
}

// grow adds the leaf's own stored hash to the tree, so that an altered leaf is one finding and not one for each hash
// above it, and compares the hashes it completes.
func (a *auditor) grow(r row) {
	if !a.whole {
		return
	}
	for level, h := range a.found.add(tlog.Hash(digest(r.tree))) {
		if len(r.tree) < (level+1)*tlog.HashSize || tlog.Hash(digest(r.tree[level*tlog.HashSize:])) != h {
			a.report(Tree, r.index, r.gateway, r.sequence, "the tree hash of level %d does not fit the leaves below it", level)
			break
		}
	}
	if a.found.size == a.signed.Size {
		a.atSigned = wire.Digest(a.found.root())
	}
}

// labels compares what the log says of a leaf with what its bytes say.
func (a *auditor) labels(r row) {
	if sha256.Sum256(r.bytes) != digest(r.digest) {
		a.report(Label, r.index, r.gateway, r.sequence, "the digest is not that of the bytes")
	}
	h, err := wire.Peek(r.bytes)
	if err != nil {
		a.report(Label, r.index, r.gateway, r.sequence, "the bytes are not a batch: %v", err)
		return
	}
	if h.Gateway != r.gateway || h.Sequence != r.sequence || h.Previous != digest(r.previous) {
		a.report(Label, r.index, r.gateway, r.sequence, "the bytes are batch %d of gateway %q after %s, the log says after %s", h.Sequence, h.Gateway, h.Previous, digest(r.previous))
		return
	}
	if a.trust.Gateways == nil {
		return
	}
	key, ok := a.trust.Gateways.Key(r.gateway)
	if !ok {
		a.report(NoKey, r.index, r.gateway, r.sequence, "the gateway is not enrolled, so its signature could not be checked")
		return
	}
	s, err := wire.Open(r.bytes, key)
	if err != nil {
		a.report(BadSignature, r.index, r.gateway, r.sequence, "%v", err)
		return
	}
	first, last := s.Span()
	fits := len(s.Readings) == r.readings && (r.readings == 0 || at(r.first).Equal(first) && at(r.last).Equal(last))
	if !fits {
		a.report(Label, r.index, r.gateway, r.sequence, "the batch holds %d readings from %s to %s, the log says otherwise", len(s.Readings), first, last)
	}
}

func at(ms sql.NullInt64) time.Time { return time.UnixMilli(ms.Int64) }

// tree compares the tree with its root and with what was signed.
func (a *auditor) tree(context.Context, *sql.Tx) error {
	end := max(a.size, 1) - 1
	if a.whole && (a.found.size != a.size || wire.Digest(a.found.root()) != a.root) {
		a.report(Tree, end, "", 0, "the leaves make a tree of size %d with another root than the log's of size %d", a.found.size, a.size)
	}
	if a.note == nil {
		return nil
	}
	if a.signed.Size == 0 {
		a.atSigned = MerkleRoot(nil)
	}
	if a.signed.Size > a.size || a.whole && a.atSigned != a.signed.Root {
		a.report(BadSigned, end, "", 0, "the hub has signed a tree of size %d with root %s, which is not in this log of size %d", a.signed.Size, a.signed.Root, a.size)
	}
	if a.trust.Hub == nil {
		return nil
	}
	c, err := VerifyCheckpoint(a.note, a.trust.Origin, a.trust.Hub)
	if err != nil {
		a.report(BadSigned, end, "", 0, "%v", err)
	} else if c.Size != a.signed.Size || c.Root != a.signed.Root {
		a.report(BadSigned, end, "", 0, "the signed note is of size %d and root %s, the log says %d and %s", c.Size, c.Root, a.signed.Size, a.signed.Root)
	}
	return nil
}

// chains compares each batch with the one before it, wherever both are there.
func (a *auditor) chains(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT n.idx, n.gateway, n.sequence, n.previous, p.idx, p.digest FROM leaf n
		JOIN leaf p ON p.gateway = n.gateway AND p.sequence = n.sequence - 1
		WHERE n.previous <> p.digest AND n.previous <> zeroblob(32) ORDER BY n.idx`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var index, sequence, before uint64
		var gateway string
		var previous, d []byte
		if err := rows.Scan(&index, &gateway, &sequence, &previous, &before, &d); err != nil {
			return err
		}
		a.report(Chain, index, gateway, sequence, "it follows %s, but the batch before it, leaf %d, has digest %s", digest(previous), before, digest(d))
	}
	return rows.Err()
}

// heads compares what the log says of each gateway with its leaves.
func (a *auditor) heads(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT gateway, sequence, batches, readings, restarts FROM head ORDER BY gateway`)
	if err != nil {
		return err
	}
	defer rows.Close()
	end := max(a.size, 1) - 1
	for rows.Next() {
		var gateway string
		var h head
		if err := rows.Scan(&gateway, &h.sequence, &h.batches, &h.readings, &h.restarts); err != nil {
			return err
		}
		c := a.counts[gateway]
		delete(a.counts, gateway)
		if h.sequence != c.sequence || h.batches != c.batches || h.readings != c.readings || h.restarts != c.restarts {
			a.report(Counts, end, gateway, h.sequence, "the log says %d batches up to %d with %d readings and %d restarts; its leaves say %d up to %d with %d and %d",
				h.batches, h.sequence, h.readings, h.restarts, c.batches, c.sequence, c.readings, c.restarts)
		}
	}
	for _, gateway := range slices.Sorted(maps.Keys(a.counts)) {
		a.report(Counts, end, gateway, a.counts[gateway].sequence, "%d batches are in the log, but the gateway is not", a.counts[gateway].batches)
	}
	return rows.Err()
}
