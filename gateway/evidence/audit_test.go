package evidence_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"loam/gateway/evidence"
	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
)

// Whatever is done to the file behind the log's back is found, and the finding names the leaf.
func TestAuditFindsEveryHand(t *testing.T) {
	type want struct {
		problem  evidence.Problem
		index    uint64
		gateway  string
		sequence uint64
	}
	cases := map[string]struct {
		do      []string
		want    want
		refused bool // Open sees it too
	}{
		"one byte of a leaf": {
			[]string{`UPDATE leaf SET bytes = CAST(substr(bytes, 1, 99) || char(1) || substr(bytes, 101) AS BLOB) WHERE idx = 3`},
			want{evidence.Altered, 3, "creek-1", 4}, false},
		"one byte of the last leaf": {
			[]string{`UPDATE leaf SET bytes = CAST(substr(bytes, 1, 99) || char(1) || substr(bytes, 101) AS BLOB) WHERE idx = 8`},
			want{evidence.Altered, 8, "meadow-1", 4}, true},
		"a leaf cut short": {
			[]string{`UPDATE leaf SET bytes = substr(bytes, 1, 20) WHERE idx = 0`},
			want{evidence.Altered, 0, "creek-1", 1}, false},
		"a leaf deleted": {
			[]string{`DELETE FROM leaf WHERE idx = 2`},
			want{evidence.Missing, 2, "", 0}, false},
		"a leaf deleted: whose": {
			[]string{`DELETE FROM leaf WHERE idx = 2`},
			want{evidence.Counts, 8, "creek-1", 5}, false},
		"the last leaf deleted": {
			[]string{`DELETE FROM leaf WHERE idx = 8`},
			want{evidence.Missing, 8, "", 0}, true},
		"two leaves' bytes swapped": {
			[]string{`UPDATE leaf SET bytes = (SELECT bytes FROM leaf o WHERE o.idx = 3 - leaf.idx) WHERE idx IN (1, 2)`},
			want{evidence.Altered, 1, "creek-1", 2}, false},
		"two leaves swapped with all they have": {
			[]string{`UPDATE leaf SET idx = 100 WHERE idx = 2`, `UPDATE leaf SET idx = 2 WHERE idx = 4`, `UPDATE leaf SET idx = 4 WHERE idx = 100`},
			want{evidence.Tree, 3, "creek-1", 4}, false},
		"a leaf and its hash replaced by another batch": {
			[]string{`UPDATE leaf SET bytes = (SELECT bytes FROM leaf WHERE idx = 0), tree = (SELECT tree FROM leaf WHERE idx = 0) WHERE idx = 2`},
			want{evidence.Label, 2, "creek-1", 3}, false},
		"a leaf given to another gateway": {
			[]string{`UPDATE leaf SET gateway = 'other' WHERE idx = 1`},
			want{evidence.Label, 1, "other", 2}, false},
		"a leaf given another number": {
			[]string{`UPDATE leaf SET sequence = 77 WHERE idx = 8`},
			want{evidence.Label, 8, "meadow-1", 77}, true},
		"a leaf's time span": {
			[]string{`UPDATE leaf SET first_at = first_at + 1000 WHERE idx = 1`},
			want{evidence.Label, 1, "creek-1", 2}, false},
		"a leaf's count of readings": {
			[]string{`UPDATE leaf SET readings = 500 WHERE idx = 1`},
			want{evidence.Label, 1, "creek-1", 2}, false},
		"a leaf's digest": {
			[]string{`UPDATE leaf SET digest = zeroblob(32) WHERE idx = 1`},
			want{evidence.Label, 1, "creek-1", 2}, false},
		"a chain": {
			[]string{`UPDATE leaf SET previous = digest WHERE idx = 1`},
			want{evidence.Chain, 1, "creek-1", 2}, false},
		"a hash of the tree": {
			[]string{`UPDATE leaf SET tree = CAST(substr(tree, 1, 40) || zeroblob(56) AS BLOB) WHERE idx = 3`},
			want{evidence.Tree, 3, "creek-1", 4}, false},
		"the root": {
			[]string{`UPDATE tree SET root = zeroblob(32)`},
			want{evidence.Tree, 8, "", 0}, true},
		"the size": {
			[]string{`UPDATE tree SET size = 12`},
			want{evidence.Missing, 9, "", 0}, true},
		"a head": {
			[]string{`UPDATE head SET readings = readings + 1 WHERE gateway = 'meadow-1'`},
			want{evidence.Counts, 8, "meadow-1", 4}, false},
		"a head removed": {
			[]string{`DELETE FROM head WHERE gateway = 'meadow-1'`},
			want{evidence.Counts, 8, "meadow-1", 4}, true},
		"the signed root": {
			[]string{`UPDATE checkpoint SET root = zeroblob(32)`},
			want{evidence.BadSigned, 8, "", 0}, true},
		"the signed note": {
			[]string{`UPDATE checkpoint SET note = substr(note, 1, 60)`},
			want{evidence.BadSigned, 8, "", 0}, false},
		"the log rolled back, carefully": {
			[]string{`DELETE FROM leaf WHERE idx >= 5`, `DELETE FROM head WHERE gateway = 'meadow-1'`, `UPDATE tree SET size = 5, root = $root5`},
			want{evidence.BadSigned, 4, "", 0}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "evidence.db")
			l := open(t, path)
			appendAll(t, l, append(chain(t, "creek-1", 5), chain(t, "meadow-1", 4)...)...)
			if _, err := l.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
			root5, err := l.Root(t.Context(), 5)
			if err != nil {
				t.Fatal(err)
			}
			sound(t, l, trust())
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			for _, statement := range c.do {
				tamper(t, path, strings.ReplaceAll(statement, "$root5", fmt.Sprintf("x'%s'", root5)))
			}
			findings, err := evidence.Inspect(t.Context(), path, trust())
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range findings {
				found = found || want{f.Problem, f.Index, f.Gateway, f.Sequence} == c.want
			}
			if !found {
				t.Errorf("want %+v, the audit found", c.want)
				for _, f := range findings {
					t.Log(f)
				}
			}
			again, err := evidence.Open(t.Context(), path, identitytest.NewSigner("hub"), origin)
			if (err != nil) != c.refused || err != nil && !errors.Is(err, evidence.ErrDamaged) {
				t.Errorf("Open = %v; refused should be %v", err, c.refused)
			}
			if err == nil {
				again.Close()
			}
		})
	}
}

