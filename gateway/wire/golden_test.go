package wire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/fxamacker/cbor/v2"

	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

var update = flag.Bool("update", false, "write the golden files again")

// vector is a golden batch in a form every language can read. Numbers that can exceed 2⁵³ are strings.
type vector struct {
	About    string          `json:"about"`
	Seed     string          `json:"key_seed"`   // of the gateway's Ed25519 key
	Public   string          `json:"public_key"` // the same key's public half
	Gateway  string          `json:"gateway"`
	Sequence string          `json:"sequence"`
	Previous string          `json:"previous"`
	Boot     string          `json:"boot"`
	Clock    int             `json:"clock"`
	Thinned  *vectorThinned  `json:"thinned,omitempty"`
	Readings []vectorReading `json:"readings"` // in canonical order
	Pack     string          `json:"pack"`     // inflated
	Sealed   string          `json:"sealed"`
	Digest   string          `json:"digest"`
}

type vectorThinned struct {
	First    string `json:"first"`
	Last     string `json:"last"`
	Digest   string `json:"digest"`
	Readings string `json:"readings"`
}

type vectorReading struct {
	Channel     string `json:"channel"`
	Quantity    string `json:"quantity"`
	Value       string `json:"value"` // mantissa, "e", exponent: 20.50 is "2050e-2"
	RawQuantity string `json:"raw_quantity"`
	Raw         string `json:"raw"`
	At          string `json:"at_ms"`              // Unix milliseconds
	Uptime      string `json:"uptime_ms"`          // since boot
	Shown       string `json:"shown_ms,omitempty"` // what the clock said, where the reading was dated afterwards
	Certificate string `json:"certificate"`
	Made        string `json:"made"` // YYYY-MM-DD or empty
	Due         string `json:"due"`
}

// goldenBatches are what the files hold, by name.
func goldenBatches(t testing.TB) map[string]wire.Batch {
	one := realistic(t, 1)
	one.Readings = one.Readings[:1]
	unsynced := realistic(t, 2)
	unsynced.Clock = clock.Unsynced
	for i := range unsynced.Readings {
		at := &unsynced.Readings[i].At
		at.State, at.Uptime = clock.Unsynced, at.Wall.Sub(time.Date(2026, 8, 20, 9, 29, 18, 0, time.UTC))
		at.Wall = time.Unix(0, 0).Add(at.Uptime).UTC() // no battery: the clock began in 1970
	}
	redated := realistic(t, 2)
	redated.Clock, redated.Readings = clock.Redated, nil
	for _, r := range unsynced.Readings {
		set := clock.Instant{Wall: time.Date(2026, 8, 20, 9, 40, 0, 0, time.UTC), Uptime: 10*time.Minute + 42*time.Second, Boot: redated.Boot, State: clock.Synced}
		r.At, _ = set.Redate(r.At)
		redated.Readings = append(redated.Readings, r)
	}
	thinned := realistic(t, 3)
	thinned.Thinned = wire.Thinned{First: 1787210000, Last: 1787210119, Digest: thinned.Previous, Readings: 7200}
	edges := one
	edges.Sequence, edges.Previous, edges.Readings = 1<<63-1, wire.Digest{}, nil
	for i, v := range []sensors.Decimal{{Mantissa: 0}, {Mantissa: -1}, {Mantissa: 23}, {Mantissa: 24}, {Mantissa: -25}, {Mantissa: 256, Exponent: 3}, {Mantissa: 2050, Exponent: -2}, {Mantissa: 205, Exponent: -1}, {Mantissa: 1<<63 - 1, Exponent: 12}, {Mantissa: -1 << 63, Exponent: -12}} {
		edges.Readings = append(edges.Readings, sensors.Reading{
			Channel: "v", Quantity: sensors.ProbeVoltage, Value: v, RawQuantity: sensors.ProbeVoltage, Raw: v,
			At: clock.Instant{Wall: time.UnixMilli(1787218200000 + 500*int64(i)).UTC(), Boot: edges.Boot, State: edges.Clock},
		})
	}
	return map[string]wire.Batch{"one": one, "sixty": realistic(t, 6), "unsynced": unsynced, "edges": edges, "redated": redated, "thinned": thinned}
}

