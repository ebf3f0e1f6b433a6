// Package wire defines what travels between a gateway and its hub, byte for byte.
//
// A batch is a SenML pack (RFC 8428) in CBOR, deflated, inside a COSE_Sign1 envelope (RFC 9052) signed with Ed25519. The
// bytes a gateway sent are the evidence: whatever [Open] accepts encodes again to the same pack in the same envelope, or
// it is refused. docs/wire.md is the format for implementers in other languages, testdata/ its golden vectors.
//
// Read in this order: wire.go (the nouns), batch.go ([Seal] and [Open]), pack.go (readings as SenML), envelope.go (COSE),
// receipt.go, topic.go.
package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// Limits of one batch. They bound what a stranger can make a hub do before a signature is checked.
const (
	MaxSealedBytes = 256 << 10 // a sealed batch as it travels
	MaxPackBytes   = 1 << 20   // the pack after inflating
	MaxReadings    = 4096

	MaxReceiptBytes     = 4 << 10
	MaxReasonBytes      = 1 << 10 // of a receipt
	MaxCertificateBytes = 128     // of a calibration certificate's id
)

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// String returns the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Header is what a batch says of itself, all of it signed.
type Header struct {
	Gateway  string       // key id
	Sequence uint64       // identity of the batch within its gateway, 1 to 2⁶³−1, each used once
	Previous Digest       // digest of the sealed batch before it; zero for the first of a chain
	Boot     clock.BootID // the boot all its readings were taken in
	Clock    clock.State  // how far the acquisition times can be trusted
	Thinned  Thinned      // what the batch stands in for, where it does; zero: it holds all that was read
}

// Thinned says that a batch stands in for the batches First to Last of its gateway, which had to make room before the hub
// had taken them. What it holds are readings as they were taken, a few of each channel and hour and none made up; the
// others are gone. They may be looked at and not counted as the series that they are left from, so they earn nothing.
//
// The batches that made room leave a gap in the sequence. Digest is that of the batch Last, which the next one after the
// gap names as its previous: the chain stays explained. A hub may hold some of them all the same, where they had been
// under way.
type Thinned struct {
	First, Last uint64
	Digest      Digest
	Readings    uint64 // how many there had been
}

// IsZero says that nothing was thinned.
func (t Thinned) IsZero() bool { return t == Thinned{} }

// Batch is readings signed together: all taken in one boot, under one clock state.
//
// The uptime of a reading travels, in whole milliseconds, only where the clock was not synchronised: there it is what
// the time can be mended with once the clock is right, or was ([clock.Redated]: then the time the clock had shown travels
// as well). Under a synchronised clock the wall time is the word that counts, and uptime arrives as zero.
type Batch struct {
	Header
	Readings []sensors.Reading
}

// Span returns the first and last acquisition time in the batch; zero times where it holds no readings.
func (b Batch) Span() (first, last time.Time) {
	for i, r := range b.Readings {
		if i == 0 || r.At.Wall.Before(first) {
			first = r.At.Wall
		}
		if i == 0 || r.At.Wall.After(last) {
			last = r.At.Wall
		}
	}
	return first, last
}

// Sealed is a batch together with the bytes that were signed for it.
type Sealed struct {
	Batch
	Bytes  []byte
	Digest Digest // of Bytes
}

// Signer signs for one gateway or hub. The key stays behind it.
type Signer interface {
	ID() string
	Public() ed25519.PublicKey
	Sign(message []byte) ([]byte, error)
}

// Outcome is what a hub did with a batch. The numbers are on the wire: do not reorder.
type Outcome uint8

// The outcomes a receipt can carry. Each lets the gateway forget the batch.
const (
	Stored      Outcome = 1 // in evidence, by this batch or by an identical earlier one
	Quarantined Outcome = 2 // kept aside with a reason; a person has to look
)

// Receipt is a hub's signed word about one batch.
type Receipt struct {
	Hub      string
	Gateway  string
	Sequence uint64 // 0 where the hub could not read one
	Digest   Digest // of the batch as the hub received it
	Outcome  Outcome
	Reason   string    // why quarantined; empty when stored
	Index    uint64    // leaf in the evidence log, when stored
	At       time.Time // UTC, millisecond resolution
}

// What can be wrong with bytes that claim to be a batch or a receipt.
var (
	ErrTooLarge     = errors.New("larger than the limit")
	ErrMalformed    = errors.New("malformed")
	ErrNotCanonical = errors.New("not in canonical form")
	ErrSignature    = errors.New("signature does not verify")
)
