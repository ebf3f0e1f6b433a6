package wire_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
)

// signer signs with a key made of its own name, so that every run makes the same bytes.
type signer struct {
	id  string
	key ed25519.PrivateKey
}

func testSigner(id string) signer {
	seed := sha256.Sum256([]byte("test key of " + id))
	return signer{id, ed25519.NewKeyFromSeed(seed[:])}
}

func (s signer) ID() string                          { return s.id }
func (s signer) Public() ed25519.PublicKey           { return s.key.Public().(ed25519.PublicKey) }
func (s signer) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.key, message), nil }

// must fails the test where v came with an error: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
