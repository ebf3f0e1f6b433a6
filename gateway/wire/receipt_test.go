package wire_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"loam/gateway/wire"
)

func stored() wire.Receipt {
	return wire.Receipt{
		Hub: "hub", Gateway: gateway, Sequence: 7, Digest: wire.Digest{1, 2, 3}, Outcome: wire.Stored, Index: 41,
		At: time.UnixMilli(1787218261500).UTC(),
	}
}

func quarantined(reason string) wire.Receipt {
	r := stored()
	r.Outcome, r.Index, r.Reason = wire.Quarantined, 0, reason
	return r
}

// TestReceiptRoundTrip: what is sealed opens again as it was.
func TestReceiptRoundTrip(t *testing.T) {
	hub := testSigner("hub")
	rapid.Check(t, func(t *rapid.T) {
		r := stored()
		r.Sequence = rapid.Uint64Range(1, math.MaxInt64).Draw(t, "sequence")
		copy(r.Digest[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		r.At = time.UnixMilli(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "at")).UTC()
		r.Index = rapid.Uint64Range(0, math.MaxInt64).Draw(t, "index")
		if rapid.Bool().Draw(t, "quarantined") {
			r.Outcome, r.Index = wire.Quarantined, 0
			r.Reason = rapid.StringN(1, 100, -1).Draw(t, "reason")
			r.Sequence = rapid.Uint64Range(0, 3).Draw(t, "unread")
		}
		raw, err := wire.SealReceipt(r, hub)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.OpenReceipt(raw, hub.Public())
		if err != nil || got != r {
			t.Fatalf("%+v, %v\nfrom %+v", got, err, r)
		}
	})
}

// TestReceiptLongReason: a reason is cut rather than refused, at a character, and made valid.
func TestReceiptLongReason(t *testing.T) {
	hub := testSigner("hub")
	for _, reason := range []string{strings.Repeat("x", 5000), strings.Repeat("ä", 5000), "x" + strings.Repeat("𝄞", 5000), "a\xffb"} {
		raw := must(wire.SealReceipt(quarantined(reason), hub))(t)
		got := must(wire.OpenReceipt(raw, hub.Public()))(t).Reason
		if !utf8.ValidString(got) || len(got) > wire.MaxReasonBytes || len(reason) > 10 && len(got) < wire.MaxReasonBytes-3 {
			t.Errorf("cut to %d bytes: %.20q", len(got), got)
		}
	}
}

func TestReceiptRefuses(t *testing.T) {
	hub := testSigner("hub")
	for name, spoil := range map[string]func(r *wire.Receipt){
		"another hub":            func(r *wire.Receipt) { r.Hub = "other" },
		"gateway that is none":   func(r *wire.Receipt) { r.Gateway = "a/b" },
		"no outcome":             func(r *wire.Receipt) { r.Outcome = 0 },
		"outcome 3":              func(r *wire.Receipt) { r.Outcome = 3 },
		"stored as 0":            func(r *wire.Receipt) { r.Sequence = 0 },
		"sequence 2^63":          func(r *wire.Receipt) { r.Sequence = 1 << 63 },
		"index 2^63":             func(r *wire.Receipt) { r.Index = 1 << 63 },
		"stored with reason":     func(r *wire.Receipt) { r.Reason = "x" },
		"quarantined, no reason": func(r *wire.Receipt) { r.Outcome, r.Index = wire.Quarantined, 0 },
		"quarantined with index": func(r *wire.Receipt) { r.Outcome, r.Reason = wire.Quarantined, "x" },
		"microseconds":           func(r *wire.Receipt) { r.At = r.At.Add(time.Microsecond) },
	} {
		r := stored()
		spoil(&r)
		if _, err := wire.SealReceipt(r, hub); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}

	raw := must(wire.SealReceipt(stored(), hub))(t)
	batch := sound().bytes(t)
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"trailing byte":            {append(bytes.Clone(raw), 0), wire.ErrMalformed},
		"too large":                {make([]byte, wire.MaxReceiptBytes+1), wire.ErrTooLarge},
		"empty":                    {nil, wire.ErrMalformed},
		"a batch":                  {batch, wire.ErrMalformed},
		"changed in the signature": {flip(raw, len(raw)-1), wire.ErrSignature},
		"changed in the payload":   {flip(raw, len(raw)-70), wire.ErrSignature},
	} {
		if _, err := wire.OpenReceipt(c.raw, hub.Public()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := wire.OpenReceipt(raw, testSigner(gateway).Public()); !errors.Is(err, wire.ErrSignature) {
		t.Errorf("another hub's: %v", err)
	}
	if _, err := wire.Open(raw, hub.Public()); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a receipt opened as a batch: %v", err)
	}
}

func flip(raw []byte, i int) []byte {
	out := bytes.Clone(raw)
	out[i] ^= 1
	return out
}
