package statement

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"loam/gateway/identity"
	"loam/gateway/wire"
)

// Format names the first version of the bundle.
const Format = "loam-bundle/1"

// MaxBundleBytes bounds what a verifier reads.
const MaxBundleBytes = 256 << 20

// Bundle is a statement with everything needed to recompute it: one file, JSON in canonical form.
type Bundle struct {
	Format    string    `json:"format"`
	Statement Statement `json:"statement"`
	Content   Content   `json:"content"`
	// Signature of the hub over the statement, Ed25519 in base64url, see [Message].
	Signature string `json:"signature"`
}

// What can be wrong with a bundle.
var (
	ErrFormat    = errors.New("not a bundle of this kind")
	ErrSignature = errors.New("the hub's signature does not verify")
	ErrContent   = errors.New("the content is not the one the hub signed for")
)

const messageLine = "loam statement 1\n"

// Message returns the bytes that the hub signs: a line that says what they are, so that no signature can be taken for one
// over something else, and the statement in canonical form.
func Message(s Statement) ([]byte, error) {
	raw, err := Canonical(s)
	if err != nil {
		return nil, err
	}
	return append([]byte(messageLine), raw...), nil
}

// Seal binds a statement to its content, signs it as the hub it names and returns it with the bundle's file.
func Seal(s Statement, c Content, hub wire.Signer) (Statement, []byte, error) {
	if s.Hub != hub.ID() || s.HubKey != identity.FormatKey(hub.Public()) {
		return Statement{}, nil, fmt.Errorf("statement: %s is of hub %q, the signer is %q", s.ID, s.Hub, hub.ID())
	}
	content, err := Canonical(c)
	if err != nil {
		return Statement{}, nil, err
	}
	s.Evidence.ContentDigest = HexDigest(content)
	message, err := Message(s)
	if err != nil {
		return Statement{}, nil, err
	}
	signature, err := hub.Sign(message)
	if err != nil {
		return Statement{}, nil, fmt.Errorf("statement: sign %s: %w", s.ID, err)
	}
	// The four keys stand in canonical order and each value is canonical, so the whole is, without a second pass.
	raw := fmt.Appendf(nil, `{"content":%s,"format":%q,"signature":%q,"statement":%s}`,
		content, Format, base64Encode(signature), message[len(messageLine):])
	return s, raw, nil
}

// Parse reads a bundle's file and checks its canonical form, the hub's signature over the statement and the digest of the
// content. What the statement says may still be wrong: package recompute checks that.
func Parse(raw []byte) (Bundle, error) {
	var b Bundle
	if len(raw) > MaxBundleBytes {
		return Bundle{}, fmt.Errorf("statement: %w: %d bytes, at most %d", ErrFormat, len(raw), MaxBundleBytes)
	}
	if err := decode(raw, &b); err != nil {
		return Bundle{}, fmt.Errorf("statement: bundle: %w", err)
	}
	if b.Format != Format {
		return Bundle{}, fmt.Errorf("statement: %w: format %q, this program reads %q", ErrFormat, b.Format, Format)
	}
	if err := b.Statement.VerifySignature(b.Signature); err != nil {
		return Bundle{}, err
	}
	if err := b.checkContent(); err != nil {
		return Bundle{}, err
	}
	return b, nil
}

// VerifySignature checks the hub's signature over a statement that stands alone. The key is the one the statement names:
// whether it is the hub's is for the reader to know.
func (s Statement) VerifySignature(signature string) error {
	key, err := identity.ParseKey(s.HubKey)
	if err != nil {
		return fmt.Errorf("statement: %s: hub key: %w", s.ID, err)
	}
	sig, err := base64Decode(signature)
	if err != nil {
		return fmt.Errorf("statement: %s: signature: %w", s.ID, err)
	}
	message, err := Message(s)
	if err != nil {
		return err
	}
	if len(sig) != ed25519.SignatureSize || !ed25519.Verify(key, message, sig) {
		return fmt.Errorf("statement: %s: %w", s.ID, ErrSignature)
	}
	return nil
}

func (b Bundle) checkContent() error {
	digest, err := Digest(b.Content)
	if err != nil {
		return err
	}
	if digest != b.Statement.Evidence.ContentDigest {
		return fmt.Errorf("statement: %s: %w: its SHA-256 is %s", b.Statement.ID, ErrContent, digest)
	}
	return nil
}
