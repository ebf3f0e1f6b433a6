package evidence_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/ingest"
	"loam/gateway/quarantine"
	"loam/gateway/registry"
	"loam/gateway/wire"
)

var _ ingest.Evidence = (*evidence.Log)(nil)

func newIngest(t testing.TB, l *evidence.Log, gateways ...string) (*ingest.Ingest, *quarantine.Quarantine) {
	t.Helper()
	q, err := quarantine.Open(context.Background(), filepath.Join(t.TempDir(), "quarantine.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	site := registry.Site{ID: "creek", Ecosystem: "F1.2", AreaM2: 10, Outline: []registry.Coordinate{{7, 47}, {8, 47}, {8, 48}}, Steward: "asha"}
	var enrolled []registry.Gateway
	for _, id := range gateways {
		enrolled = append(enrolled, registry.Gateway{ID: id, Site: "creek", Key: identity.FormatKey(identitytest.NewSigner(id).Public())})
	}
	r, err := registry.New("willow-creek", []registry.Steward{{ID: "asha"}}, []registry.Site{site}, enrolled)
	if err != nil {
		t.Fatal(err)
	}
	return ingest.New(ingest.Config{
		Community: "willow-creek", Hub: identitytest.NewSigner("hub"), Keys: r, Evidence: l, Quarantine: q, Now: func() time.Time { return start.Add(time.Hour) },
	}), q
}

// Three gateways send their chains shuffled, twice over and all at once, with a copied card's fork and a stranger among
// them: evidence holds each batch once in a sound tree, quarantine the rest, and nobody waits for a receipt for ever.
func TestFromTheWireToTheLog(t *testing.T) {
	l := fresh(t)
	in, q := newIngest(t, l, "g1", "g2", "g3")
	type message struct {
		batch    wire.Sealed
		receipts bool
	}
	var messages []message
	const each = 20
	for _, g := range []string{"g1", "g2", "g3"} {
		for _, s := range chain(t, g, each) {
			messages = append(messages, message{s, true}, message{s, true})
		}
	}
	for _, s := range chain(t, "stranger", 5) {
		messages = append(messages, message{s, false})
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
	send := func(m message) {
		raw, err := in.Handle(context.Background(), m.batch.Gateway, m.batch.Bytes)
		if err != nil || (raw != nil) != m.receipts {
			t.Errorf("batch %d of %s: %d bytes of receipt, %v", m.batch.Sequence, m.batch.Gateway, len(raw), err)
		}
	}
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			for i := part; i < len(messages); i += 4 {
				send(messages[i])
			}
		})
	}
	wg.Wait()
	send(message{seal(t, "g1", 3, wire.Digest{}, 1, start), true})            // a copied card: the same number
	send(message{seal(t, "g1", 21, wire.Digest{1}, 1, start), true})          // a chain that was cut
	send(message{seal(t, "g1", 21, wire.Digest{}, 1, start), true})           // a new card, honestly
	send(message{seal(t, "g2", 21, wire.Digest{}, 1, time.Unix(0, 0)), true}) // a clock that stands in 1970

	sound(t, l, trust())
	heads, err := l.Heads(t.Context())
	if err != nil || len(heads) != 3 {
		t.Fatal(heads, err)
	}
	for i, h := range heads {
		want := evidence.Head{Gateway: fmt.Sprint("g", i+1), Sequence: each, Batches: each, Readings: 3 * each, LastReading: h.LastReading, LastReceived: h.LastReceived}
		if i == 0 {
			want.Sequence, want.Batches, want.Readings, want.Restarts = each+1, each+1, 3*each+1, 1
		}
		if h != want {
			t.Errorf("head %+v\nwant %+v", h, want)
		}
	}
	tallies, err := q.CountByReason(t.Context())
	want := []quarantine.Tally{
		{Reason: quarantine.ChainBreak, Items: 1, Seen: 1}, {Reason: quarantine.Fork, Items: 1, Seen: 1},
		{Reason: quarantine.TimeImpossible, Items: 1, Seen: 1}, {Reason: quarantine.UnknownGateway, Items: 5, Seen: 5},
	}
	if err != nil || fmt.Sprint(tallies) != fmt.Sprint(want) {
		t.Errorf("quarantine %v, %v; want %v", tallies, err, want)
	}
}

// BenchmarkHandle: from bytes on the wire to durable evidence and a signed receipt, 60 readings a batch.
func BenchmarkHandle(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			l := fresh(b)
			gateways := make([]string, callers)
			for i := range gateways {
				gateways[i] = fmt.Sprint("g", i)
			}
			in, _ := newIngest(b, l, gateways...)
			each := (b.N + callers - 1) / callers
			messages := make([][]wire.Sealed, callers)
			for i, g := range gateways {
				var previous wire.Digest
				for n := range each {
					s := seal(b, g, uint64(n+1), previous, 60, start)
					messages[i], previous = append(messages[i], s), s.Digest
				}
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					for _, s := range messages[i] {
						if raw, err := in.Handle(context.Background(), s.Gateway, s.Bytes); raw == nil || err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(60*each*callers)/b.Elapsed().Seconds(), "readings/s")
		})
	}
}
