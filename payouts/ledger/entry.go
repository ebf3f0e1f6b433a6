package ledger

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gowebpki/jcs"
)

// limitsKind is the kind of an entry that sets limits; all other kinds are the [State] the transfer came to.
const limitsKind = "limits"

// entry is one line of the log: a transfer came to a state, or an account was given limits.
type entry struct {
	Sequence int64   `json:"sequence,string"`
	At       int64   `json:"at,string"` // Unix milliseconds
	Kind     string  `json:"kind"`
	Transfer string  `json:"transfer"`
	Debit    Account `json:"debit"`
	Credit   Account `json:"credit"`
	Asset    Asset   `json:"asset"`
	Amount   int64   `json:"amount,string"`
	Origin   string  `json:"origin"`
	Memo     string  `json:"memo"`
	Reverses string  `json:"reverses"`
	Deadline int64   `json:"deadline,string"` // Unix milliseconds; 0: none
	Minimum  *int64  `json:"minimum,string,omitempty"`
	Maximum  *int64  `json:"maximum,string,omitempty"`
}

// digest is a SHA-256.
type digest [sha256.Size]byte

func toDigest(raw []byte) (digest, error) {
	if len(raw) != sha256.Size {
		return digest{}, fmt.Errorf("ledger: a hash has %d bytes, not %d: run a check of the ledger", len(raw), sha256.Size)
	}
	return digest(raw), nil
}

// chained returns the entry's link in the chain: SHA-256(previous link ‖ entry as canonical JSON, RFC 8785). The link
// before the first entry is all zeros. Integers are strings in it, because JSON readers round large numbers.
func (e entry) chained(previous digest) (digest, error) {
	canonical, err := canonicalJSON(e)
	if err != nil {
		return digest{}, fmt.Errorf("ledger: entry %d: %w", e.Sequence, err)
	}
	return sha256.Sum256(append(previous[:], canonical...)), nil
}

// body is what a client asked for, without what the ledger adds. Its digest tells a retry from a second use of the id.
type body struct {
	Phase    State   `json:"phase"`
	ID       string  `json:"id"`
	Debit    Account `json:"debit"`
	Credit   Account `json:"credit"`
	Asset    Asset   `json:"asset"`
	Amount   int64   `json:"amount,string"`
	Origin   string  `json:"origin"`
	Memo     string  `json:"memo"`
	Reverses string  `json:"reverses"`
	Deadline int64   `json:"deadline,string"`
}

// bodyDigest identifies a transfer's content; phase is the state it was asked to be recorded in.
func (t Transfer) bodyDigest(phase State) (digest, error) {
	canonical, err := canonicalJSON(body{
		Phase: phase, ID: t.ID, Debit: t.Debit, Credit: t.Credit, Asset: t.Asset, Amount: t.Amount,
		Origin: t.Origin, Memo: t.Memo, Reverses: t.Reverses, Deadline: millis(t.Deadline),
	})
	if err != nil {
		return digest{}, fmt.Errorf("ledger: transfer %q: %w", t.ID, err)
	}
	return sha256.Sum256(canonical), nil
}

func canonicalJSON(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(plain)
}

// millis is a time as it is kept; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMillis reverses millis.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
