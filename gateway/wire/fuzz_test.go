package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"loam/gateway/wire"
)

func seeds(f *testing.F) []wire.Sealed {
	var all []wire.Sealed
	for _, b := range goldenBatches(f) {
		all = append(all, must(wire.Seal(b, testSigner(gateway)))(f))
	}
	return all
}

// FuzzOpen: no bytes make Open, Read or Peek panic, nothing opens that its key did not sign, and Read says what Open says.
func FuzzOpen(f *testing.F) {
	signed := seeds(f)
	for _, s := range signed {
		f.Add(s.Bytes)
		f.Add(s.Bytes[:len(s.Bytes)/2])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		header, peekErr := wire.Peek(raw)
		looked, readErr := wire.Read(raw)
		sealed, err := wire.Open(raw, testSigner(gateway).Public())
		if err != nil {
			return
		}
		if readErr != nil || !reflect.DeepEqual(looked, sealed) {
			t.Fatalf("Read says %+v, %v; Open %+v", looked, readErr, sealed)
		}
		if peekErr != nil || header != sealed.Header {
			t.Fatalf("Peek says %+v, %v; Open %+v", header, peekErr, sealed.Header)
		}
		for _, s := range signed {
			if bytes.Equal(s.Bytes, raw) {
				return
			}
		}
		t.Fatalf("opened bytes that were never signed: %x", raw)
	})
}

// FuzzMalleability signs any pack at all: either it is refused, or it is the one encoding of what it says. Compressed and
// signed again, what it says gives the same pack.
func FuzzMalleability(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(packOf(f, s.Bytes), uint8(s.Clock))
	}
	f.Add(encode(f, sound().records), uint8(2))
	f.Add(encode(f, sound().records), uint8(3))
	f.Fuzz(func(t *testing.T, pack []byte, state uint8) {
		b := sound()
		b.header["c"] = state % 4
		b.pack = pack
		raw := b.bytes(t)
		sealed, err := wire.Open(raw, testSigner(gateway).Public())
		if err != nil {
			return
		}
		again, err := wire.Seal(sealed.Batch, testSigner(gateway))
		if err != nil {
			t.Fatalf("opens, but cannot be sealed: %v", err)
		}
		if got := packOf(t, again.Bytes); !bytes.Equal(got, pack) {
			t.Fatalf("two packs say the same:\n%x\n%x", pack, got)
		}
	})
}

// FuzzReceipt: no bytes make OpenReceipt or ReadReceipt panic, and what opens seals to the same bytes.
func FuzzReceipt(f *testing.F) {
	hub := testSigner("hub")
	for _, r := range []wire.Receipt{stored(), quarantined("no such gateway")} {
		f.Add(must(wire.SealReceipt(r, hub))(f))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		looked, readErr := wire.ReadReceipt(raw)
		r, err := wire.OpenReceipt(raw, hub.Public())
		if err != nil {
			return
		}
		if readErr != nil || looked != r {
			t.Fatalf("ReadReceipt says %+v, %v; OpenReceipt %+v", looked, readErr, r)
		}
		if again, err := wire.SealReceipt(r, hub); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%x opens, and seals to %x, %v", raw, again, err)
		}
	})
}

// FuzzParseTopic: what parses is exactly what the parts make.
func FuzzParseTopic(f *testing.F) {
	f.Add("loam/1/willow-creek/gw-1/batch")
	f.Add("loam/1/willow-creek/+/batch")
	f.Fuzz(func(t *testing.T, topic string) {
		community, gateway, leaf, err := wire.ParseTopic(topic)
		if err == nil && topic != "loam/1/"+community+"/"+gateway+"/"+leaf {
			t.Fatalf("%q parses as %q, %q, %q", topic, community, gateway, leaf)
		}
	})
}

// TestMutation: a batch with anything changed, cut or added is refused, every single bit of it.
func TestMutation(t *testing.T) {
	s := testSigner(gateway)
	sealed := must(wire.Seal(realistic(t, 1), s))(t)
	for i := range sealed.Bytes {
		for bit := range 8 {
			changed := bytes.Clone(sealed.Bytes)
			changed[i] ^= 1 << bit
			if _, err := wire.Open(changed, s.Public()); err == nil {
				t.Fatalf("bit %d of byte %d changes nothing", bit, i)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(sealed.Bytes)).Draw(t, "at")
		cut := rapid.IntRange(0, len(sealed.Bytes)-at).Draw(t, "cut")
		put := rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "put")
		changed := append(append(bytes.Clone(sealed.Bytes[:at]), put...), sealed.Bytes[at+cut:]...)
		got, err := wire.Open(changed, s.Public())
		if err == nil && !bytes.Equal(changed, sealed.Bytes) {
			t.Fatalf("%x opens", changed)
		}
		if err == nil && !reflect.DeepEqual(got, sealed) {
			t.Fatal("the same bytes say something else")
		}
	})
}
