package wire

import (
	"crypto/ed25519"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/veraison/go-cose"

	"loam/internal/name"
)

// ContentTypeReceipt tells a receipt from a batch, whoever signed it.
const ContentTypeReceipt = "application/loam-receipt+cbor"

// receiptHeader is the protected header of a receipt.
type receiptHeader struct {
	Algorithm   int64  `cbor:"1,keyasint"`
	ContentType string `cbor:"3,keyasint"`
	KeyID       []byte `cbor:"4,keyasint"`
}

// receiptPayload is a receipt as CBOR. The labels are text: receipts are small and rare.
type receiptPayload struct {
	At       int64   `cbor:"at"`
	Digest   []byte  `cbor:"dig"`
	Gateway  string  `cbor:"gw"`
	Index    *uint64 `cbor:"idx,omitempty"`
	Outcome  uint8   `cbor:"out"`
	Sequence uint64  `cbor:"seq"`
	Reason   string  `cbor:"why,omitempty"`
}

// SealReceipt signs a receipt as the hub s. A Reason longer than [MaxReasonBytes] is cut at a character: a receipt that
// cannot be sent would make the gateway send its batch for ever.
func SealReceipt(r Receipt, s Signer) ([]byte, error) {
	if r.Hub != s.ID() {
		return nil, fmt.Errorf("wire: receipt of %q: the signer is %q", r.Hub, s.ID())
	}
	r.Reason = cut(r.Reason)
	if err := checkReceipt(r); err != nil {
		return nil, fmt.Errorf("wire: receipt of %s: %w", r.Hub, err)
	}
	p := receiptPayload{
		At: r.At.UnixMilli(), Digest: r.Digest[:], Gateway: r.Gateway,
		Outcome: uint8(r.Outcome), Sequence: r.Sequence, Reason: r.Reason,
	}
	if r.Outcome == Stored {
		p.Index = &r.Index
	}
	payload, err := marshal(p)
	if err != nil {
		return nil, fmt.Errorf("wire: receipt of %s: %w", r.Hub, err)
	}
	raw, err := sealEnvelope(receiptHeader{
		Algorithm: int64(cose.AlgorithmEdDSA), ContentType: ContentTypeReceipt, KeyID: []byte(r.Hub),
	}, payload, s)
	if err != nil {
		return nil, fmt.Errorf("wire: receipt of %s: %w", r.Hub, err)
	}
	return raw, nil
}

// OpenReceipt checks that raw is a receipt signed by key and reads it. Its errors wrap one of the sentinels above.
func OpenReceipt(raw []byte, key ed25519.PublicKey) (Receipt, error) {
	r, err := openReceipt(raw, key)
	if err != nil {
		return Receipt{}, fmt.Errorf("wire: receipt: %w", err)
	}
	return r, nil
}

func openReceipt(raw []byte, key ed25519.PublicKey) (Receipt, error) {
	id, m, err := readReceiptHeader(raw)
	if err != nil {
		return Receipt{}, err
	}
	if err := verify(m, key); err != nil {
		return Receipt{}, err
	}
	return readReceipt(id, m.Payload)
}

// ReadReceipt is [OpenReceipt] without the signature: for looking at it, not for belief.
func ReadReceipt(raw []byte) (Receipt, error) {
	id, m, err := readReceiptHeader(raw)
	if err != nil {
		return Receipt{}, fmt.Errorf("wire: receipt: %w", err)
	}
	r, err := readReceipt(id, m.Payload)
	if err != nil {
		return Receipt{}, fmt.Errorf("wire: receipt: %w", err)
	}
	return r, nil
}

// readReceiptHeader returns the name of the hub beside the envelope.
func readReceiptHeader(raw []byte) (hub string, m *cose.Sign1Message, err error) {
	var header receiptHeader
	if m, err = readEnvelope(raw, MaxReceiptBytes, &header); err != nil {
		return "", nil, err
	}
	if err := checkSigner(header.Algorithm, header.KeyID); err != nil {
		return "", nil, err
	}
	if header.ContentType != ContentTypeReceipt {
		return "", nil, fmt.Errorf("%w: content type %q, want %q", ErrMalformed, header.ContentType, ContentTypeReceipt)
	}
	return string(header.KeyID), m, nil
}

func readReceipt(hub string, payload []byte) (Receipt, error) {
	var p receiptPayload
	if err := unmarshal(payload, &p); err != nil {
		return Receipt{}, err
	}
	r := Receipt{
		Hub: hub, Gateway: p.Gateway, Sequence: p.Sequence,
		Outcome: Outcome(p.Outcome), Reason: p.Reason, At: time.UnixMilli(p.At).UTC(),
	}
	if len(p.Digest) != len(r.Digest) || (p.Index != nil) != (r.Outcome == Stored) {
		return Receipt{}, fmt.Errorf("%w: digest or index", ErrMalformed)
	}
	copy(r.Digest[:], p.Digest)
	if p.Index != nil {
		r.Index = *p.Index
	}
	if err := checkReceipt(r); err != nil {
		return Receipt{}, err
	}
	return r, canonical(p, payload)
}

// checkReceipt says what is wrong with a receipt, if anything.
func checkReceipt(r Receipt) error {
	switch {
	case !name.Valid(r.Hub) || !name.Valid(r.Gateway):
		return fmt.Errorf("%w: hub %q or gateway %q is not a name", ErrMalformed, r.Hub, r.Gateway)
	case r.Sequence > math.MaxInt64 || r.Index > math.MaxInt64:
		return fmt.Errorf("%w: sequence %d or index %d is above 2^63-1", ErrMalformed, r.Sequence, r.Index)
	case r.Outcome == Stored && (r.Reason != "" || r.Sequence == 0):
		return fmt.Errorf("%w: a stored batch has a sequence and no reason", ErrMalformed)
	case r.Outcome == Quarantined && (r.Reason == "" || r.Index != 0):
		return fmt.Errorf("%w: a quarantined batch has a reason and no index", ErrMalformed)
	case r.Outcome != Stored && r.Outcome != Quarantined:
		return fmt.Errorf("%w: outcome %d", ErrMalformed, r.Outcome)
	case len(r.Reason) > MaxReasonBytes:
		return fmt.Errorf("reason of %d bytes, at most %d: %w", len(r.Reason), MaxReasonBytes, ErrTooLarge)
	}
	return checkTime(r.At)
}

// cut makes s valid UTF-8 of at most [MaxReasonBytes].
func cut(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= MaxReasonBytes {
		return s
	}
	end := MaxReasonBytes
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
