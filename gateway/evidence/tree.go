package evidence

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/tlog"

	"loam/gateway/wire"
)

// frontier is all that is needed of an RFC 6962 tree to add to it: the root of the full subtree of 2^level leaves for
// each bit of size. It is a plain value, so a copy is a snapshot.
type frontier struct {
	size  uint64
	nodes [64]tlog.Hash
}

// add appends a leaf and returns the hashes it completes: its own, then its parent's, and so on upwards.
func (f *frontier) add(leaf tlog.Hash) []tlog.Hash {
	done := []tlog.Hash{leaf}
	level := 0
	for ; f.size>>level&1 == 1; level++ {
		leaf = tlog.NodeHash(f.nodes[level], leaf)
		done = append(done, leaf)
	}
	f.nodes[level] = leaf
	f.size++
	return done
}

func (f *frontier) root() tlog.Hash {
	if f.size == 0 {
		return sha256.Sum256(nil) // RFC 6962 section 2.1
	}
	var root tlog.Hash
	empty := true
	for level := range f.nodes {
		switch {
		case f.size>>level&1 == 0:
		case empty:
			root, empty = f.nodes[level], false
		default:
			root = tlog.NodeHash(f.nodes[level], root)
		}
	}
	return root
}

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// hashes reads tree hashes from where the leaves that completed them keep them.
func hashes(ctx context.Context, q querier) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, 0, len(indexes))
		for _, i := range indexes {
			level, n := tlog.SplitStoredHashIndex(i)
			h, err := storedHash(ctx, q, level, n)
			if err != nil {
				return nil, err
			}
			found = append(found, h)
		}
		return found, nil
	})
}

// storedHash returns the root of the full subtree n of 2^level leaves; its last leaf completed it.
func storedHash(ctx context.Context, q querier, level int, n int64) (h tlog.Hash, err error) {
	last := (n+1)<<level - 1
	var tree []byte
	err = q.QueryRowContext(ctx, `SELECT tree FROM leaf WHERE idx = ?`, last).Scan(&tree)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(tree) < (level+1)*tlog.HashSize {
		return h, damaged("leaf %d lacks the tree hash of level %d", last, level)
	}
	if err != nil {
		return h, fmt.Errorf("evidence: read the tree hash of leaf %d: %w", last, err)
	}
	copy(h[:], tree[level*tlog.HashSize:])
	return h, nil
}

// loadFrontier reads the frontier of the tree of the given size.
func loadFrontier(ctx context.Context, q querier, size uint64) (frontier, error) {
	f := frontier{size: size}
	for level := range f.nodes {
		if size>>level&1 == 0 {
			continue
		}
		h, err := storedHash(ctx, q, level, int64(size>>level)-1)
		if err != nil {
			return frontier{}, err
		}
		f.nodes[level] = h
	}
	return f, nil
}

// MerkleRoot returns the root of the RFC 6962 tree over the leaves, in that order.
func MerkleRoot(leaves [][]byte) wire.Digest {
	var f frontier
	for _, leaf := range leaves {
		f.add(tlog.RecordHash(leaf))
	}
	return wire.Digest(f.root())
}

// ErrProof says that a proof does not prove what it should.
var ErrProof = errors.New("the proof does not hold")

// VerifyInclusion checks, without the log, that leaf is at index in the tree of the given size and root. The error wraps
// [ErrProof].
func VerifyInclusion(leaf []byte, index, size uint64, root wire.Digest, proof []wire.Digest) error {
	if size > math.MaxInt64 || index >= size {
		return fmt.Errorf("evidence: leaf %d of a tree of %d: %w", index, size, ErrProof)
	}
	if err := tlog.CheckRecord(toHashes(proof), int64(size), tlog.Hash(root), int64(index), tlog.RecordHash(leaf)); err != nil {
		return fmt.Errorf("evidence: leaf %d of the tree of size %d with root %s: %w: %w", index, size, root, ErrProof, err)
	}
	return nil
}

// VerifyConsistency checks, without the log, that the tree of size and root begins with the tree of oldSize and oldRoot.
// The error wraps [ErrProof].
func VerifyConsistency(oldSize, size uint64, oldRoot, root wire.Digest, proof []wire.Digest) error {
	if size > math.MaxInt64 || oldSize > size {
		return fmt.Errorf("evidence: from tree size %d to %d: %w", oldSize, size, ErrProof)
	}
	if oldSize == 0 { // every tree begins with the empty one
		ok := oldRoot == MerkleRoot(nil) && len(proof) == 0 && (size > 0 || root == oldRoot)
		if !ok {
			return fmt.Errorf("evidence: from the empty tree to size %d: %w", size, ErrProof)
		}
		return nil
	}
	if err := tlog.CheckTree(toHashes(proof), int64(size), tlog.Hash(root), int64(oldSize), tlog.Hash(oldRoot)); err != nil {
		return fmt.Errorf("evidence: from tree size %d to %d: %w: %w", oldSize, size, ErrProof, err)
	}
	return nil
}

func toHashes(proof []wire.Digest) []tlog.Hash {
	out := make([]tlog.Hash, len(proof))
	for i, d := range proof {
		out[i] = tlog.Hash(d)
	}
	return out
}

func fromHashes(proof []tlog.Hash) []wire.Digest {
	out := make([]wire.Digest, len(proof))
	for i, h := range proof {
		out[i] = wire.Digest(h)
	}
	return out
}
