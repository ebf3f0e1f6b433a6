package wire

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math"

	"github.com/veraison/go-cose"

	"loam/internal/name"
	"loam/sensors/clock"
)

// ContentFormatBatch is SenML in CBOR, "application/senml+cbor", by its number in IANA's registry of CoAP Content-Formats
// (RFC 8428 section 12.4). COSE takes a number in place of a media type, and it is 22 bytes shorter.
const ContentFormatBatch = 112

// codingDeflate1 is the one content coding: raw deflate (RFC 1951) with the preset [Dictionary].
const codingDeflate1 = 1

// batchHeader is the protected header of a batch. Our own labels are text of one letter: every batch repeats them.
type batchHeader struct {
	Algorithm     int64  `cbor:"1,keyasint"`
	ContentFormat uint64 `cbor:"3,keyasint"`
	KeyID         []byte `cbor:"4,keyasint"`
	Boot          []byte `cbor:"b"`
	Clock         uint8  `cbor:"c"`
	Coding        uint64 `cbor:"e"`
	Previous      []byte `cbor:"p"`
	Sequence      uint64 `cbor:"s"`

	Thinned *thinnedHeader `cbor:"t,omitempty"`
}

// thinnedHeader is [Thinned] as an array.
type thinnedHeader struct {
	_           struct{} `cbor:",toarray"`
	First, Last uint64
	Digest      []byte
	Readings    uint64
}

func headerOf(b Batch) batchHeader {
	h := batchHeader{
		Algorithm: int64(cose.AlgorithmEdDSA), ContentFormat: ContentFormatBatch, KeyID: []byte(b.Gateway),
		Boot: b.Boot[:], Clock: uint8(b.Clock), Coding: codingDeflate1, Previous: b.Previous[:], Sequence: b.Sequence,
	}
	if t := b.Thinned; !t.IsZero() {
		h.Thinned = &thinnedHeader{First: t.First, Last: t.Last, Digest: t.Digest[:], Readings: t.Readings}
	}
	return h
}

// read undoes what [headerOf] did for a batch that is thinned.
func (t *thinnedHeader) read() (Thinned, error) {
	if t == nil {
		return Thinned{}, nil
	}
	out := Thinned{First: t.First, Last: t.Last, Readings: t.Readings}
	if copy(out.Digest[:], t.Digest) != len(t.Digest) || len(t.Digest) != len(out.Digest) {
		return Thinned{}, fmt.Errorf("%w: digest of %d bytes", ErrMalformed, len(t.Digest))
	}
	if out.IsZero() {
		return Thinned{}, fmt.Errorf("%w: thinned from nothing", ErrMalformed)
	}
	return out, nil
}

// Seal signs a batch as its gateway s. The readings are put into canonical order, so a batch has one encoding; what
// comes back is what [Open] returns for its bytes. A reading that [CheckReading] refuses, or of another boot or clock
// state than the header's, is an error wrapping [ErrMalformed].
func Seal(b Batch, s Signer) (Sealed, error) {
	if b.Gateway != s.ID() {
		return Sealed{}, fmt.Errorf("wire: batch of %q: the signer is %q", b.Gateway, s.ID())
	}
	sealed, err := seal(b, s)
	if err != nil {
		return Sealed{}, fmt.Errorf("wire: batch %d of %s: %w", b.Sequence, b.Gateway, err)
	}
	return sealed, nil
}

func seal(b Batch, s Signer) (Sealed, error) {
	if err := checkHeader(b.Header); err != nil {
		return Sealed{}, err
	}
	readings, err := arrange(b)
	if err != nil {
		return Sealed{}, err
	}
	b.Readings = readings
	pack, err := encodePack(b)
	if err != nil {
		return Sealed{}, err
	}
	payload, err := deflate(pack)
	if err != nil {
		return Sealed{}, err
	}
	raw, err := sealEnvelope(headerOf(b), payload, s)
	if err != nil {
		return Sealed{}, err
	}
	if len(raw) > MaxSealedBytes {
		return Sealed{}, fmt.Errorf("%d bytes, at most %d: seal fewer readings: %w", len(raw), MaxSealedBytes, ErrTooLarge)
	}
	return Sealed{Batch: b, Bytes: raw, Digest: sha256.Sum256(raw)}, nil
}