// TestGolden: the format is what the files say, byte for byte, in both directions.
func TestGolden(t *testing.T) {
	for name, b := range goldenBatches(t) {
		t.Run(name, func(t *testing.T) {
			sealed := must(wire.Seal(b, testSigner(gateway)))(t)
			path := filepath.Join("testdata", name+".json")
			if *update {
				text := must(json.MarshalIndent(describe(t, name, sealed), "", "  "))(t)
				if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var v vector
			if err := json.Unmarshal(must(os.ReadFile(path))(t), &v); err != nil {
				t.Fatal(err)
			}
			if got := describe(t, name, sealed); !reflect.DeepEqual(got, v) {
				t.Errorf("sealed %+v\nfile %+v", got, v)
			}
			raw := must(hex.DecodeString(v.Sealed))(t)
			opened, err := wire.Open(raw, must(hex.DecodeString(v.Public))(t))
			if err != nil || !reflect.DeepEqual(opened, sealed) {
				t.Errorf("opened %+v, %v", opened, err)
			}
		})
	}
}

func describe(t testing.TB, about string, s wire.Sealed) vector {
	signer := testSigner(s.Gateway)
	v := vector{
		About: about, Seed: hex.EncodeToString(signer.Key.Seed()), Public: hex.EncodeToString(signer.Public()),
		Gateway: s.Gateway, Sequence: decimalText(int64(s.Sequence)), Previous: s.Previous.String(), Boot: s.Boot.String(), Clock: int(s.Clock),
		Pack: hex.EncodeToString(packOf(t, s.Bytes)), Sealed: hex.EncodeToString(s.Bytes), Digest: s.Digest.String(),
	}
	if t := s.Thinned; !t.IsZero() {
		v.Thinned = &vectorThinned{First: decimalText(int64(t.First)), Last: decimalText(int64(t.Last)), Digest: t.Digest.String(), Readings: decimalText(int64(t.Readings))}
	}
	for _, r := range s.Readings {
		v.Readings = append(v.Readings, vectorReading{
			Channel: string(r.Channel), Quantity: string(r.Quantity), Value: valueText(r.Value), RawQuantity: string(r.RawQuantity), Raw: valueText(r.Raw),
			At: decimalText(r.At.Wall.UnixMilli()), Uptime: decimalText(r.At.Uptime.Milliseconds()),
			Shown: shownText(r.At), Certificate: r.Calibration.ID, Made: dateText(r.Calibration.Date), Due: dateText(r.Calibration.Due),
		})
	}
	return v
}

func decimalText(n int64) string { return strconv.FormatInt(n, 10) }

func valueText(d sensors.Decimal) string { return fmt.Sprintf("%de%d", d.Mantissa, d.Exponent) }

func shownText(at clock.Instant) string {
	if at.Shown.IsZero() {
		return ""
	}
	return decimalText(at.Shown.UnixMilli())
}

func dateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// packOf takes a sealed batch apart with nothing of ours but the dictionary.
func packOf(t testing.TB, raw []byte) []byte {
	t.Helper()
	var message struct {
		_           struct{} `cbor:",toarray"`
		Protected   []byte
		Unprotected map[any]any
		Payload     []byte
		Signature   []byte
	}
	if err := cbor.Unmarshal(raw, &message); err != nil {
		t.Fatal(err)
	}
	return must(io.ReadAll(flate.NewReaderDict(bytes.NewReader(message.Payload), []byte(wire.Dictionary))))(t)
}

// receiptVector is a golden receipt.
type receiptVector struct {
	Seed     string `json:"key_seed"` // of the hub's Ed25519 key
	Public   string `json:"public_key"`
	Hub      string `json:"hub"`
	Gateway  string `json:"gateway"`
	Sequence string `json:"sequence"`
	Digest   string `json:"digest"`
	Outcome  int    `json:"outcome"`
	Reason   string `json:"reason"`
	Index    string `json:"index"`
	At       string `json:"at_ms"`
	Sealed   string `json:"sealed"`
}

func TestGoldenReceipts(t *testing.T) {
	hub := testSigner("hub")
	var made []receiptVector
	for _, r := range []wire.Receipt{stored(), quarantined("the clock says 1970: set it, then restart the gateway")} {
		made = append(made, receiptVector{
			Seed: hex.EncodeToString(hub.Key.Seed()), Public: hex.EncodeToString(hub.Public()), Hub: r.Hub, Gateway: r.Gateway,
			Sequence: decimalText(int64(r.Sequence)), Digest: r.Digest.String(), Outcome: int(r.Outcome), Reason: r.Reason,
			Index: decimalText(int64(r.Index)), At: decimalText(r.At.UnixMilli()),
			Sealed: hex.EncodeToString(must(wire.SealReceipt(r, hub))(t)),
		})
	}
	path := filepath.Join("testdata", "receipts.json")
	if *update {
		text := must(json.MarshalIndent(made, "", "  "))(t)
		if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var want []receiptVector
	if err := json.Unmarshal(must(os.ReadFile(path))(t), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(made, want) {
		t.Errorf("sealed %+v\nfile %+v", made, want)
	}
}

// TestDictionary: the dictionary belongs to the format and is never edited.
func TestDictionary(t *testing.T) {
	path := filepath.Join("testdata", "dictionary.hex")
	text := hex.EncodeToString([]byte(wire.Dictionary)) + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := must(os.ReadFile(path))(t); text != string(want) {
		t.Error("the dictionary is not the one of testdata/dictionary.hex: packs in the field could not be read any more")
	}
}
