package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/flate"
	"github.com/veraison/go-cose"

	"loam/gateway/wire"
)

// forge is a batch put together by hand, signed properly: everything about it can be wrong but the signature.
type forge struct {
	header      map[any]any
	unprotected []byte
	records     []map[any]any
	pack        []byte // instead of records
	payload     []byte // instead of the pack, deflated
	signature   []byte // instead of the right one
	tail        []byte
}

type fraction [2]int64 // exponent, mantissa

func encode(t testing.TB, v any) []byte {
	t.Helper()
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	return must(mode.Marshal(v))(t)
}

func decimal(exponent, mantissa int64) cbor.Tag {
	return cbor.Tag{Number: 4, Content: fraction{exponent, mantissa}}
}

// sound is a batch of two readings that Open accepts.
func sound() *forge {
	return &forge{
		header: map[any]any{
			1: -8, 3: wire.ContentFormatBatch, 4: []byte(gateway), "b": make([]byte, 16), "c": 2, "e": 1, "p": make([]byte, 32), "s": 7,
		},
		unprotected: []byte{0xa0},
		records: []map[any]any{
			{2: decimal(-2, 2184), -2: gateway + "/air/air_temperature", -3: decimal(-3, 1787218200012), -4: "Cel", "bc": "factory"},
			{2: decimal(-2, 2190), 6: decimal(-3, 60001)},
		},
	}
}