// Open checks that raw is a batch in canonical form, signed by key, and reads it. The signature is checked before the
// pack is looked at. Its errors wrap [ErrTooLarge], [ErrMalformed], [ErrNotCanonical] or [ErrSignature].
//
// Whether the times are plausible, the sequence new and the key the right one for this gateway is not decided here.
func Open(raw []byte, key ed25519.PublicKey) (Sealed, error) {
	sealed, err := open(raw, key)
	if err != nil {
		return Sealed{}, fmt.Errorf("wire: batch: %w", err)
	}
	return sealed, nil
}

func open(raw []byte, key ed25519.PublicKey) (Sealed, error) {
	h, m, err := readHeader(raw)
	if err != nil {
		return Sealed{}, err
	}
	if err := verify(m, key); err != nil {
		return Sealed{}, err
	}
	return read(raw, h, m)
}

// Read is [Open] without the signature: for looking at a batch whose key is not at hand, not for belief.
func Read(raw []byte) (Sealed, error) {
	h, m, err := readHeader(raw)
	if err != nil {
		return Sealed{}, fmt.Errorf("wire: batch: %w", err)
	}
	sealed, err := read(raw, h, m)
	if err != nil {
		return Sealed{}, fmt.Errorf("wire: batch: %w", err)
	}
	return sealed, nil
}

func read(raw []byte, h Header, m *cose.Sign1Message) (Sealed, error) {
	pack, err := inflate(m.Payload)
	if err != nil {
		return Sealed{}, err
	}
	b := Batch{Header: h}
	if b.Readings, err = decodePack(h, pack); err != nil {
		return Sealed{}, err
	}
	return Sealed{Batch: b, Bytes: bytes.Clone(raw), Digest: sha256.Sum256(raw)}, nil
}

// Peek reads the header of a batch without checking the signature: for finding the key and for messages, not for belief.
func Peek(raw []byte) (Header, error) {
	h, _, err := readHeader(raw)
	if err != nil {
		return Header{}, fmt.Errorf("wire: batch: %w", err)
	}
	return h, nil
}

func readHeader(raw []byte) (Header, *cose.Sign1Message, error) {
	var p batchHeader
	m, err := readEnvelope(raw, MaxSealedBytes, &p)
	if err != nil {
		return Header{}, nil, err
	}
	if err := checkSigner(p.Algorithm, p.KeyID); err != nil {
		return Header{}, nil, err
	}
	h := Header{Gateway: string(p.KeyID), Sequence: p.Sequence, Clock: clock.State(p.Clock)}
	switch {
	case p.ContentFormat != ContentFormatBatch || p.Coding != codingDeflate1:
		return Header{}, nil, fmt.Errorf("%w: content format %d in coding %d, want %d in %d", ErrMalformed, p.ContentFormat, p.Coding, ContentFormatBatch, codingDeflate1)
	case len(p.Boot) != len(h.Boot) || len(p.Previous) != len(h.Previous):
		return Header{}, nil, fmt.Errorf("%w: boot id of %d bytes, previous digest of %d", ErrMalformed, len(p.Boot), len(p.Previous))
	}
	copy(h.Boot[:], p.Boot)
	copy(h.Previous[:], p.Previous)
	if h.Thinned, err = p.Thinned.read(); err != nil {
		return Header{}, nil, err
	}
	return h, m, checkHeader(h)
}

// checkHeader says what is wrong with a header, if anything.
func checkHeader(h Header) error {
	switch {
	case !name.Valid(h.Gateway):
		return fmt.Errorf("%w: gateway %q: use 1 to 63 lower-case letters, digits and dashes", ErrMalformed, h.Gateway)
	case h.Sequence == 0 || h.Sequence > math.MaxInt64:
		return fmt.Errorf("%w: sequence %d is not within 1 and 2^63-1", ErrMalformed, h.Sequence)
	case h.Clock > clock.Redated:
		return fmt.Errorf("%w: clock state %d", ErrMalformed, h.Clock)
	}
	if t := h.Thinned; !t.IsZero() && (t.First == 0 || t.Last < t.First || t.Last >= h.Sequence || t.Readings == 0) {
		return fmt.Errorf("%w: batch %d thinned from %d to %d with %d readings", ErrMalformed, h.Sequence, t.First, t.Last, t.Readings)
	}
	return nil
}
