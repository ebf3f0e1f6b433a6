package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

const gateway = "willow-creek-2"

// drawDecimal draws any value a probe could mean, extreme ones included, whose exponent is one a measurement can have in
// people's unit and in SenML's.
func drawDecimal(t *rapid.T, label string, k sensors.Kind) sensors.Decimal {
	return sensors.Decimal{
		Mantissa: rapid.Int64().Draw(t, label),
		Exponent: rapid.Int8Range(max(-12, -12-k.Shift), min(12, 12-k.Shift)).Draw(t, label+" exponent"),
	}
}

func drawDate(t *rapid.T, label string) time.Time {
	days := rapid.Int64Range(0, 40000).Draw(t, label)
	if days == 0 {
		return time.Time{}
	}
	return time.Unix(days*86400, 0).UTC()
}

// drawBatch draws a batch of a few channels, quantities and certificates, so that groups and ties occur.
func drawBatch(t *rapid.T) wire.Batch {
	quantity := rapid.SampledFrom(sensors.Kinds())
	b := wire.Batch{Header: wire.Header{
		Gateway:  gateway,
		Sequence: rapid.Uint64Range(1, math.MaxInt64).Draw(t, "sequence"),
		Clock:    rapid.SampledFrom([]clock.State{clock.Unknown, clock.Unsynced, clock.Synced, clock.Redated}).Draw(t, "clock"),
	}}
	if b.Sequence > 1 && rapid.Bool().Draw(t, "thinned") {
		last := rapid.Uint64Range(1, b.Sequence-1).Draw(t, "last")
		b.Thinned = wire.Thinned{First: rapid.Uint64Range(1, last).Draw(t, "first"), Last: last, Readings: rapid.Uint64Range(40, math.MaxUint64).Draw(t, "there had been")}
		copy(b.Thinned.Digest[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest of the last"))
	}
	copy(b.Previous[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "previous"))
	copy(b.Boot[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "boot"))
	for range rapid.IntRange(1, 40).Draw(t, "readings") {
		calibrated, raw := quantity.Draw(t, "quantity"), quantity.Draw(t, "raw quantity")
		r := sensors.Reading{
			Channel:     rapid.SampledFrom([]sensors.Channel{"a", "air", "soil-10cm", "0"}).Draw(t, "channel"),
			Quantity:    calibrated.Name,
			Value:       drawDecimal(t, "value", calibrated),
			RawQuantity: raw.Name,
			Raw:         drawDecimal(t, "raw", raw),
			At:          clock.Instant{Boot: b.Boot, State: b.Clock},
		}
		if rapid.Bool().Draw(t, "uncalibrated") {
			r.Raw, r.RawQuantity = r.Value, r.Quantity
		}
		if rapid.Bool().Draw(t, "plausible") {
			r.At.Wall = time.UnixMilli(1787218200000 + rapid.Int64Range(0, 5000).Draw(t, "ms")).UTC()
		} else {
			r.At.Wall = time.UnixMilli(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "any ms")).UTC()
		}
		if b.Clock != clock.Synced {
			r.At.Uptime = time.Duration(rapid.Int64Range(0, math.MaxInt64/1_000_000).Draw(t, "uptime")) * time.Millisecond
		}
		if b.Clock == clock.Redated {
			r.At.Shown = time.UnixMilli(rapid.OneOf(rapid.Just(r.At.Wall.UnixMilli()), rapid.Int64Range(-1<<60, 1<<60)).Draw(t, "shown ms")).UTC()
		}
		if rapid.Bool().Draw(t, "certified") {
			r.Calibration = sensors.Certificate{
				ID:   rapid.SampledFrom([]string{"", "factory", "cal-1", "Lötstelle 7"}).Draw(t, "certificate"),
				Date: drawDate(t, "made"), Due: drawDate(t, "due"),
			}
		}
		b.Readings = append(b.Readings, r)
	}
	return b
}

// TestRoundTrip: what is sealed opens again with the same readings, whatever they are and in whatever order they came,
// and every order gives the same bytes.
func TestRoundTrip(t *testing.T) {
	s := testSigner(gateway)
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t)
		before := slices.Clone(b.Readings)
		sealed, err := wire.Seal(b, s)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(before, b.Readings) {
			t.Fatal("Seal changed the caller's slice")
		}
		opened, err := wire.Open(sealed.Bytes, s.Public())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(sealed, opened) {
			t.Fatalf("opened %+v\nsealed %+v", opened, sealed)
		}
		if !sameReadings(opened.Readings, b.Readings) {
			t.Fatalf("opened %+v\nfrom %+v", opened.Readings, b.Readings)
		}
		if header, err := wire.Peek(sealed.Bytes); err != nil || header != b.Header {
			t.Fatalf("Peek: %+v, %v", header, err)
		}
		b.Readings = rapid.Permutation(b.Readings).Draw(t, "order")
		again, err := wire.Seal(b, s)
		if err != nil || !bytes.Equal(again.Bytes, sealed.Bytes) {
			t.Fatalf("another order gives other bytes (%v)", err)
		}
	})
}

