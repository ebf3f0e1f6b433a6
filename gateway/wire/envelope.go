package wire

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"

	"loam/internal/name"
)

// maxProtectedBytes bounds the protected header, which is read before the signature is checked.
const maxProtectedBytes = 512

// sign1 is the content of a COSE_Sign1 (RFC 9052 section 4.2) behind its tag.
type sign1 struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected cbor.RawMessage
	Payload     []byte
	Signature   []byte
}

// checkSigner says whether alg and kid of a protected header are ones of ours.
func checkSigner(algorithm int64, keyID []byte) error {
	switch {
	case algorithm != int64(cose.AlgorithmEdDSA):
		return fmt.Errorf("%w: algorithm %d: sign with EdDSA (%d)", ErrMalformed, algorithm, int64(cose.AlgorithmEdDSA))
	case !name.Valid(string(keyID)):
		return fmt.Errorf("%w: key id %q: use 1 to 63 lower-case letters, digits and dashes", ErrMalformed, keyID)
	}
	return nil
}

// message is an envelope in go-cose's terms: protected is the encoded header map.
func message(protected, payload, signature []byte) (*cose.Sign1Message, error) {
	raw, err := marshal(protected)
	if err != nil {
		return nil, err
	}
	return &cose.Sign1Message{
		Headers: cose.Headers{
			RawProtected: raw,
			Protected:    cose.ProtectedHeader{cose.HeaderLabelAlgorithm: cose.AlgorithmEdDSA},
			Unprotected:  cose.UnprotectedHeader{},
		},
		Payload:   payload,
		Signature: signature,
	}, nil
}

// sealEnvelope signs payload under header and returns the envelope's canonical bytes.
func sealEnvelope(header any, payload []byte, s Signer) ([]byte, error) {
	protected, err := marshal(header)
	if err != nil {
		return nil, err
	}
	m, err := message(protected, payload, nil)
	if err != nil {
		return nil, err
	}
	if err := m.Sign(nil, nil, coseSigner{s}); err != nil {
		return nil, fmt.Errorf("sign as %s: %w", s.ID(), err)
	}
	return m.MarshalCBOR()
}

// readEnvelope reads raw and its protected header into header (a pointer), and refuses whatever would not be written
// with the very same bytes. The signature is not checked.
func readEnvelope(raw []byte, limit int, header any) (*cose.Sign1Message, error) {
	if len(raw) > limit {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", len(raw), limit, ErrTooLarge)
	}
	const tag, array = 0xd2, 0x84 // COSE_Sign1, four elements
	if len(raw) < 2 || raw[0] != tag || raw[1] != array {
		return nil, fmt.Errorf("%w: not a tagged COSE_Sign1", ErrMalformed)
	}
	var content sign1
	if err := unmarshal(raw[1:], &content); err != nil {
		return nil, err
	}
	if len(content.Protected) > maxProtectedBytes {
		return nil, fmt.Errorf("protected header of %d bytes, at most %d: %w", len(content.Protected), maxProtectedBytes, ErrTooLarge)
	}
	if err := unmarshal(content.Protected, header); err != nil {
		return nil, fmt.Errorf("protected header: %w", err)
	}
	if len(content.Signature) != ed25519.SignatureSize {
		return nil, fmt.Errorf("%w: signature of %d bytes", ErrMalformed, len(content.Signature))
	}
	protected, err := marshal(header)
	if err != nil {
		return nil, err
	}
	m, err := message(protected, content.Payload, content.Signature)
	if err != nil {
		return nil, err
	}
	again, err := m.MarshalCBOR()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !bytes.Equal(again, raw) {
		return nil, fmt.Errorf("envelope: %w", ErrNotCanonical)
	}
	return m, nil
}

// verify checks the signature of an envelope.
func verify(m *cose.Sign1Message, key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: a key of %d bytes", ErrSignature, len(key))
	}
	verifier, err := cose.NewVerifier(cose.AlgorithmEdDSA, key)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if err := m.Verify(nil, verifier); err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return nil
}

// coseSigner lets a [Signer] sign for go-cose.
type coseSigner struct{ Signer }

// Algorithm implements cose.Signer.
func (coseSigner) Algorithm() cose.Algorithm { return cose.AlgorithmEdDSA }

// Sign implements cose.Signer. Ed25519 needs no randomness.
func (s coseSigner) Sign(_ io.Reader, content []byte) ([]byte, error) { return s.Signer.Sign(content) }
