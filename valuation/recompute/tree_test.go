package recompute_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"loam/gateway/evidence"
	"loam/gateway/wire"
	"loam/valuation/fieldtest"
)

// noteSigner signs notes for the hub of the field.
type noteSigner struct {
	fieldtest.Signer
	hash uint32
}

func (s noteSigner) Name() string    { return fieldtest.Origin }
func (s noteSigner) KeyHash() uint32 { return s.hash }

// checkpoint returns a signed note over the leaves.
func checkpoint(t *rapid.T, hub fieldtest.Signer, leaves [][]byte) string {
	vkey, err := note.NewEd25519VerifierKey(fieldtest.Origin, ed25519.PublicKey(hub.Public()))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	root := evidence.MerkleRoot(leaves)
	text := fmt.Sprintf("%s\n%d\n%s\n", fieldtest.Origin, len(leaves), base64.StdEncoding.EncodeToString(root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, noteSigner{hub, v.KeyHash()})
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// path is the inclusion proof of leaf i, straight from the definition (RFC 6962 section 2.1.1).
func path(leaves [][]byte, i int) []wire.Digest {
	if len(leaves) <= 1 {
		return nil
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	if i < k {
		return append(path(leaves[:k], i), evidence.MerkleRoot(leaves[k:]))
	}
	return append(path(leaves[k:], i-k), evidence.MerkleRoot(leaves[:k]))
}