// sameReadings compares as multisets.
func sameReadings(a, b []sensors.Reading) bool {
	count := map[sensors.Reading]int{}
	for _, r := range a {
		count[r]++
	}
	for _, r := range b {
		count[r]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return len(a) == len(b)
}

// TestSealRefuses: what cannot be said on the wire is refused before it is signed, by name.
func TestSealRefuses(t *testing.T) {
	good := func() wire.Batch { return realistic(t, 1) }
	cases := []struct {
		name  string
		spoil func(b *wire.Batch)
		want  error
	}{
		{"no readings", func(b *wire.Batch) { b.Readings = nil }, wire.ErrMalformed},
		{"too many", func(b *wire.Batch) {
			for len(b.Readings) <= wire.MaxReadings {
				b.Readings = append(b.Readings, b.Readings...)
			}
		}, wire.ErrTooLarge},
		{"sequence 0", func(b *wire.Batch) { b.Sequence = 0 }, wire.ErrMalformed},
		{"sequence 2^63", func(b *wire.Batch) { b.Sequence = 1 << 63 }, wire.ErrMalformed},
		{"unknown clock state", func(b *wire.Batch) { b.Clock = 4 }, wire.ErrMalformed},
		{"dated afterwards without what the clock showed", func(b *wire.Batch) {
			b.Clock = clock.Redated
			for i := range b.Readings {
				b.Readings[i].At.State = clock.Redated
			}
		}, wire.ErrMalformed},
		{"another time shown by a synchronised clock", func(b *wire.Batch) { b.Readings[3].At.Shown = b.Readings[3].At.Wall }, wire.ErrMalformed},
		{"thinned from itself", func(b *wire.Batch) { b.Thinned = wire.Thinned{First: 1, Last: b.Sequence, Readings: 99} }, wire.ErrMalformed},
		{"more kept than there were", func(b *wire.Batch) { b.Thinned = wire.Thinned{First: 1, Last: 1, Readings: 9} }, wire.ErrMalformed},
		{"another boot", func(b *wire.Batch) { b.Readings[3].At.Boot[0]++ }, wire.ErrMalformed},
		{"another clock state", func(b *wire.Batch) { b.Readings[3].At.State = clock.Unsynced }, wire.ErrMalformed},
		{"microseconds", func(b *wire.Batch) { b.Readings[3].At.Wall = b.Readings[3].At.Wall.Add(1000) }, wire.ErrMalformed},
		{"beyond all time", func(b *wire.Batch) { b.Readings[3].At.Wall = time.Unix(math.MaxInt64/2, 0) }, wire.ErrMalformed},
		{"negative uptime", func(b *wire.Batch) { b.Readings[3].At.Uptime = -1 }, wire.ErrMalformed},
		{"unknown quantity", func(b *wire.Batch) { b.Readings[3].Quantity = "mood" }, wire.ErrMalformed},
		{"unknown raw quantity", func(b *wire.Batch) { b.Readings[3].RawQuantity = "" }, wire.ErrMalformed},
		{"channel with a slash", func(b *wire.Batch) { b.Readings[3].Channel = "a/b" }, wire.ErrMalformed},
		{"exponent", func(b *wire.Batch) { b.Readings[3].Value.Exponent = 13 }, wire.ErrMalformed},
		{"certificate at noon", func(b *wire.Batch) { b.Readings[3].Calibration.Date = date("2026-03-01").Add(12 * time.Hour) }, wire.ErrMalformed},
		{"certificate of 1970", func(b *wire.Batch) { b.Readings[3].Calibration.Due = time.Unix(0, 0) }, wire.ErrMalformed},
		{"long certificate id", func(b *wire.Batch) {
			b.Readings[3].Calibration.ID = string(bytes.Repeat([]byte("x"), wire.MaxCertificateBytes+1))
		}, wire.ErrMalformed},
		{"control character", func(b *wire.Batch) { b.Readings[3].Calibration.ID = "a\x00" }, wire.ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := good()
			c.spoil(&b)
			if _, err := wire.Seal(b, testSigner(gateway)); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	if _, err := wire.Seal(good(), testSigner("another")); err == nil {
		t.Error("sealed as another gateway than the signer")
	}
}

// On the wire a value is in SenML's unit, whatever unit people use: the digits stay, and only they matter.
func TestValuesTravelInTheUnitOfSenML(t *testing.T) {
	signer := testSigner(gateway)
	b := wire.Batch{Header: wire.Header{Gateway: gateway, Sequence: 1, Clock: clock.Synced}}
	for q, v := range map[sensors.Quantity]string{sensors.WaterConductivity: "420.0", sensors.MatricPotential: "-33.5", sensors.DissolvedOxygen: "9.54"} {
		d, err := sensors.ParseDecimal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Readings = append(b.Readings, sensors.Reading{Channel: "a", Quantity: q, Value: d, RawQuantity: q, Raw: d, At: clock.Instant{Wall: time.Unix(1787218200, 0).UTC(), State: clock.Synced}})
	}
	sealed, err := wire.Seal(b, signer)
	if err != nil {
		t.Fatal(err)
	}
	pack := packOf(t, sealed.Bytes)
	for unit, value := range map[string]string{"S/m": "c48224191068", "Pa": "c4820239014e", "kg/m3": "c482241903ba"} {
		if !bytes.Contains(pack, []byte(unit)) || !strings.Contains(hex.EncodeToString(pack), value) {
			t.Errorf("%s %s is not in %x", unit, value, pack)
		}
	}
	opened, err := wire.Open(sealed.Bytes, signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range opened.Batch.Readings {
		if !slices.Contains([]string{"420.0", "-33.5", "9.54"}, r.Value.String()) || r.Raw != r.Value {
			t.Errorf("%s came back as %s, raw %s", r.Quantity, r.Value, r.Raw)
		}
	}
}
