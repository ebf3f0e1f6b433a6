package kit

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"strings"
)

// pinDigits is how long a PIN is. With one attempt in five seconds, trying half of all takes eight years.
const pinDigits = 8

// pinRounds of PBKDF2 take a tenth of a second on the slowest Pi: the file is readable by the gateway alone, and whoever
// reads it has the gateway's key as well.
const pinRounds = 10_000

// lock is what is kept of the PIN: enough to recognise it, and a key that sessions are signed with.
type lock struct {
	Salt   []byte `json:"salt"`
	Hash   []byte `json:"hash"`
	Rounds int    `json:"rounds"`
	Key    []byte `json:"session_key"`
}

// openLock reads the lock at path, or makes one with a new PIN.
func openLock(path string, announce func(pin string)) (lock, error) {
	var l lock
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(raw, &l); err != nil || len(l.Salt) < 16 || len(l.Hash) != sha256.Size || len(l.Key) < 32 || l.Rounds < 1 {
			return l, fmt.Errorf("kit: %s holds no setup PIN: remove it, and a new PIN is made at the next start", path)
		}
		return l, nil
	case !errors.Is(err, fs.ErrNotExist):
		return l, fmt.Errorf("kit: read the setup PIN: %w", err)
	}
	pin, err := newPIN()
	if err != nil {
		return l, err
	}
	l = lock{Salt: make([]byte, 16), Rounds: pinRounds, Key: make([]byte, 32)}
	rand.Read(l.Salt) // never fails
	rand.Read(l.Key)
	if l.Hash, err = l.hash(pin); err != nil {
		return l, err
	}
	if raw, err = json.Marshal(l); err != nil {
		return l, fmt.Errorf("kit: write the setup PIN: %w", err)
	}
	if err := replace(path, raw, 0o600); err != nil {
		return l, err
	}
	announce(pin[:4] + " " + pin[4:])
	return l, nil
}

func newPIN() (string, error) {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(pinDigits), nil)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		return "", fmt.Errorf("kit: make a setup PIN: %w", err)
	}
	return fmt.Sprintf("%0*d", pinDigits, n), nil
}

func (l lock) hash(pin string) ([]byte, error) {
	sum, err := pbkdf2.Key(sha256.New, pin, l.Salt, l.Rounds, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("kit: hash the setup PIN: %w", err)
	}
	return sum, nil
}

// opens compares in a time that says nothing about how much was right. Blanks and dashes between digits do not count.
func (l lock) opens(pin string) bool {
	sum, err := l.hash(strings.NewReplacer(" ", "", "-", "").Replace(pin))
	return err == nil && subtle.ConstantTimeCompare(sum, l.Hash) == 1
}
