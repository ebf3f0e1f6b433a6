package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/flate"
	"github.com/veraison/go-cose"

	"loam/gateway/identity"
	"loam/gateway/quarantine"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/sim"
)

// A whole hub with its own broker, and one gateway whose key the test holds and abuses.
type besieged struct {
	t        *testing.T
	hub      *hub
	now      time.Time
	gateway  *identity.Identity
	previous wire.Digest
	sequence uint64
	receipts chan wire.Receipt
	client   mqtt.Client
}

func besiege(t *testing.T) *besieged {
	t.Helper()
	dir := t.TempDir()
	b := &besieged{t: t, now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), sequence: 100, receipts: make(chan wire.Receipt, 100)}
	files, err := layOutDemo(dir, demoWorld{Seed: 1, Start: b.now.AddDate(0, 0, -30)}, "")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := readHubConfig(files.hub)
	if err != nil {
		t.Fatal(err)
	}
	if b.hub, err = openHub(t.Context(), cfg, clock.NewVirtual(b.now, clock.BootID{1}), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.hub.serve(ctx) }()
	t.Cleanup(func() { stop(); <-done; b.hub.Close() })
	if b.gateway, err = identity.Load(keyPath(filepath.Join(dir, string(sim.Meadow))), string(sim.Meadow)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); !b.hub.intake.Connected(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the hub does not listen to its broker")
		}
	}
	b.connect()
	return b
}

// connect logs in as the gateway does, and listens for receipts.
func (b *besieged) connect() {
	b.t.Helper()
	password, err := identity.BrokerPassword(b.gateway, "willow-creek")
	if err != nil {
		b.t.Fatal(err)
	}
	b.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + b.hub.broker.Addr()).SetClientID("meadow").SetUsername("meadow").SetPassword(password).SetAutoReconnect(false))
	b.wait(b.client.Connect())
	b.wait(b.client.Subscribe(wire.ReceiptTopic("willow-creek", "meadow"), 1, func(_ mqtt.Client, m mqtt.Message) {
		r, err := wire.OpenReceipt(m.Payload(), b.hub.identity.Public())
		if err != nil {
			b.t.Errorf("receipt: %v", err)
		}
		b.receipts <- r
	}))
	b.t.Cleanup(func() { b.client.Disconnect(50) })
}

func (b *besieged) wait(token mqtt.Token) {
	b.t.Helper()
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		b.t.Fatalf("mqtt: %v", token.Error())
	}
}

func (b *besieged) publish(payload []byte) {
	b.t.Helper()
	b.wait(b.client.Publish(wire.BatchTopic("willow-creek", "meadow"), 1, false, payload))
}

