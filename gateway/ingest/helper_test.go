package ingest_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/flate"
	"github.com/prometheus/client_golang/prometheus"

	"loam/gateway/identity/identitytest"
	"loam/gateway/ingest"
	"loam/gateway/quarantine"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

var (
	now  = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	boot = clock.BootID{1, 2, 3}
)

// enrolled is a community in which everybody signs with the key made from their name.
type enrolled []string

func (e enrolled) Key(gateway string) (ed25519.PublicKey, bool) {
	for _, g := range e {
		if g == gateway {
			return identitytest.NewSigner(g).Public(), true
		}
	}
	return nil, false
}

// memory is evidence in its simplest form; chains are not its business.
type memory struct {
	mu     sync.Mutex
	leaves [][]byte
	place  map[string]int // "gateway sequence"
	fail   error          // what the next appends answer
}

func (m *memory) Append(_ context.Context, s wire.Sealed, _ time.Time) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return 0, m.fail
	}
	key := fmt.Sprint(s.Gateway, " ", s.Sequence)
	if i, ok := m.place[key]; ok {
		if bytes.Equal(m.leaves[i], s.Bytes) {
			return uint64(i), fmt.Errorf("memory: %w", ingest.ErrDuplicate)
		}
		return 0, fmt.Errorf("memory: %w", ingest.ErrFork)
	}
	m.place[key] = len(m.leaves)
	m.leaves = append(m.leaves, s.Bytes)
	return uint64(len(m.leaves) - 1), nil
}

// hub is an Ingest with everything around it.
type hub struct {
	*ingest.Ingest
	evidence   *memory
	quarantine *quarantine.Quarantine
	metrics    *prometheus.Registry
	signer     identitytest.Signer
}

type fataler interface {
	Helper()
	Fatal(...any)
}

func newHub(t testing.TB, change ...func(*ingest.Config)) hub {
	t.Helper()
	h := newHubAt(t, filepath.Join(t.TempDir(), "quarantine.db"), change...)
	t.Cleanup(func() { h.quarantine.Close() })
	return h
}

func newHubAt(t fataler, path string, change ...func(*ingest.Config)) hub {
	t.Helper()
	q, err := quarantine.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	h := hub{evidence: &memory{place: map[string]int{}}, quarantine: q, metrics: prometheus.NewRegistry(), signer: identitytest.NewSigner("hub")}
	c := ingest.Config{
		Community: "willow-creek", Hub: h.signer, Keys: enrolled{"creek-1", "meadow-1"},
		Evidence: h.evidence, Quarantine: q, Now: func() time.Time { return now }, Metrics: h.metrics,
	}
	for _, f := range change {
		f(&c)
	}
	h.Ingest = ingest.New(c)
	return h
}

// items returns everything in quarantine.
func (h hub) items(t fataler) []quarantine.Item {
	t.Helper()
	items, err := h.quarantine.List(context.Background(), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// series returns every metric as "name{label="value",…}" with its number.
func (h hub) series(t fataler) map[string]float64 {
	t.Helper()
	families, err := h.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			out[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out
}

// batch seals readings of soil temperature taken at the given times.
func batch(t fataler, gateway string, sequence uint64, at ...time.Time) wire.Sealed {
	t.Helper()
	return batchOf(t, gateway, sequence, sensors.Decimal{Mantissa: 155, Exponent: -1}, at...)
}

func batchOf(t fataler, gateway string, sequence uint64, value sensors.Decimal, at ...time.Time) wire.Sealed {
	t.Helper()
	b := wire.Batch{Header: wire.Header{Gateway: gateway, Sequence: sequence, Boot: boot, Clock: clock.Synced}}
	for _, wall := range at {
		s := sensors.Sample{Quantity: sensors.SoilTemperature, Value: value, At: clock.Instant{Wall: wall, Boot: boot, State: clock.Synced}}
		r, err := sensors.Calibration{}.Apply("soil-10cm", s, nil)
		if err != nil {
			t.Fatal(err)
		}
		b.Readings = append(b.Readings, r)
	}
	s, err := wire.Seal(b, identitytest.NewSigner(gateway))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// resign changes the payload of a batch and signs the result as its gateway would (RFC 9052 section 4.4).
func resign(t fataler, raw []byte, as identitytest.Signer, change func(payload []byte) []byte) []byte {
	t.Helper()
	var envelope struct {
		_           struct{} `cbor:",toarray"`
		Protected   []byte
		Unprotected cbor.RawMessage
		Payload     []byte
		Signature   []byte
	}
	if err := cbor.Unmarshal(raw[1:], &envelope); err != nil {
		t.Fatal(err)
	}
	envelope.Payload = change(envelope.Payload)
	signed, err := cbor.Marshal([]any{"Signature1", envelope.Protected, []byte{}, envelope.Payload})
	if err != nil {
		t.Fatal(err)
	}
	envelope.Signature, _ = as.Sign(signed)
	again, err := cbor.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(raw[:1]), again...)
}

// repack changes the pack inside a payload.
func repack(t fataler, change func(pack []byte) []byte) func(payload []byte) []byte {
	return func(payload []byte) []byte {
		var pack, out bytes.Buffer
		if _, err := pack.ReadFrom(flate.NewReaderDict(bytes.NewReader(payload), []byte(wire.Dictionary))); err != nil {
			t.Fatal(err)
		}
		w, err := flate.NewWriterDict(&out, flate.BestCompression, []byte(wire.Dictionary))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Write(change(pack.Bytes()))
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
}
