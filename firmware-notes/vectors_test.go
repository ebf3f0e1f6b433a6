// Package firmwarenotes has no code: it holds what a maker of firmware needs. Its tests hold the files of vectors/, and
// the C of c/, against the hub's own packages.
package firmwarenotes_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/flate"

	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

var update = flag.Bool("update", false, "write the files of vectors/ again")

const community = "willow-creek"

// The keys of the vectors: made from a word, so that nobody takes them for real ones.
var (
	kit = identitytest.Keyed("kit-7", "test key of kit-7")
	hub = identitytest.Keyed("hub", "test key of the hub")
)

// chapters are the folders of a kit's first three batches.
var chapters = []string{"vectors/1-undated", "vectors/2-redated", "vectors/3-synced"}

// story is what stands in them: a round in a boot that ended before the kit knew the time; two rounds of the next boot,
// dated once it did; and two more under the right time.
func story(t testing.TB) []wire.Batch {
	t.Helper()
	header := func(seq uint64, boot byte, state clock.State) wire.Header {
		return wire.Header{Gateway: kit.ID(), Sequence: seq, Boot: clock.BootID(bytes.Repeat([]byte{0xb0, boot}, 8)), Clock: state}
	}
	undated := wire.Batch{Header: header(1, 1, clock.Unsynced)}
	redated := wire.Batch{Header: header(2, 2, clock.Redated)}
	synced := wire.Batch{Header: header(3, 2, clock.Synced)}
	at := func(h wire.Header, up time.Duration) clock.Instant {
		return clock.Instant{Wall: time.UnixMilli(0).Add(up).UTC(), Uptime: up, Boot: h.Boot, State: clock.Unsynced}
	}
	look := clock.Instant{Wall: time.UnixMilli(1787218200014).UTC(), Uptime: 125013 * time.Millisecond, Boot: synced.Boot, State: clock.Synced}
	undated.Readings = round(at(undated.Header, 5012*time.Millisecond), 0)
	for i := range time.Duration(2) {
		early, ok := look.Redate(at(redated.Header, (5009+60001*i)*time.Millisecond))
		if !ok {
			t.Fatal("a reading of the same boot cannot be dated")
		}
		redated.Readings = append(redated.Readings, round(early, 1+int64(i))...)
		late := look
		late.Wall = late.Wall.Add(time.Minute * i)
		synced.Readings = append(synced.Readings, round(late, 3+int64(i))...)
	}
	return []wire.Batch{undated, redated, synced}
}

// round is what the kit's three probes say in one round.
func round(at clock.Instant, i int64) []sensors.Reading {
	plain := func(ch sensors.Channel, q sensors.Quantity, m int64, e int8, certificate string) sensors.Reading {
		v := sensors.Decimal{Mantissa: m, Exponent: e}
		return sensors.Reading{Channel: ch, Quantity: q, Value: v, RawQuantity: q, Raw: v, At: at, Calibration: sensors.Certificate{ID: certificate}}
	}
	soil := plain("soil-10cm", sensors.VolumetricWaterContent, 303-i, -3, "soil-10cm-2026")
	soil.RawQuantity, soil.Raw = sensors.ProbeVoltage, sensors.Decimal{Mantissa: 17851 + 7*i, Exponent: -4}
	soil.Calibration.Date, soil.Calibration.Due = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	return []sensors.Reading{
		plain("air-temperature", sensors.AirTemperature, 2050+i, -2, sensors.FactoryCertificate),
		plain("creek-conductivity", sensors.WaterConductivity, 4200+10*i, -1, ""),
		soil,
	}
}

// stored is a pack as a deflate stream that compresses nothing: what a microcontroller sends.
func stored(pack []byte) []byte {
	block := []byte{1} // the last block, stored
	block = binary.LittleEndian.AppendUint16(block, uint16(len(pack)))
	block = binary.LittleEndian.AppendUint16(block, ^uint16(len(pack)))
	return append(block, pack...)
}