// batch seals one reading taken at a time.
func (b *besieged) batch(sequence uint64, previous wire.Digest, at time.Time) wire.Sealed {
	b.t.Helper()
	s, err := wire.Seal(wire.Batch{
		Header: wire.Header{Gateway: "meadow", Sequence: sequence, Previous: previous, Boot: clock.BootID{7}, Clock: clock.Synced},
		Readings: []sensors.Reading{{
			Channel: "air-temperature", Quantity: sensors.AirTemperature, Value: sensors.Decimal{Mantissa: 125, Exponent: -1},
			RawQuantity: sensors.AirTemperature, Raw: sensors.Decimal{Mantissa: 125, Exponent: -1},
			At: clock.Instant{Wall: at, Boot: clock.BootID{7}, State: clock.Synced}, Calibration: sensors.Certificate{ID: sensors.FactoryCertificate},
		}},
	}, b.gateway)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// next seals the batch that follows the last good one.
func (b *besieged) next() wire.Sealed {
	s := b.batch(b.sequence, b.previous, b.now.Add(time.Duration(b.sequence-1000)*time.Second))
	b.sequence, b.previous = b.sequence+1, s.Digest
	return s
}

// receipt waits for the receipt of a batch.
func (b *besieged) receipt(of wire.Sealed) wire.Receipt {
	b.t.Helper()
	for {
		select {
		case r := <-b.receipts:
			if r.Digest == of.Digest {
				return r
			}
		case <-time.After(10 * time.Second):
			b.t.Fatalf("no receipt for batch %d", of.Sequence)
		}
	}
}

// good sends a good batch and wants it stored: whatever came before did no harm.
func (b *besieged) good() wire.Sealed {
	b.t.Helper()
	s := b.next()
	b.publish(s.Bytes)
	if r := b.receipt(s); r.Outcome != wire.Stored {
		b.t.Fatalf("a good batch was not stored: %+v", r)
	}
	return s
}

// refused waits until so many batches are in quarantine for a reason, and wants the reason to name the gateway.
func (b *besieged) refused(reason quarantine.Reason, times int64) {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		tallies, err := b.hub.quarantine.CountByReason(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		for _, tally := range tallies {
			if tally.Reason == reason && tally.Seen >= times {
				if !strings.Contains(reason.Explain("meadow"), `"meadow"`) {
					b.t.Errorf("%s does not name the gateway", reason)
				}
				return
			}
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("not refused as %s: %+v", reason, tallies)
		}
	}
}

// withValue signs a pack whose only value is the given CBOR, as no gateway of ours would.
func (b *besieged) withValue(sequence uint64, value string) wire.Sealed {
	b.t.Helper()
	raw, err := hex.DecodeString(value)
	if err != nil {
		b.t.Fatal(err)
	}
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		b.t.Fatal(err)
	}
	pack, err := mode.Marshal([]any{map[any]any{
		2: cbor.RawMessage(raw), -2: "meadow/air-temperature/air_temperature", -3: b.now.Unix(), -4: "Cel", "bc": "factory",
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	var deflated bytes.Buffer
	w, err := flate.NewWriterDict(&deflated, flate.BestCompression, []byte(wire.Dictionary))
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := w.Write(pack); err != nil {
		b.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.t.Fatal(err)
	}
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, rawSigner{b.gateway})
	if err != nil {
		b.t.Fatal(err)
	}
	m := cose.NewSign1Message()
	m.Payload = deflated.Bytes()
	m.Headers.Protected = cose.ProtectedHeader{
		cose.HeaderLabelAlgorithm: cose.AlgorithmEdDSA, cose.HeaderLabelContentType: int64(112), cose.HeaderLabelKeyID: []byte("meadow"),
		"b": make([]byte, 16), "c": int64(2), "e": int64(1), "p": make([]byte, 32), "s": int64(sequence),
	}
	if err := m.Sign(nil, nil, signer); err != nil {
		b.t.Fatal(err)
	}
	out, err := m.MarshalCBOR()
	if err != nil {
		b.t.Fatal(err)
	}
	return wire.Sealed{Bytes: out, Digest: sha256.Sum256(out), Batch: wire.Batch{Header: wire.Header{Sequence: sequence}}}
}

func TestBadInputIsRefusedByNameAndHarmsNobody(t *testing.T) {
	b := besiege(t)
	b.good()

	forged := bytes.Clone(b.batch(b.sequence, b.previous, b.now).Bytes)
	forged[len(forged)-1] ^= 1
	b.publish(forged)
	b.refused(quarantine.Signature, 1)
	b.good()

	// Replayed: nothing changes, and the gateway is told again.
	again := b.good()
	before, err := b.hub.evidence.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.publish(again.Bytes)
	if r := b.receipt(again); r.Outcome != wire.Stored {
		t.Errorf("a replay got %+v", r)
	}
	if after, err := b.hub.evidence.Size(t.Context()); err != nil || after != before {
		t.Errorf("a replay made %d batches of %d (%v)", after, before, err)
	}

	// Reordered: the later batch first.
	first, second := b.next(), b.next()
	b.publish(second.Bytes)
	b.publish(first.Bytes)
	for _, s := range []wire.Sealed{second, first} {
		if r := b.receipt(s); r.Outcome != wire.Stored {
			t.Errorf("reordered batch %d got %+v", s.Sequence, r)
		}
	}

	whole := b.batch(b.sequence, b.previous, b.now).Bytes
	b.publish(whole[:len(whole)/2])
	b.publish([]byte("not a batch at all"))
	b.publish(nil)
	b.refused(quarantine.Malformed, 2)
	b.publish(make([]byte, wire.MaxSealedBytes+1))
	b.refused(quarantine.TooLarge, 1)
	b.good()

	// The same number twice, with other bytes; and a batch that follows none that we know.
	fork := b.batch(again.Sequence, again.Previous, b.now)
	b.publish(fork.Bytes)
	if r := b.receipt(fork); r.Outcome != wire.Quarantined || !strings.Contains(r.Reason, "meadow") {
		t.Errorf("a fork got %+v", r)
	}
	broken := b.batch(b.sequence, wire.Digest{1, 2, 3}, b.now)
	b.publish(broken.Bytes)
	if r := b.receipt(broken); r.Outcome != wire.Quarantined {
		t.Errorf("a broken chain got %+v", r)
	}

	for i, at := range []time.Time{time.Unix(60, 0), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)} {
		s := b.batch(5000+uint64(i)*100, wire.Digest{}, at)
		b.publish(s.Bytes)
		if r := b.receipt(s); r.Outcome != wire.Quarantined || !strings.Contains(r.Reason, `"meadow"`) {
			t.Errorf("a reading of %d got %+v", at.Year(), r)
		}
	}
	b.refused(quarantine.TimeImpossible, 2)

	// NaN, both infinities, and an honest float: the wire has no floating point. The same batch with an integer is good.
	for i, value := range []string{"f97e00", "f97c00", "f9fc00", "fb4029000000000000"} {
		s := b.withValue(7000+uint64(i)*100, value)
		b.publish(s.Bytes)
		if r := b.receipt(s); r.Outcome != wire.Quarantined {
			t.Errorf("value %s got %+v", value, r)
		}
	}
	b.refused(quarantine.Malformed, 6)
	integer := b.withValue(8000, "0c")
	b.publish(integer.Bytes)
	if r := b.receipt(integer); r.Outcome != wire.Stored {
		t.Errorf("an integer got %+v", r)
	}
	b.good()

	// Ten megabytes: the broker cuts the sender off, and only the sender.
	_ = b.client.Publish(wire.BatchTopic("willow-creek", "meadow"), 1, false, make([]byte, 10<<20)).WaitTimeout(5 * time.Second)
	b.client.Disconnect(0)
	b.connect()
	b.good()

	// A gateway nobody enrolled, by way of a broker that lets it in.
	if receipt, err := b.hub.ingest.Handle(t.Context(), "stranger", whole); err != nil || receipt != nil {
		t.Errorf("a stranger got %v, %v", receipt, err)
	}
	b.refused(quarantine.WrongTopic, 1)
	stranger, err := identity.LoadOrCreate(filepath.Join(t.TempDir(), "identity.pem"), "stranger")
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := wire.Seal(wire.Batch{Header: wire.Header{Gateway: "stranger", Sequence: 1, Boot: clock.BootID{7}, Clock: clock.Synced}, Readings: b.batch(1, wire.Digest{}, b.now).Readings}, stranger)
	if err != nil {
		t.Fatal(err)
	}
	if receipt, err := b.hub.ingest.Handle(t.Context(), "stranger", unknown.Bytes); err != nil || receipt != nil {
		t.Errorf("a stranger got %v, %v", receipt, err)
	}
	b.refused(quarantine.UnknownGateway, 1)
	b.good()

	b.counted()
}

// counted wants every refusal in the metrics and on the page.
func (b *besieged) counted() {
	b.t.Helper()
	get := func(path string) string {
		w := httptest.NewRecorder()
		b.hub.pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		body, err := io.ReadAll(w.Result().Body)
		if err != nil || w.Code != http.StatusOK {
			b.t.Fatalf("%s: %d, %v", path, w.Code, err)
		}
		return string(body)
	}
	metrics, page := get("/metrics"), get("/quarantine")
	for _, reason := range []quarantine.Reason{
		quarantine.Signature, quarantine.Malformed, quarantine.TooLarge, quarantine.Fork, quarantine.ChainBreak,
		quarantine.TimeImpossible, quarantine.WrongTopic, quarantine.UnknownGateway,
	} {
		if !strings.Contains(metrics, fmt.Sprintf("reason=%q", reason)) {
			b.t.Errorf("%s is not in the metrics", reason)
		}
	}
	if !strings.Contains(page, "meadow") {
		b.t.Error("the page of refused data does not name the gateway")
	}
}

// rawSigner lets go-cose sign with an identity.
type rawSigner struct{ *identity.Identity }

// Public implements crypto.Signer.
func (s rawSigner) Public() crypto.PublicKey { return s.Identity.Public() }

// Sign implements crypto.Signer.
func (s rawSigner) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return s.Identity.Sign(message)
}
