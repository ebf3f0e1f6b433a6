package identity_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"loam/gateway/identity"
)

func mustRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestBrokerPassword(t *testing.T) {
	id, _ := create(t)
	password, err := identity.BrokerPassword(id, "willow-creek")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := identity.BrokerPassword(id, "willow-creek"); again != password {
		t.Error("the password changes from call to call")
	}
	if !identity.CheckBrokerPassword(id.Public(), "willow-creek", "creek-1", password) {
		t.Error("the right password is refused")
	}
	other, _ := create(t)
	flipped := "A" + password[1:]
	if password[0] == 'A' {
		flipped = "B" + password[1:]
	}
	for name, ok := range map[string]bool{
		"another community":  identity.CheckBrokerPassword(id.Public(), "oak-hill", "creek-1", password),
		"another gateway":    identity.CheckBrokerPassword(id.Public(), "willow-creek", "creek-2", password),
		"names run together": identity.CheckBrokerPassword(id.Public(), "willow-cree", "kcreek-1", password),
		"another key":        identity.CheckBrokerPassword(other.Public(), "willow-creek", "creek-1", password),
		"no key":             identity.CheckBrokerPassword(ed25519.PublicKey{}, "willow-creek", "creek-1", password),
		"empty":              identity.CheckBrokerPassword(id.Public(), "willow-creek", "creek-1", ""),
		"changed":            identity.CheckBrokerPassword(id.Public(), "willow-creek", "creek-1", flipped),
		"longer":             identity.CheckBrokerPassword(id.Public(), "willow-creek", "creek-1", password+"A"),
		"a line more":        identity.CheckBrokerPassword(id.Public(), "willow-creek", "creek-1", password+"\n"),
		"not base64":         identity.CheckBrokerPassword(id.Public(), "willow-creek", "creek-1", strings.Repeat("!", 86)),
	} {
		if ok {
			t.Errorf("%s: accepted", name)
		}
	}
}