// parts is an envelope taken apart.
type parts struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected map[any]any
	Payload     []byte
	Signature   []byte
}

func apart(t testing.TB, raw []byte) parts {
	t.Helper()
	var p parts
	if err := cbor.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// inflated is the pack within a payload.
func inflated(t testing.TB, payload []byte) []byte {
	t.Helper()
	return must(io.ReadAll(flate.NewReaderDict(bytes.NewReader(payload), []byte(wire.Dictionary))))(t)
}

// toBeSigned is the Sig_structure of RFC 9052 section 4.4.
func toBeSigned(t testing.TB, protected, payload []byte) []byte {
	t.Helper()
	return must(cbor.Marshal([]any{"Signature1", protected, []byte{}, payload}))(t)
}

// simple seals what s holds as a microcontroller does: with the same pack, uncompressed.
func simple(t testing.TB, s wire.Sealed) (payload, signed, raw []byte) {
	t.Helper()
	p := apart(t, s.Bytes)
	payload = stored(inflated(t, p.Payload))
	signed = toBeSigned(t, p.Protected, payload)
	signature := must(kit.Sign(signed))(t)
	raw = must(cbor.Marshal(cbor.Tag{Number: 18, Content: []any{p.Protected, map[any]any{}, payload, signature}}))(t)
	return payload, signed, raw
}

// expected is readings.json: what a hub reads in the batch.
type expected struct {
	Gateway  string    `json:"gateway"`
	Sequence uint64    `json:"sequence"`
	Previous string    `json:"previous"`
	Boot     string    `json:"boot"`
	Clock    int       `json:"clock"`
	Digest   string    `json:"sha256"`
	Readings []reading `json:"readings"`
}

type reading struct {
	Channel     string `json:"channel"`
	Quantity    string `json:"quantity"`
	Value       string `json:"value"`
	Unit        string `json:"unit"` // as people say it; on the wire it is SenML's
	RawQuantity string `json:"raw_quantity"`
	Raw         string `json:"raw"`
	At          int64  `json:"at_ms"`
	Uptime      int64  `json:"uptime_ms"`
	Shown       *int64 `json:"shown_ms,omitempty"` // what the clock said, where the reading was dated afterwards
	Certificate string `json:"certificate"`
	Made        string `json:"made"`
	Due         string `json:"due"`
}

func expect(t testing.TB, s wire.Sealed) expected {
	t.Helper()
	e := expected{Gateway: s.Gateway, Sequence: s.Sequence, Previous: s.Previous.String(), Boot: s.Boot.String(), Clock: int(s.Clock), Digest: s.Digest.String()}
	day := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format(time.DateOnly)
	}
	for _, r := range s.Readings {
		var shown *int64
		if r.At.State == clock.Redated {
			shown = new(r.At.Shown.UnixMilli())
		}
		e.Readings = append(e.Readings, reading{
			string(r.Channel), string(r.Quantity), r.Value.String(), must(r.Quantity.Kind())(t).Unit, string(r.RawQuantity), r.Raw.String(),
			r.At.Wall.UnixMilli(), r.At.Uptime.Milliseconds(), shown, r.Calibration.ID, day(r.Calibration.Date), day(r.Calibration.Due),
		})
	}
	return e
}

