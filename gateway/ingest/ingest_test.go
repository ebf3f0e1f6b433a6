package ingest_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/identity/identitytest"
	"loam/gateway/ingest"
	"loam/gateway/quarantine"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// What becomes of each kind of arrival: where it is kept, whether the gateway may forget it, and how it is counted.
func TestOutcomes(t *testing.T) {
	good := batch(t, "creek-1", 7, now.Add(-time.Minute))
	cases := map[string]struct {
		topic   string
		payload []byte
		outcome wire.Outcome      // 0: no receipt
		reason  quarantine.Reason // "": in evidence
		counted string
	}{
		"good":                   {"creek-1", good.Bytes, wire.Stored, "", "stored "},
		"a value beyond physics": {"creek-1", batchOf(t, "creek-1", 1, sensors.Decimal{Mantissa: 9000}, now).Bytes, wire.Stored, "", "stored "},
		"as early as can be":     {"creek-1", batch(t, "creek-1", 1, ingest.DefaultEarliest()).Bytes, wire.Stored, "", "stored "},
		"as late as can be":      {"creek-1", batch(t, "creek-1", 1, now, now.Add(ingest.DefaultMaxFuture)).Bytes, wire.Stored, "", "stored "},
		"too early": {"creek-1", batch(t, "creek-1", 1, ingest.DefaultEarliest().Add(-time.Millisecond), now).Bytes,
			wire.Quarantined, quarantine.TimeImpossible, "quarantined time_impossible"},
		"from 1970": {"creek-1", batch(t, "creek-1", 1, time.Unix(7, 0)).Bytes, wire.Quarantined, quarantine.TimeImpossible, "quarantined time_impossible"},
		"too late": {"creek-1", batch(t, "creek-1", 1, now, now.Add(ingest.DefaultMaxFuture+time.Millisecond)).Bytes,
			wire.Quarantined, quarantine.TimeImpossible, "quarantined time_impossible"},
		"from 1970, dated afterwards": {"creek-1", remade(t, good, func(b *wire.Batch) {
			b.Clock = clock.Redated
			b.Readings[0].At.State, b.Readings[0].At.Shown = clock.Redated, time.Unix(7, 0)
		}).Bytes, wire.Stored, "", "stored "},
		"dated afterwards into 1970": {"creek-1", remade(t, good, func(b *wire.Batch) {
			b.Clock = clock.Redated
			b.Readings[0].At = clock.Instant{Wall: time.Unix(7, 0), Boot: b.Boot, State: clock.Redated, Shown: now}
		}).Bytes, wire.Quarantined, quarantine.TimeImpossible, "quarantined time_impossible"},
		"in the place of others": {"creek-1", remade(t, good, func(b *wire.Batch) {
			b.Thinned = wire.Thinned{First: 2, Last: 5, Digest: wire.Digest{5}, Readings: 240}
		}).Bytes, wire.Stored, "", "stored "},
		"signed junk": {"creek-1", resign(t, good.Bytes, identitytest.NewSigner("creek-1"), func([]byte) []byte { return []byte("junk") }),
			wire.Quarantined, quarantine.Malformed, "quarantined malformed"},
		"signed, another spelling": {"creek-1", resign(t, good.Bytes, identitytest.NewSigner("creek-1"), repack(t, func(pack []byte) []byte {
			return append([]byte{0x98, pack[0] & 0x1f}, pack[1:]...) // the array's length in two bytes instead of one
		})), wire.Quarantined, quarantine.NotCanonical, "quarantined not_canonical"},
		"signed, inflating without end": {"creek-1", resign(t, good.Bytes, identitytest.NewSigner("creek-1"), repack(t, func([]byte) []byte {
			return make([]byte, wire.MaxPackBytes+1)
		})), wire.Quarantined, quarantine.TooLarge, "quarantined too_large"},

		"a stranger":               {"stranger", batch(t, "stranger", 1, now).Bytes, 0, quarantine.UnknownGateway, "refused unknown_gateway"},
		"a stranger on our topic":  {"creek-1", batch(t, "stranger", 1, now).Bytes, 0, quarantine.UnknownGateway, "refused unknown_gateway"},
		"on another's topic":       {"meadow-1", good.Bytes, 0, quarantine.WrongTopic, "refused wrong_topic"},
		"on a stranger's topic":    {"stranger", good.Bytes, 0, quarantine.WrongTopic, "refused wrong_topic"},
		"signed by another":        {"creek-1", resign(t, good.Bytes, identitytest.NewSigner("meadow-1"), bytes.Clone), 0, quarantine.Signature, "refused signature"},
		"one bit of the signature": {"creek-1", flip(good.Bytes, len(good.Bytes)-1), 0, quarantine.Signature, "refused signature"},
		"one bit of the content":   {"creek-1", flip(good.Bytes, len(good.Bytes)-80), 0, quarantine.Signature, "refused signature"},
		"nothing":                  {"creek-1", nil, 0, quarantine.Malformed, "refused malformed"},
		"junk":                     {"creek-1", []byte("hello"), 0, quarantine.Malformed, "refused malformed"},
		"cut short":                {"creek-1", good.Bytes[:len(good.Bytes)-1], 0, quarantine.Malformed, "refused malformed"},
		"one byte more":            {"creek-1", append(bytes.Clone(good.Bytes), 0), 0, quarantine.Malformed, "refused malformed"},
		"larger than can be":       {"creek-1", make([]byte, wire.MaxSealedBytes+1), 0, quarantine.TooLarge, "refused too_large"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			raw, err := h.Handle(t.Context(), c.topic, c.payload)
			if err != nil {
				t.Fatal(err)
			}
			checkReceipt(t, h, raw, c.payload, c.outcome, c.reason)
			items := h.items(t)
			if c.reason == "" {
				if len(items) != 0 || len(h.evidence.leaves) != 1 || !bytes.Equal(h.evidence.leaves[0], c.payload) {
					t.Errorf("evidence %d, quarantine %v", len(h.evidence.leaves), items)
				}
			} else if len(h.evidence.leaves) != 0 || len(items) != 1 || items[0].Reason != c.reason || items[0].Verified != (c.outcome != 0) ||
				items[0].Digest != sha256.Sum256(c.payload) || items[0].Detail == "" || !items[0].Received.Equal(now) {
				t.Errorf("evidence %d, quarantine %+v; want reason %s", len(h.evidence.leaves), items, c.reason)
			}
			if got := h.series(t); got["loam_ingest_batches_total "+c.counted] != 1 || (got["loam_ingest_last_batch_timestamp_seconds creek-1"] == 0) != (c.outcome == 0) {
				t.Errorf("counted %v; want %q", got, c.counted)
			}
		})
	}
}

