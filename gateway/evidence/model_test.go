package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/evidence"
	"loam/gateway/identity/identitytest"
	"loam/gateway/ingest"
	"loam/gateway/wire"
)

// model says in the simplest words what the log must do.
type model struct {
	leaves []wire.Sealed
}

func (m *model) find(gateway string, sequence uint64) (int, bool) {
	for i, s := range m.leaves {
		if s.Gateway == gateway && s.Sequence == sequence {
			return i, true
		}
	}
	return 0, false
}

func (m *model) append(s wire.Sealed) (uint64, error) {
	if i, ok := m.find(s.Gateway, s.Sequence); ok {
		if m.leaves[i].Digest == s.Digest {
			return uint64(i), ingest.ErrDuplicate
		}
		return 0, ingest.ErrFork
	}
	fits := func(earlier, later wire.Sealed) bool {
		return later.Previous == earlier.Digest || later.Previous == wire.Digest{}
	}
	if s.Sequence == 1 && s.Previous != (wire.Digest{}) {
		return 0, ingest.ErrChain
	}
	if i, ok := m.find(s.Gateway, s.Sequence-1); ok && !fits(m.leaves[i], s) {
		return 0, ingest.ErrChain
	}
	if i, ok := m.find(s.Gateway, s.Sequence+1); ok && !fits(s, m.leaves[i]) {
		return 0, ingest.ErrChain
	}
	m.leaves = append(m.leaves, s)
	return uint64(len(m.leaves) - 1), nil
}

// Any mix of chains, forks, restarts, repeats and reopening, in any order, gives what the model says, and a tree over
// exactly those leaves.
func TestModel(t *testing.T) {
	dir, files := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		files++
		path := filepath.Join(dir, fmt.Sprint(files))
		l, err := evidence.Open(context.Background(), path, identitytest.NewSigner("hub"), origin)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { l.Close() }()

		// A pool of batches: for each sequence a few, each following one of the batches of the sequence before.
		var pool []wire.Sealed
		for _, gateway := range []string{"a", "b"} {
			layer := []wire.Digest{{}}
			for sequence := range uint64(rapid.IntRange(1, 5).Draw(t, "length")) {
				var next []wire.Digest
				for fork := range rapid.IntRange(1, 2).Draw(t, "forks") {
					previous := rapid.SampledFrom(append(layer, wire.Digest{}, wire.Digest{7})).Draw(t, "previous")
					s := loose(gateway, sequence+1, previous, fmt.Appendf(nil, "%s%d%d%s", gateway, sequence, fork, previous), start.Add(time.Duration(sequence)*time.Second))
					pool, next = append(pool, s), append(next, s.Digest)
				}
				layer = next
			}
		}
		var m model
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "reopen") == 0 {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				if l, err = evidence.Open(context.Background(), path, identitytest.NewSigner("hub"), origin); err != nil {
					t.Fatal(err)
				}
			}
			s := pool[rapid.IntRange(0, len(pool)-1).Draw(t, "batch")]
			want, wantErr := m.append(s)
			got, err := l.Append(context.Background(), s, start)
			if got != want || !errors.Is(err, wantErr) {
				t.Fatalf("Append(%s %d %q) = %d, %v; want %d, %v", s.Gateway, s.Sequence, s.Bytes, got, err, want, wantErr)
			}
		}
		var raw [][]byte
		for i, leaf := range all(t, l) {
			if i >= len(m.leaves) || !sameLeaf(leaf, m.leaves[i]) {
				t.Fatalf("leaf %d is %q", i, leaf.Bytes)
			}
			raw = append(raw, leaf.Bytes)
		}
		root, err := l.Root(context.Background(), uint64(len(raw)))
		if err != nil || len(raw) != len(m.leaves) || root != evidence.MerkleRoot(raw) {
			t.Fatalf("%d leaves, want %d; root %s, %v", len(raw), len(m.leaves), root, err)
		}
		heads, err := l.Heads(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range heads {
			var batches, restarts, highest uint64
			for _, s := range m.leaves {
				if s.Gateway != h.Gateway {
					continue
				}
				batches, highest = batches+1, max(highest, s.Sequence)
				if s.Sequence > 1 && s.Previous == (wire.Digest{}) {
					restarts++
				}
			}
			if h.Sequence != highest || h.Batches != batches || h.Restarts != restarts || h.Gaps != highest-batches || h.Readings != int64(batches) {
				t.Fatalf("head %+v; want %d batches up to %d with %d restarts", h, batches, highest, restarts)
			}
		}
	})
}