// vectors are all files, by path.
func vectors(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	hexed := func(path string, raw []byte) { files[path] = []byte(hex.EncodeToString(raw) + "\n") }
	said := func(path string, v any) { files[path] = append(must(json.MarshalIndent(v, "", "  "))(t), '\n') }
	hexed("kit.seed.hex", kit.Key.Seed())
	hexed("hub.seed.hex", hub.Key.Seed())
	said("keys.json", map[string]string{
		"community": community, "gateway": kit.ID(), "gateway_key": identity.FormatKey(kit.Public()), "hub_key": identity.FormatKey(hub.Public()),
		"broker_username": kit.ID(), "broker_password": must(identity.BrokerPassword(kit, community))(t),
	})
	previous := wire.Digest{}
	for i, b := range story(t) {
		dir := filepath.Base(chapters[i])
		b.Previous = previous // the batch before as this kit sent it
		s := must(wire.Seal(b, kit))(t)
		payload, signed, raw := simple(t, s)
		opened := must(wire.Open(raw, kit.Public()))(t)
		previous = opened.Digest
		hexed(dir+"/pack.cbor.hex", inflated(t, payload))
		hexed(dir+"/payload.deflate.hex", payload)
		hexed(dir+"/protected.cbor.hex", apart(t, raw).Protected)
		hexed(dir+"/signed.cbor.hex", signed)
		hexed(dir+"/batch.cose.hex", raw)
		said(dir+"/readings.json", expect(t, opened))
		receipt := wire.Receipt{Hub: hub.ID(), Gateway: kit.ID(), Sequence: s.Sequence, Digest: opened.Digest, Outcome: wire.Stored, Index: 41 + uint64(i), At: time.UnixMilli(1787218321500).UTC()}
		hexed(dir+"/receipt.cose.hex", must(wire.SealReceipt(receipt, hub))(t))
		receipt.Outcome, receipt.Index, receipt.Reason = wire.Quarantined, 0, "the chain is broken: batch 1 was never seen"
		hexed(dir+"/quarantined.cose.hex", must(wire.SealReceipt(receipt, hub))(t))
	}
	return files
}

// TestVectors: the files say what the hub's packages say, and none is left that nobody makes.
func TestVectors(t *testing.T) {
	made := vectors(t)
	for path, want := range made {
		path = filepath.Join("vectors", path)
		if *update {
			if err := errorsOf(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, want, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s (%v) is not what the wire says:\n%s\nwant\n%s", path, err, got, want)
		}
	}
	err := filepath.WalkDir("vectors", func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && made[filepath.ToSlash(must(filepath.Rel("vectors", path))(t))] == nil {
			t.Errorf("%s is made by no test", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestTheHubTakesTheVectors reads the files as a hub does, with nothing that made them: the batch opens, says what
// readings.json says, and its receipt names it. One changed bit anywhere, and it is refused.
func TestTheHubTakesTheVectors(t *testing.T) {
	seed := unhex(t, "vectors/kit.seed.hex")
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	var before wire.Digest
	for i, dir := range chapters {
		raw := unhex(t, dir+"/batch.cose.hex")
		s := must(wire.Open(raw, public))(t)
		var want expected
		if err := json.Unmarshal(must(os.ReadFile(dir+"/readings.json"))(t), &want); err != nil {
			t.Fatal(err)
		}
		if got := expect(t, s); !reflect.DeepEqual(got, want) {
			t.Errorf("%s says %+v, want %+v", dir, got, want)
		}
		if s.Previous != before || s.Sequence != uint64(i)+1 {
			t.Errorf("%s: batch %d after %s breaks the chain", dir, s.Sequence, s.Previous)
		}
		before = sha256.Sum256(raw)
		receipt := must(wire.OpenReceipt(unhex(t, dir+"/receipt.cose.hex"), hub.Public()))(t)
		if receipt.Digest != before || receipt.Outcome != wire.Stored {
			t.Errorf("%s: the receipt is for %s", dir, receipt.Digest)
		}
		for k := range raw {
			changed := bytes.Clone(raw)
			changed[k] ^= 1 << (k % 8)
			if _, err := wire.Open(changed, public); err == nil {
				t.Fatalf("%s: a bit of byte %d changes nothing", dir, k)
			}
		}
	}
}

func unhex(t testing.TB, path string) []byte {
	t.Helper()
	return must(hex.DecodeString(strings.TrimSpace(string(must(os.ReadFile(path))(t)))))(t)
}

// must fails the test where v came with an error: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(fmt.Errorf("%T: %w", v, err))
		}
		return v
	}
}
