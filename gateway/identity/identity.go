// Package identity is who signs: the Ed25519 key of a gateway or a hub, and the file it is kept in.
//
// Most callers want [LoadOrCreate]. The private key never leaves an [Identity]: it can sign, and it cannot be printed,
// logged or copied out. Losing the file means enrolling the gateway anew; there is no second copy anywhere.
package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"loam/internal/name"
)

// Identity signs for one gateway or hub. It is safe for concurrent use.
type Identity struct {
	id     string
	public ed25519.PublicKey
	sign   func(message []byte) []byte // holds the private key, where neither fmt nor reflection can print it
}

// ErrKeyFile is wrapped by every error about what is in a key file or who may read it.
var ErrKeyFile = errors.New("key file")

func newIdentity(id string, key ed25519.PrivateKey) (*Identity, error) {
	if !name.Valid(id) {
		return nil, fmt.Errorf("identity: id %q: %s", id, name.Rule)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("identity: %w: not an Ed25519 key", ErrKeyFile)
	}
	return &Identity{id: id, public: public, sign: func(m []byte) []byte { return ed25519.Sign(key, m) }}, nil
}

// LoadOrCreate reads the key at path, or makes a new one there when there is none. A file that is there and cannot be
// used is an error; it is never replaced.
func LoadOrCreate(path, id string) (*Identity, error) {
	loaded, err := Load(path, id)
	if !errors.Is(err, fs.ErrNotExist) {
		return loaded, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("identity: make a key for %s: %w", id, err)
	}
	made, err := newIdentity(id, key)
	if err != nil {
		return nil, err
	}
	if err := writeKey(path, key); err != nil {
		if errors.Is(err, fs.ErrExist) { // another process was quicker: its key is the one that counts
			return Load(path, id)
		}
		return nil, err
	}
	return made, nil
}

// Load reads the key at path: PKCS#8 in PEM, readable by its owner only. The error wraps [fs.ErrNotExist] where there is
// no file and [ErrKeyFile] where it is not one to trust.
func Load(path, id string) (*Identity, error) {
	key, err := readKey(path)
	if err != nil {
		return nil, err
	}
	return newIdentity(id, key)
}

// ID returns the name the identity signs as.
func (i *Identity) ID() string { return i.id }

// Public returns the public key.
func (i *Identity) Public() ed25519.PublicKey { return i.public }

// Sign signs a message with Ed25519.
func (i *Identity) Sign(message []byte) ([]byte, error) { return i.sign(message), nil }

// Fingerprint returns the public key in a form people can compare by eye or over the telephone.
func (i *Identity) Fingerprint() string { return Fingerprint(i.public) }

// String names the identity without its private key.
func (i *Identity) String() string { return "identity " + i.id + " (" + i.Fingerprint() + ")" }

// Format prints [Identity.String] for every verb, so that none reaches the fields.
func (i *Identity) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, i.String()) }

// LogValue implements slog.LogValuer.
func (i *Identity) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", i.id), slog.String("fingerprint", i.Fingerprint()))
}
