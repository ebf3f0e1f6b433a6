package identity_test

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"loam/gateway/identity"
)

func TestKeysKeepTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := ed25519.PublicKey(rapid.SliceOfN(rapid.Byte(), ed25519.PublicKeySize, ed25519.PublicKeySize).Draw(t, "key"))
		back, err := identity.ParseKey(identity.FormatKey(k))
		if err != nil || !back.Equal(k) {
			t.Fatalf("%x came back as %x, %v", k, back, err)
		}
	})
}

// Whatever is accepted as a key has one text only, so a key cannot be listed twice under two spellings.
func FuzzParseKey(f *testing.F) {
	f.Add(identity.FormatKey(bytes.Repeat([]byte{1}, ed25519.PublicKeySize)))
	f.Add("ed25519:")
	f.Add("ed25519:" + strings.Repeat("A", 43))
	f.Add("ed25519:" + strings.Repeat("A", 42) + "B")
	f.Add("ed25519:" + strings.Repeat("A", 20) + "\n" + strings.Repeat("A", 23))
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := identity.ParseKey(s); err == nil && identity.FormatKey(k) != s {
			t.Fatalf("%q was accepted for %q", s, identity.FormatKey(k))
		}
	})
}

func TestFingerprint(t *testing.T) {
	// SHA-256 of 32 zero bytes is 66687aadf862bd776c8fc18b8e9f8e20…, in base32 MZUHVLPY…
	const want = "mzuh-vlpy-mk6x-o3ep-ygfy"
	if got := identity.Fingerprint(make(ed25519.PublicKey, 32)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
