package recompute_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/evidence"
	"loam/gateway/identity"
	"loam/gateway/qc"
	"loam/gateway/registry"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
	"loam/valuation/assessment"
	"loam/valuation/fieldtest"
	"loam/valuation/recompute"
	"loam/valuation/statement"
)

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// Whatever the readings of a day are, what is assessed verifies, and its numbers add up.
func TestWhateverIsAssessedVerifies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var batches []wire.Sealed
		for g := range rapid.IntRange(0, 2).Draw(rt, "gateways") {
			gateway := fieldtest.NewGateway(fmt.Sprintf("meadow-%d", g+1))
			for range rapid.IntRange(1, 3).Draw(rt, "batches") {
				var list []sensors.Reading
				for range rapid.IntRange(1, 15).Draw(rt, "readings") {
					at := start.Add(time.Duration(rapid.IntRange(-60, 26*60).Draw(rt, "minute")) * time.Minute)
					q := rapid.SampledFrom([]sensors.Quantity{sensors.VolumetricWaterContent, sensors.VolumetricWaterContent, sensors.ProbeVoltage}).Draw(rt, "quantity")
					list = append(list, fieldtest.Reading("probe", q, at, rapid.Int64Range(-100, 900).Draw(rt, "value"), -3))
				}
				batches = append(batches, gateway.Seal(t, rapid.SampledFrom([]clock.State{clock.Unsynced, clock.Synced, clock.Synced}).Draw(rt, "clock"), list...))
			}
		}
		raw := bundle(rt, batches)
		r, err := recompute.Verify(raw)
		if err != nil {
			rt.Fatal(err)
		}
		s := r.Statement
		if s.Evidence.Batches != len(batches) || s.Earns != (s.Credit.Net != "0") {
			rt.Fatalf("%+v", s)
		}
		i := rapid.IntRange(0, len(raw)-1).Draw(rt, "byte")
		raw[i] ^= rapid.Byte().Filter(func(b byte) bool { return b != 0 }).Draw(rt, "flip")
		if _, err := recompute.Verify(raw); err == nil {
			rt.Fatalf("byte %d changed, accepted", i)
		}
	})
}

// bundle assesses the meadow's day without a database, over a log that holds just these batches.
func bundle(t *rapid.T, batches []wire.Sealed) []byte {
	hub := fieldtest.Hub()
	settings, err := qc.Defaults().Canonical()
	if err != nil {
		t.Fatal(err)
	}
	c := statement.Content{
		Community: "willow-creek", Method: fieldtest.Method, QC: string(settings), LogOrigin: fieldtest.Origin, Batches: []statement.Batch{},
		Site: statement.Register(registry.Site{
			ID: "meadow", Name: "Meadow", Ecosystem: "T4.5", AreaM2: 55_000, Steward: "asha", Outline: []registry.Coordinate{{8, 47}, {8, 48}, {9, 48}},
		}),
	}
	for _, id := range []string{"meadow-1", "meadow-2"} {
		c.Gateways = append(c.Gateways, statement.Gateway{ID: id, Key: identity.FormatKey(fieldtest.NewSigner(id).Public())})
	}
	var leaves [][]byte
	for _, b := range batches {
		leaves = append(leaves, b.Bytes)
	}
	c.Checkpoint = checkpoint(t, hub, leaves)
	for i, b := range batches {
		c.Batches = append(c.Batches, statement.NewBatch(evidence.Leaf{Index: uint64(i), Bytes: b.Bytes}, path(leaves, i)))
	}
	from, to := start, start.Add(day)
	s, err := assessment.Assess(c, assessment.Issue{Hub: hub.ID(), Key: hub.Public(), From: from, To: to, At: to.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	_, raw, err := statement.Seal(s, c, hub)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func FuzzVerify(f *testing.F) {
	raw := string(golden(f))
	f.Add([]byte(raw))
	f.Add([]byte(strings.Replace(raw, `"index":"0"`, `"index":"1"`, 1)))
	f.Add([]byte(strings.Replace(raw, `"sealed":"`, `"sealed":"_`, 1)))
	f.Add([]byte(raw[:len(raw)/2]))
	f.Fuzz(func(t *testing.T, other []byte) {
		if _, err := recompute.Verify(other); err == nil && string(other) != raw {
			t.Fatal("a bundle that no hub signed was accepted")
		}
	})
}
