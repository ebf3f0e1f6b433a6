// Package identitytest gives tests keys that are the same in every run, so that what is signed with them is, too. They
// are no secret: nothing outside a test may sign with one.
package identitytest

import (
	"crypto/ed25519"
	"crypto/sha256"
)

// Signer signs for a gateway or a hub; it implements wire.Signer.
type Signer struct {
	Name string
	Key  ed25519.PrivateKey
}

// NewSigner returns the signer of that name, with the key made from it.
func NewSigner(name string) Signer { return Keyed(name, name) }

// Keyed returns a signer with the key made from another word than its name.
func Keyed(name, word string) Signer {
	seed := sha256.Sum256([]byte(word))
	return Signer{name, ed25519.NewKeyFromSeed(seed[:])}
}

// ID returns the name.
func (s Signer) ID() string { return s.Name }

// Public returns the public key.
func (s Signer) Public() ed25519.PublicKey { return s.Key.Public().(ed25519.PublicKey) }

// Sign signs with Ed25519.
func (s Signer) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.Key, message), nil }