// A file whose bytes and hashes were forged throughout is sound in itself. The signature of the gateway shows it.
func TestAuditChecksSignatures(t *testing.T) {
	l := fresh(t)
	good := seal(t, "creek-1", 1, wire.Digest{}, 2, start)
	forged := good
	forged.Bytes = append([]byte{}, good.Bytes...)
	forged.Bytes[len(forged.Bytes)-1] ^= 1 // in the signature
	appendAll(t, l, forged)
	sound(t, l, evidence.Trust{Origin: origin})
	findings, err := l.Audit(t.Context(), trust())
	if err != nil || len(findings) != 1 || findings[0].Problem != evidence.BadSignature || findings[0].Gateway != "creek-1" || findings[0].Sequence != 1 {
		t.Errorf("findings %v, %v", findings, err)
	}
}

// The hub never signs two trees that contradict each other.
func TestCheckpointRefusesToContradictItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.db")
	l := open(t, path)
	appendAll(t, l, chain(t, "creek-1", 3)...)
	if _, err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	tamper(t, path, `UPDATE tree SET root = zeroblob(32)`)
	if _, err := l.Checkpoint(t.Context()); !errors.Is(err, evidence.ErrDamaged) {
		t.Errorf("another tree of the same size was signed: %v", err)
	}
	tamper(t, path, `UPDATE tree SET size = 2`)
	if _, err := l.Checkpoint(t.Context()); !errors.Is(err, evidence.ErrDamaged) {
		t.Errorf("a smaller tree was signed: %v", err)
	}
}
