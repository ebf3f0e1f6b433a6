package evidence_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"loam/gateway/evidence"
	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
)

// grown returns a log of n leaves with their bytes.
func grown(t testing.TB, n int) (*evidence.Log, [][]byte) {
	t.Helper()
	l := fresh(t)
	var raw [][]byte
	for i := range n {
		s := loose("g", uint64(i+1), wire.Digest{}, fmt.Appendf(nil, "leaf %d", i))
		appendAll(t, l, s)
		raw = append(raw, s.Bytes)
	}
	return l, raw
}

func nodes(p []wire.Digest) [][]byte {
	var out [][]byte
	for _, d := range p {
		out = append(out, d[:])
	}
	return out
}

// The published roots of the reference tree of RFC 6962 (google/certificate-transparency, merkletree tests; the same in
// transparency-dev/merkle, testonly).
func TestPublishedRoots(t *testing.T) {
	inputs := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	var leaves [][]byte
	for i, root := range roots {
		if got := evidence.MerkleRoot(leaves).String(); got != root {
			t.Errorf("root of %d leaves is %s, published is %s", i, got, root)
		}
		if i < len(inputs) {
			leaf, err := hex.DecodeString(inputs[i])
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leaf)
		}
	}
}

// Every proof for every leaf and every pair of sizes convinces our verifier and an independent one.
func TestProofsAgainstAnIndependentVerifier(t *testing.T) {
	const n = 33
	l, raw := grown(t, n)
	ctx := t.Context()
	roots := make([]wire.Digest, n+1)
	for size := range uint64(n + 1) {
		root, err := l.Root(ctx, size)
		if err != nil || root != evidence.MerkleRoot(raw[:size]) {
			t.Fatalf("root of %d: %s, %v", size, root, err)
		}
		roots[size] = root
	}
	for size := range uint64(n + 1) {
		for index := range size {
			p, err := l.Inclusion(ctx, index, size)
			if err != nil {
				t.Fatal(err)
			}
			if err := evidence.VerifyInclusion(raw[index], index, size, roots[size], p); err != nil {
				t.Errorf("leaf %d of %d: %v", index, size, err)
			}
			leaf := rfc6962.DefaultHasher.HashLeaf(raw[index])
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf, nodes(p), roots[size][:]); err != nil {
				t.Errorf("leaf %d of %d, independently: %v", index, size, err)
			}
		}
		for old := range size + 1 {
			p, err := l.Consistency(ctx, old, size)
			if err != nil {
				t.Fatal(err)
			}
			if err := evidence.VerifyConsistency(old, size, roots[old], roots[size], p); err != nil {
				t.Errorf("%d to %d: %v", old, size, err)
			}
			if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old, size, nodes(p), roots[old][:], roots[size][:]); err != nil {
				t.Errorf("%d to %d, independently: %v", old, size, err)
			}
		}
	}
	for _, err := range []error{
		second(l.Inclusion(ctx, 0, n+1)), second(l.Inclusion(ctx, n, n)), second(l.Inclusion(ctx, 0, math.MaxUint64)),
		second(l.Consistency(ctx, 1, n+1)), second(l.Consistency(ctx, 5, 4)), second(l.Root(ctx, n+1)),
	} {
		if !errors.Is(err, evidence.ErrRange) {
			t.Errorf("a question about what is not there gives %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Whatever is changed in a proof, its leaf, its place or its roots, it proves nothing any more.
func TestProofsProveNothingElse(t *testing.T) {
	const n = 21
	l, raw := grown(t, n)
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		size := rapid.Uint64Range(2, n).Draw(t, "size")
		index := rapid.Uint64Range(0, size-1).Draw(t, "index")
		old := rapid.Uint64Range(1, size-1).Draw(t, "old")
		root, oldRoot := evidence.MerkleRoot(raw[:size]), evidence.MerkleRoot(raw[:old])
		p, err := l.Inclusion(ctx, index, size)
		if err != nil {
			t.Fatal(err)
		}
		c, err := l.Consistency(ctx, old, size)
		if err != nil {
			t.Fatal(err)
		}
		bit := func(d wire.Digest) wire.Digest {
			d[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			return d
		}
		spoil := func(p []wire.Digest) []wire.Digest {
			p = append([]wire.Digest{}, p...)
			switch i := rapid.IntRange(0, max(len(p)-1, 0)).Draw(t, "node"); rapid.IntRange(0, 2).Draw(t, "how") {
			case 0:
				p[i] = bit(p[i])
			case 1:
				p = append(p[:i], p[i+1:]...)
			default:
				p = append(p, wire.Digest{})
			}
			return p
		}
		other := (index + 1) % size
		wrong := map[string]error{
			"inclusion proof":   evidence.VerifyInclusion(raw[index], index, size, root, spoil(p)),
			"another leaf":      evidence.VerifyInclusion(raw[other], index, size, root, p),
			"another place":     evidence.VerifyInclusion(raw[index], other, size, root, p),
			"another root":      evidence.VerifyInclusion(raw[index], index, size, bit(root), p),
			"beyond the tree":   evidence.VerifyInclusion(raw[index], size+index, size, root, p),
			"consistency proof": evidence.VerifyConsistency(old, size, oldRoot, root, spoil(c)),
			"another old root":  evidence.VerifyConsistency(old, size, bit(oldRoot), root, c),
			"another new root":  evidence.VerifyConsistency(old, size, oldRoot, bit(root), c),
			"backwards":         evidence.VerifyConsistency(size, old, root, oldRoot, c),
			"empty, with proof": evidence.VerifyConsistency(0, size, evidence.MerkleRoot(nil), root, c),
			"empty, wrong root": evidence.VerifyConsistency(0, size, oldRoot, root, nil),
		}
		if len(c) == 0 {
			delete(wrong, "empty, with proof")
		}
		for what, err := range wrong {
			if !errors.Is(err, evidence.ErrProof) {
				t.Fatalf("%s: %v", what, err)
			}
		}
	})
}

func TestCheckpoints(t *testing.T) {
	l, raw := grown(t, 0)
	ctx, hub := t.Context(), identitytest.NewSigner("hub")
	vkey, err := evidence.NoteVerifierKey(origin, hub.Public())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	var last evidence.Checkpoint
	for i := range 7 {
		signed, err := l.Checkpoint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := l.Checkpoint(ctx); err != nil || string(again) != string(signed) {
			t.Errorf("an unchanged log is signed differently: %v", err)
		}
		c, err := evidence.VerifyCheckpoint(signed, origin, hub.Public())
		if want := (evidence.Checkpoint{Origin: origin, Size: uint64(i), Root: evidence.MerkleRoot(raw)}); err != nil || c != want {
			t.Errorf("checkpoint %+v, %v; want %+v", c, err, want)
		}
		// Any tool that knows signed notes reads the same three lines.
		n, err := note.Open(signed, note.VerifierList(verifier))
		if err != nil || !strings.HasPrefix(n.Text, fmt.Sprintf("%s\n%d\n", origin, i)) || strings.Count(n.Text, "\n") != 3 {
			t.Errorf("note %v, %v", n, err)
		}
		p, err := l.Consistency(ctx, last.Size, c.Size)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if err := evidence.VerifyConsistency(last.Size, c.Size, last.Root, c.Root, p); err != nil {
				t.Error(err)
			}
		}
		last = c
		s := loose("g", uint64(i+1), wire.Digest{}, fmt.Append(nil, i))
		appendAll(t, l, s)
		raw = append(raw, s.Bytes)
	}
}

func TestForeignCheckpointsAreRefused(t *testing.T) {
	l, _ := grown(t, 3)
	hub := identitytest.NewSigner("hub")
	signed, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body, _, _ := strings.Cut(string(signed), "\n\n")
	cases := map[string]struct {
		signed, origin string
		key            identitytest.Signer
	}{
		"another key":    {string(signed), origin, identitytest.NewSigner("other")},
		"another origin": {string(signed), "other.example/log", hub},
		"another size":   {strings.Replace(string(signed), "\n3\n", "\n4\n", 1), origin, hub},
		"no signature":   {body + "\n", origin, hub},
		"nothing":        {"", origin, hub},
		"junk":           {"\xff\n\n— \n", origin, hub},
	}
	for name, c := range cases {
		if got, err := evidence.VerifyCheckpoint([]byte(c.signed), c.origin, c.key.Public()); !errors.Is(err, evidence.ErrCheckpoint) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, bad := range []string{"", "two words", "a+b", "a\nb", "\xff"} {
		if _, err := evidence.NoteVerifierKey(bad, hub.Public()); err == nil {
			t.Errorf("origin %q was accepted", bad)
		}
		if _, err := evidence.Open(t.Context(), t.TempDir()+"/e.db", hub, bad); err == nil {
			t.Errorf("a log of origin %q was opened", bad)
		}
	}
	if _, err := evidence.VerifyCheckpoint(signed, origin, nil); err == nil {
		t.Error("no key was accepted")
	}
}

// What is signed under the hub's key but is no checkpoint of this log is none.
func FuzzVerifyCheckpoint(f *testing.F) {
	hub := identitytest.NewSigner("hub")
	root := "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	for _, text := range []string{
		origin + "\n0\n" + root + "\n", origin + "\n0\n" + root + "\nextension\n", origin + "\n00\n" + root + "\n",
		origin + "\n-1\n" + root + "\n", origin + "\n0\nAAAA\n", "other\n0\n" + root + "\n", origin + "\n", "\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		signed, err := note.Sign(&note.Note{Text: text}, testNoteSigner{hub})
		if err != nil {
			t.Skip("not a note")
		}
		c, err := evidence.VerifyCheckpoint(signed, origin, hub.Public())
		if err != nil {
			if !errors.Is(err, evidence.ErrCheckpoint) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		lines := strings.Split(text, "\n")
		if lines[0] != origin || lines[1] != fmt.Sprint(c.Size) || c.Size > math.MaxInt64 || len(lines) < 4 {
			t.Errorf("%q was read as %+v", text, c)
		}
	})
}

// testNoteSigner signs as the hub would, by the library's own reckoning of the key id.
type testNoteSigner struct{ identitytest.Signer }

func (s testNoteSigner) Name() string { return origin }

func (s testNoteSigner) KeyHash() uint32 {
	vkey, err := note.NewEd25519VerifierKey(origin, s.Public())
	if err != nil {
		return 0
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return 0
	}
	return v.KeyHash()
}