// remade is a batch changed before it was signed.
func remade(t *testing.T, from wire.Sealed, change func(b *wire.Batch)) wire.Sealed {
	t.Helper()
	b := from.Batch
	b.Readings = slices.Clone(b.Readings)
	change(&b)
	s, err := wire.Seal(b, identitytest.NewSigner(b.Gateway))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func flip(raw []byte, at int) []byte {
	out := bytes.Clone(raw)
	out[at] ^= 1
	return out
}

// checkReceipt says whether raw is what the hub owes for the payload.
func checkReceipt(t fataler, h hub, raw, payload []byte, outcome wire.Outcome, reason quarantine.Reason) {
	t.Helper()
	if outcome == 0 {
		if raw != nil {
			t.Fatal("a receipt was given for what nobody vouches for")
		}
		return
	}
	r, err := wire.OpenReceipt(raw, h.signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	header, err := wire.Peek(payload)
	if err != nil {
		t.Fatal(err)
	}
	want := wire.Receipt{Hub: "hub", Gateway: header.Gateway, Sequence: header.Sequence, Digest: sha256.Sum256(payload), Outcome: outcome, At: now, Index: r.Index}
	if outcome == wire.Quarantined {
		want.Reason, want.Index = reason.Explain(header.Gateway), 0
	}
	if r != want {
		t.Fatal(fmt.Sprintf("receipt %+v\nwant    %+v", r, want))
	}
}

func TestDuplicateForkAndChain(t *testing.T) {
	h := newHub(t)
	first, second := batch(t, "creek-1", 1, now), batch(t, "creek-1", 2, now)
	for _, s := range []wire.Sealed{first, second, second, first} {
		raw, err := h.Handle(t.Context(), "creek-1", s.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		checkReceipt(t, h, raw, s.Bytes, wire.Stored, "")
		r, err := wire.OpenReceipt(raw, h.signer.Public())
		if err != nil || r.Index != s.Sequence-1 {
			t.Errorf("batch %d is receipted at %d, %v", s.Sequence, r.Index, err)
		}
	}
	fork := batch(t, "creek-1", 1, now.Add(-time.Second))
	for range 2 { // sent again where the receipt was lost
		raw, err := h.Handle(t.Context(), "creek-1", fork.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		checkReceipt(t, h, raw, fork.Bytes, wire.Quarantined, quarantine.Fork)
	}
	h.evidence.fail = fmt.Errorf("in /var/lib/secret: %w", ingest.ErrChain)
	third := batch(t, "creek-1", 3, now)
	raw, err := h.Handle(t.Context(), "creek-1", third.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	checkReceipt(t, h, raw, third.Bytes, wire.Quarantined, quarantine.ChainBreak)
	if bytes.Contains(raw, []byte("secret")) {
		t.Error("a receipt speaks of the hub's inside")
	}
	got := h.series(t)
	for series, n := range map[string]float64{
		"loam_ingest_batches_total stored ": 2, "loam_ingest_batches_total duplicate ": 2, "loam_ingest_batches_total quarantined fork": 2,
		"loam_ingest_batches_total quarantined chain_break": 1, "loam_ingest_readings_total": 2,
		"loam_ingest_last_batch_timestamp_seconds creek-1": float64(now.Unix()),
	} {
		if got[series] != n {
			t.Errorf("%s = %v, want %v", series, got[series], n)
		}
	}
	if items := h.items(t); len(items) != 2 || items[0].Seen+items[1].Seen != 3 {
		t.Errorf("quarantine holds %+v", items)
	}
}

// While evidence or quarantine cannot be had, nothing is decided and nothing forgotten; afterwards all is well.
func TestUnavailable(t *testing.T) {
	h := newHub(t)
	s := batch(t, "creek-1", 1, now)
	h.evidence.fail = errors.New("disk full")
	if raw, err := h.Handle(t.Context(), "creek-1", s.Bytes); raw != nil || err == nil || !strings.Contains(err.Error(), `batch 1 of gateway "creek-1"`) {
		t.Errorf("Handle without evidence = %v, %v", raw, err)
	}
	if items := h.items(t); len(items) != 0 {
		t.Errorf("a good batch is in quarantine: %v", items)
	}
	h.evidence.fail = nil
	raw, err := h.Handle(t.Context(), "creek-1", s.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	checkReceipt(t, h, raw, s.Bytes, wire.Stored, "")

	if err := h.quarantine.Close(); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{batch(t, "creek-1", 2, time.Unix(0, 0)).Bytes, []byte("junk")} {
		if raw, err := h.Handle(t.Context(), "creek-1", bad); raw != nil || err == nil {
			t.Errorf("Handle without quarantine = %v, %v", raw, err)
		}
	}
	good := batch(t, "creek-1", 3, now)
	if raw, err := h.Handle(t.Context(), "creek-1", good.Bytes); raw == nil || err != nil {
		t.Errorf("a good batch needs no quarantine: %v, %v", raw, err)
	}
	if n := h.series(t)["loam_ingest_batches_total failed "]; n != 3 {
		t.Errorf("failed = %v, want 3", n)
	}
}

// A hub that does not know the time judges nobody by it.
func TestTheHubsOwnClock(t *testing.T) {
	at, synced := time.Unix(100, 0), false
	h := newHub(t, func(c *ingest.Config) {
		c.Now = func() time.Time { return at }
		c.Synced = func() bool { return synced }
	})
	s := batch(t, "creek-1", 1, now)
	handle := func() ([]byte, error) { return h.Handle(t.Context(), "creek-1", s.Bytes) }
	if raw, err := handle(); raw != nil || !errors.Is(err, ingest.ErrHubClock) {
		t.Errorf("in 1970: %v, %v", raw, err)
	}
	at = now.Add(-48 * time.Hour) // the time saved at the last shutdown
	if raw, err := handle(); raw != nil || !errors.Is(err, ingest.ErrHubClock) {
		t.Errorf("two days late, and not synchronised: %v, %v", raw, err)
	}
	if items := h.items(t); len(items) != 0 {
		t.Errorf("quarantine holds %v", items)
	}
	at = now
	if raw, err := handle(); raw == nil || err != nil {
		t.Errorf("at the right time: %v, %v", raw, err)
	}
	at, synced = now.Add(-48*time.Hour), true
	s = batch(t, "creek-1", 2, now)
	raw, err := handle()
	if items := h.items(t); raw == nil || err != nil || len(items) != 1 || items[0].Reason != quarantine.TimeImpossible {
		t.Errorf("a synchronised hub: %v, %v, %v", raw, err, items)
	}
}

func TestAPanicStaysInside(t *testing.T) {
	h := newHub(t)
	h.SetOpen(func(raw []byte, key ed25519.PublicKey) (wire.Sealed, error) {
		s, err := wire.Open(raw, key)
		if s.Sequence == 13 {
			panic("no such index")
		}
		return s, err
	})
	bad, good := batch(t, "creek-1", 13, now), batch(t, "creek-1", 14, now)
	if raw, err := h.Handle(t.Context(), "creek-1", bad.Bytes); raw != nil || err != nil {
		t.Errorf("Handle = %v, %v", raw, err)
	}
	if items := h.items(t); len(items) != 1 || items[0].Reason != quarantine.Unreadable || !strings.Contains(items[0].Detail, "no such index") || !bytes.Equal(items[0].Bytes, bad.Bytes) {
		t.Errorf("quarantine holds %+v", items)
	}
	if raw, err := h.Handle(t.Context(), "creek-1", good.Bytes); raw == nil || err != nil {
		t.Errorf("the next batch: %v, %v", raw, err)
	}
	broken := newHub(t, func(c *ingest.Config) { c.Evidence = nil })
	if raw, err := broken.Handle(t.Context(), "creek-1", good.Bytes); raw != nil || err == nil {
		t.Errorf("Handle of a broken hub = %v, %v", raw, err)
	}
}

// However many strangers knock under however many names, the number of series stays the same.
func TestStrangersMakeNoSeries(t *testing.T) {
	h := newHub(t)
	knock := func(from, to int) int {
		for i := from; i < to; i++ {
			name := fmt.Sprint("stranger-", i)
			for _, payload := range [][]byte{batch(t, name, 1, now).Bytes, []byte(name), batch(t, "creek-1", 1, now).Bytes} {
				if raw, err := h.Handle(t.Context(), name, payload); raw != nil || err != nil {
					t.Fatal(raw, err)
				}
			}
		}
		return len(h.series(t))
	}
	if few, many := knock(0, 1), knock(1, 30); few != many {
		t.Errorf("%d series after one stranger, %d after thirty", few, many)
	}
}

// Every reason fits a receipt, whatever the gateway is called.
func TestReasonsFitAReceipt(t *testing.T) {
	for _, r := range quarantine.Reasons() {
		if s := r.Explain(strings.Repeat("g", 63)); len(s) > wire.MaxReasonBytes {
			t.Errorf("%s needs %d bytes", r, len(s))
		}
	}
}

// The law: in any mixture, every batch whose signature holds is in evidence or in quarantine when its receipt is given,
// good ones always in evidence, each once; what is not vouched for never gets a receipt; no arrival harms another.
func TestNothingLostNothingTwice(t *testing.T) {
	good := make([]wire.Sealed, 6)
	for i := range good {
		good[i] = batch(t, []string{"creek-1", "meadow-1"}[i%2], uint64(i+1), now)
	}
	bad := [][]byte{
		batch(t, "creek-1", 1, now.Add(-time.Hour)).Bytes, // fork of good[0] or, if first, the reverse
		batch(t, "creek-1", 50, time.Unix(0, 0)).Bytes,
		resign(t, good[0].Bytes, identitytest.NewSigner("creek-1"), func([]byte) []byte { return []byte("junk") }),
		batch(t, "stranger", 1, now).Bytes, flip(good[2].Bytes, 120), []byte("junk"), nil,
	}
	const vouched = 3 // the first of bad
	dir, files := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		files++
		h := newHubAt(t, filepath.Join(dir, fmt.Sprint(files)))
		defer h.quarantine.Close()
		safe := map[string]bool{} // by bytes: a receipt was given
		for range rapid.IntRange(1, 30).Draw(t, "arrivals") {
			payload, isVouched := []byte(nil), false
			if i := rapid.IntRange(0, len(good)+len(bad)-1).Draw(t, "which"); i < len(good) {
				payload, isVouched = good[i].Bytes, true
			} else {
				payload, isVouched = bad[i-len(good)], i-len(good) < vouched
			}
			topic := "creek-1"
			if header, err := wire.Peek(payload); err == nil {
				topic = header.Gateway
			}
			h.evidence.fail = nil
			if rapid.IntRange(0, 4).Draw(t, "broken") == 0 {
				h.evidence.fail = errors.New("disk full")
			}
			raw, err := h.Handle(context.Background(), topic, payload)
			if raw != nil && !isVouched {
				t.Fatalf("a receipt for %x", payload)
			}
			if raw == nil && isVouched && err == nil {
				t.Fatalf("no receipt and no error for a vouched batch")
			}
			if raw != nil {
				safe[string(payload)] = true
			}
		}
		kept, aside := map[string]int{}, map[wire.Digest]bool{}
		for _, leaf := range h.evidence.leaves {
			kept[string(leaf)]++
		}
		for _, it := range h.items(t) {
			aside[it.Digest] = true
		}
		for payload := range safe {
			if kept[payload] != 1 && !aside[sha256.Sum256([]byte(payload))] {
				t.Fatalf("a receipt was given, and the batch is %d times in evidence and not in quarantine", kept[payload])
			}
		}
		for i, s := range good[1:] { // good[0] may have lost to its fork
			if safe[string(s.Bytes)] && kept[string(s.Bytes)] != 1 {
				t.Fatalf("good batch %d is %d times in evidence", i+1, kept[string(s.Bytes)])
			}
		}
	})
}

type nowhere struct{}

func (nowhere) Put(context.Context, quarantine.Item) error { return nil }

// Nothing that a stranger can write brings the hub down or gets a receipt.
func FuzzHandle(f *testing.F) {
	good := batch(f, "creek-1", 1, now)
	early := batch(f, "creek-1", 1, time.Unix(0, 0))
	for _, seed := range [][]byte{
		good.Bytes, early.Bytes, batch(f, "stranger", 1, now).Bytes, nil, {0xd2, 0x84}, good.Bytes[:50], flip(good.Bytes, 5), flip(good.Bytes, 60),
	} {
		f.Add("creek-1", seed)
	}
	f.Add("no/topic", []byte("\xff"))
	h := newHub(f, func(c *ingest.Config) { c.Quarantine = nowhere{} }) // a database would be most of the time
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		raw, err := h.Handle(context.Background(), topic, payload)
		if err != nil {
			t.Fatal(err)
		}
		vouched := topic == "creek-1" && (bytes.Equal(payload, good.Bytes) || bytes.Equal(payload, early.Bytes))
		if (raw != nil) != vouched {
			t.Fatalf("receipt %x for %q", raw, payload)
		}
	})
}
