package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
)

const keyPrefix = "ed25519:"

// FormatKey writes a public key as configurations and statements carry it: "ed25519:" and base64url.
func FormatKey(k ed25519.PublicKey) string {
	return keyPrefix + base64.RawURLEncoding.EncodeToString(k)
}

// ParseKey reads a public key as [FormatKey] writes it.
func ParseKey(s string) (ed25519.PublicKey, error) {
	text, ok := strings.CutPrefix(s, keyPrefix)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// The decoder skips line breaks; a key has one text only.
	if !ok || err != nil || len(raw) != ed25519.PublicKeySize || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("identity: key %q: give %s followed by the 43 base64url characters that --show-key prints", s, keyPrefix)
	}
	return raw, nil
}

// Fingerprint returns the first 100 bits of the SHA-256 of a public key as five groups of four letters and digits. It is
// the one form in which people compare keys: logs, pages and `loam verify` all show this one.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	text := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])) // 5 bits a character
	groups := make([]string, 5)
	for g := range groups {
		groups[g] = text[4*g : 4*g+4]
	}
	return strings.Join(groups, "-")
}
