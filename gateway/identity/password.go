package identity

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
)

// Signer is whoever can sign for a gateway: an [Identity], or a key kept elsewhere.
type Signer interface {
	ID() string
	Sign(message []byte) ([]byte, error)
}

// passwordContext keeps the signature of a password from ever being one of anything else: batches and receipts sign
// CBOR arrays, statements JSON objects, checkpoints lines of text that do not begin like this.
const passwordContext = "loam/1 broker password\x00"

func passwordMessage(community, gateway string) []byte {
	return []byte(passwordContext + community + "\x00" + gateway)
}

// BrokerPassword returns what a gateway logs in to its community's broker with: its signature under the community's and
// its own name, base64url. Ed25519 is deterministic, so it is always the same one and nothing needs to be stored or
// exchanged: the broker checks it against the public key. Whoever overhears it can log in as the gateway, but can sign
// no batch; use TLS where others listen.
func BrokerPassword(s Signer, community string) (string, error) {
	signature, err := s.Sign(passwordMessage(community, s.ID()))
	if err != nil {
		return "", fmt.Errorf("identity: broker password of %s: %w", s.ID(), err)
	}
	return base64.RawURLEncoding.EncodeToString(signature), nil
}

// CheckBrokerPassword says whether password is the one of the gateway with this key. Nothing secret is compared: what
// the time it takes tells, the public key tells too.
func CheckBrokerPassword(key ed25519.PublicKey, community, gateway, password string) bool {
	signature, err := base64.RawURLEncoding.Strict().DecodeString(password)
	if err != nil || len(key) != ed25519.PublicKeySize || len(signature) != ed25519.SignatureSize {
		return false
	}
	if base64.RawURLEncoding.EncodeToString(signature) != password { // the decoder skips line ends
		return false
	}
	return ed25519.Verify(key, passwordMessage(community, gateway), signature)
}