func deflated(t testing.TB, pack []byte, dictionary string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := must(flate.NewWriterDict(&out, flate.HuffmanOnly, []byte(dictionary)))(t)
	_ = must(w.Write(pack))(t)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (f *forge) bytes(t testing.TB) []byte {
	t.Helper()
	protected := encode(t, f.header)
	if f.pack == nil {
		f.pack = encode(t, f.records)
	}
	if f.payload == nil {
		f.payload = deflated(t, f.pack, wire.Dictionary)
	}
	if f.signature == nil {
		signed := encode(t, []any{"Signature1", protected, []byte{}, f.payload})
		f.signature = must(testSigner(gateway).Sign(signed))(t)
	}
	content := encode(t, cbor.Tag{Number: cose.CBORTagSign1Message, Content: []any{protected, cbor.RawMessage(f.unprotected), f.payload, f.signature}})
	return append(content, f.tail...)
}

// TestForgeIsSound: the batch the cases below are spoiled from is accepted, whoever compressed it and however.
func TestForgeIsSound(t *testing.T) {
	sealed, err := wire.Open(sound().bytes(t), testSigner(gateway).Public())
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(sealed.Readings[0].Value, " ", sealed.Readings[1].Value, " ", sealed.Readings[1].At.Wall.UnixMilli()); got != "21.84 21.90 1787218260013" {
		t.Error(got)
	}
}

func TestOpenRefuses(t *testing.T) {
	set := func(label, v any) func(*forge) { return func(f *forge) { f.header[label] = v } }
	first := func(label, v any) func(*forge) { return func(f *forge) { f.records[0][label] = v } }
	second := func(label, v any) func(*forge) { return func(f *forge) { f.records[1][label] = v } }
	cases := []struct {
		name  string
		spoil func(f *forge)
		want  error
	}{
		{"another algorithm", set(1, -7), wire.ErrMalformed},
		{"content type as text", set(3, "application/senml+cbor"), wire.ErrMalformed},
		{"wrong content format", set(3, 110), wire.ErrMalformed},
		{"no key id", func(f *forge) { delete(f.header, 4) }, wire.ErrNotCanonical},
		{"key id that is no name", set(4, []byte("../x")), wire.ErrMalformed},
		{"short boot id", set("b", make([]byte, 15)), wire.ErrMalformed},
		{"short previous digest", set("p", make([]byte, 31)), wire.ErrMalformed},
		{"clock state 4", set("c", 4), wire.ErrMalformed},
		{"thinned into nothing we know", set("t", 1), wire.ErrMalformed},
		{"thinned, null", set("t", nil), wire.ErrNotCanonical},
		{"thinned from nothing", set("t", []any{0, 0, make([]byte, 32), 0}), wire.ErrMalformed},
		{"thinned from batch 0", set("t", []any{0, 5, make([]byte, 32), 9}), wire.ErrMalformed},
		{"thinned backwards", set("t", []any{5, 4, make([]byte, 32), 9}), wire.ErrMalformed},
		{"thinned from what came later", set("t", []any{5, 7, make([]byte, 32), 9}), wire.ErrMalformed},
		{"thinned from fewer readings than are kept", set("t", []any{5, 6, make([]byte, 32), 1}), wire.ErrMalformed},
		{"thinned with a short digest", set("t", []any{5, 6, make([]byte, 31), 9}), wire.ErrMalformed},
		{"thinned with a long digest", set("t", []any{5, 6, make([]byte, 33), 9}), wire.ErrMalformed},
		{"another coding", set("e", 2), wire.ErrMalformed},
		{"sequence 0", set("s", 0), wire.ErrMalformed},
		{"sequence 2^63", set("s", uint64(1)<<63), wire.ErrMalformed},
		{"negative sequence", set("s", -1), wire.ErrMalformed},
		{"unknown header", set("x", 1), wire.ErrMalformed},
		{"critical header", set(2, []any{"e"}), wire.ErrMalformed},
		{"huge header", set("x", make([]byte, 4096)), wire.ErrTooLarge},
		{"unprotected header", func(f *forge) { f.unprotected = []byte{0xa1, 0x04, 0x41, 0x61} }, wire.ErrNotCanonical},
		{"trailing byte", func(f *forge) { f.tail = []byte{0} }, wire.ErrMalformed},
		{"another message behind", func(f *forge) { f.tail = sound().bytes(t) }, wire.ErrMalformed},
		{"too large", func(f *forge) { f.payload = make([]byte, wire.MaxSealedBytes) }, wire.ErrTooLarge},
		{"wrong signature", func(f *forge) { f.signature = make([]byte, 64) }, wire.ErrSignature},
		{"short signature", func(f *forge) { f.signature = make([]byte, 63) }, wire.ErrMalformed},
		{"payload not deflated", func(f *forge) { f.payload = []byte{0xff, 0xff} }, wire.ErrMalformed},
		{"payload deflated with another dictionary", func(f *forge) {
			f.payload = deflated(t, encode(t, f.records), "x")
			f.payload = f.payload[:len(f.payload)-1]
		}, wire.ErrMalformed},
		{"payload empty", func(f *forge) { f.payload = []byte{} }, wire.ErrMalformed},
		{"bytes after the deflated pack", func(f *forge) { f.payload = append(deflated(t, encode(t, f.records), wire.Dictionary), 0) }, wire.ErrMalformed},
		{"deflate bomb", func(f *forge) { f.pack = make([]byte, wire.MaxPackBytes+1) }, wire.ErrTooLarge},
		{"empty pack", func(f *forge) { f.records = []map[any]any{} }, wire.ErrMalformed},
		{"no pack but a map", func(f *forge) { f.pack = []byte{0xa0} }, wire.ErrMalformed},
		{"null", func(f *forge) { f.pack = []byte{0xf6} }, wire.ErrMalformed},
		{"too many records", func(f *forge) { f.pack = append([]byte{0x99, 0x10, 0x01}, bytes.Repeat([]byte{0xa0}, 4097)...) }, wire.ErrTooLarge},
		{"indefinite array", func(f *forge) { f.pack = append(append([]byte{0x9f}, encode(t, f.records)[1:]...), 0xff) }, wire.ErrMalformed},
		{"trailing bytes in the pack", func(f *forge) { f.pack = append(encode(t, f.records), 0) }, wire.ErrMalformed},
		{"longer length than needed", func(f *forge) { f.pack = append([]byte{0x98, 2}, encode(t, f.records)[1:]...) }, wire.ErrNotCanonical},
		{"a key twice", func(f *forge) {
			f.pack = bytes.Replace(encode(t, f.records), []byte{0xa2, 0x02}, []byte{0xa3, 0x02, 0x01, 0x02}, 1)
		}, wire.ErrMalformed},
		{"keys in another order", func(f *forge) {
			f.pack = append([]byte{0x82}, encode(t, f.records[0])...)
			f.pack = append(f.pack, 0xa2, 0x06, 0x01, 0x02, 0x01)
		}, wire.ErrNotCanonical},
		{"label that must be understood", second("x_", 1), wire.ErrMalformed},
		{"label we do not know", second("x", 1), wire.ErrMalformed},
		{"SenML string value", second(3, "x"), wire.ErrMalformed},
		{"SenML name", second(0, "x"), wire.ErrMalformed},
		{"float value", second(2, 21.5), wire.ErrMalformed},
		{"NaN", second(2, cbor.RawMessage{0xf9, 0x7e, 0x00}), wire.ErrMalformed},
		{"infinity", second(2, cbor.RawMessage{0xf9, 0x7c, 0x00}), wire.ErrMalformed},
		{"null value", second(2, nil), wire.ErrMalformed},
		{"no value", func(f *forge) { delete(f.records[1], 2) }, wire.ErrMalformed},
		{"bignum", second(2, cbor.RawMessage{0xc2, 0x41, 0x01}), wire.ErrMalformed},
		{"bignum mantissa", second(2, cbor.RawMessage{0xc4, 0x82, 0x21, 0xc2, 0x41, 0x01}), wire.ErrNotCanonical},
		{"mantissa of 65 bits", second(2, cbor.RawMessage{0xc4, 0x82, 0x21, 0x1b, 0xff, 0, 0, 0, 0, 0, 0, 0}), wire.ErrMalformed},
		{"exponent 0 as a fraction", second(2, decimal(0, 5)), wire.ErrNotCanonical},
		{"exponent 13", second(2, decimal(13, 5)), wire.ErrMalformed},
		{"exponent 256", second(2, decimal(256, 5)), wire.ErrMalformed},
		{"bigfloat", second(2, cbor.Tag{Number: 5, Content: fraction{1, 1}}), wire.ErrMalformed},
		{"three in a fraction", second(2, cbor.RawMessage{0xc4, 0x83, 0x21, 0x01, 0x01}), wire.ErrMalformed},
		{"float time", second(6, 60.5), wire.ErrMalformed},
		{"time in hundredths", second(6, decimal(-2, 6000)), wire.ErrMalformed},
		{"whole seconds as milliseconds", second(6, decimal(-3, 60000)), wire.ErrNotCanonical},
		{"time before the base time", second(6, decimal(-3, -1)), wire.ErrNotCanonical},
		{"time 0 said", first(6, 0), wire.ErrNotCanonical},
		{"time beyond 2^61", second(6, uint64(1)<<62), wire.ErrMalformed},
		{"base time beyond 2^60", first(-3, int64(1)<<60/1000+1), wire.ErrMalformed},
		{"no base time", func(f *forge) { delete(f.records[0], -3) }, wire.ErrMalformed},
		{"base time said again", second(-3, decimal(-3, 1787218200012)), wire.ErrNotCanonical},
		{"base time not the first", func(f *forge) { f.records[0][-3], f.records[0][6] = 1787218200, decimal(-3, 12) }, wire.ErrNotCanonical},
		{"readings not in order", func(f *forge) { f.records[0], f.records[1] = f.records[1], f.records[0] }, wire.ErrMalformed},
		{"later before earlier", func(f *forge) { f.records[0][6], f.records[1][6] = 60, 30 }, wire.ErrNotCanonical},
		{"no name", func(f *forge) { delete(f.records[0], -2) }, wire.ErrMalformed},
		{"name of another gateway", first(-2, "oak-1/air/air_temperature"), wire.ErrMalformed},
		{"name without quantity", first(-2, gateway+"/air"), wire.ErrMalformed},
		{"name with a fourth part", first(-2, gateway+"/air/air_temperature/x"), wire.ErrMalformed},
		{"channel that is no name", first(-2, gateway+"/Air/air_temperature"), wire.ErrMalformed},
		{"unknown quantity", first(-2, gateway+"/air/mood"), wire.ErrMalformed},
		{"unit of another quantity", first(-4, "Pa"), wire.ErrMalformed},
		{"no unit", func(f *forge) { delete(f.records[0], -4) }, wire.ErrMalformed},
		{"unit said again", second(-4, "Cel"), wire.ErrNotCanonical},
		{"unit in the record", second(1, "Cel"), wire.ErrMalformed},
		{"raw value that is the value", second("r", decimal(-2, 2190)), wire.ErrNotCanonical},
		{"raw of an unknown quantity", first("br", "mood"), wire.ErrMalformed},
		{"raw quantity that is the value's", first("br", "air_temperature"), wire.ErrNotCanonical},
		{"raw quantity without raw value", first("br", "probe_voltage"), wire.ErrNotCanonical},
		{"certificate said again", second("bc", "factory"), wire.ErrNotCanonical},
		{"certificate date of 1970", first("bd", 0), wire.ErrNotCanonical},
		{"certificate date before 1970", first("bd", -1), wire.ErrMalformed},
		{"certificate date beyond all time", first("be", int64(1)<<60), wire.ErrMalformed},
		{"certificate with a control character", first("bc", "a\nb"), wire.ErrMalformed},
		{"certificate not UTF-8", first("bc", cbor.RawMessage{0x61, 0xff}), wire.ErrMalformed},
		{"long certificate", first("bc", strings.Repeat("x", wire.MaxCertificateBytes+1)), wire.ErrMalformed},
		{"uptime under a synchronised clock", second("up", 5), wire.ErrNotCanonical},
		{"uptime 0 said", func(f *forge) { f.header["c"], f.records[1]["up"] = 1, 0 }, wire.ErrNotCanonical},
		{"another time shown by a synchronised clock", second("w", 5), wire.ErrNotCanonical},
		{"no other time shown, said", func(f *forge) { f.header["c"], f.records[1]["w"] = 3, 0 }, wire.ErrNotCanonical},
		{"time shown beyond 2^60", func(f *forge) { f.header["c"], f.records[1]["w"] = 3, int64(1)<<60 }, wire.ErrMalformed},
		{"time shown beyond 2^61", func(f *forge) { f.header["c"], f.records[1]["w"] = 3, int64(-1)<<62 }, wire.ErrMalformed},
		{"uptime beyond all time", func(f *forge) { f.header["c"], f.records[1]["up"] = 1, uint64(1)<<62 }, wire.ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := sound()
			c.spoil(f)
			if _, err := wire.Open(f.bytes(t), testSigner(gateway).Public()); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// TestOpenKeys: only the right key opens a batch, and no key makes Open panic.
func TestOpenKeys(t *testing.T) {
	raw := sound().bytes(t)
	for _, key := range []ed25519.PublicKey{nil, {}, make([]byte, 31), make([]byte, 32), testSigner("oak-1").Public()} {
		if _, err := wire.Open(raw, key); !errors.Is(err, wire.ErrSignature) {
			t.Errorf("key %x: %v", key, err)
		}
	}
}

// TestSignatureBeforePack: a pack that nobody signed is not even inflated.
func TestSignatureBeforePack(t *testing.T) {
	f := sound()
	f.pack = make([]byte, wire.MaxPackBytes+1) // a bomb
	f.signature = make([]byte, 64)
	if _, err := wire.Open(f.bytes(t), testSigner(gateway).Public()); !errors.Is(err, wire.ErrSignature) {
		t.Error(err)
	}
}
