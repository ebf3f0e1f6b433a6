// Package fieldtest is a small field for tests of valuation: hubs and gateways with keys that are the same everywhere,
// and readings as a gateway would have sealed them.
package fieldtest

import (
	"testing"
	"time"

	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/registry"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// Signer signs with a key made from its name.
type Signer = identitytest.Signer

// NewSigner returns the signer of that name.
func NewSigner(name string) Signer { return identitytest.Keyed(name, "fieldtest "+name) }

// Gateway seals batches one after the other.
type Gateway struct {
	Signer
	last wire.Sealed
}

// NewGateway returns the gateway of that name.
func NewGateway(name string) *Gateway { return &Gateway{Signer: NewSigner(name)} }

// Seal seals the readings under the next sequence number.
func (g *Gateway) Seal(t testing.TB, state clock.State, readings ...sensors.Reading) wire.Sealed {
	t.Helper()
	return g.seal(t, state, wire.Thinned{}, readings)
}

// Thin seals what was left of the gateway's last batch when room had to be made.
func (g *Gateway) Thin(t testing.TB, readings ...sensors.Reading) wire.Sealed {
	t.Helper()
	return g.seal(t, clock.Synced, wire.Thinned{First: g.last.Sequence, Last: g.last.Sequence, Digest: g.last.Digest, Readings: uint64(len(g.last.Readings))}, readings)
}

func (g *Gateway) seal(t testing.TB, state clock.State, thinned wire.Thinned, readings []sensors.Reading) wire.Sealed {
	t.Helper()
	boot := clock.BootID{1, 2, 3}
	for i := range readings {
		readings[i].At.Boot, readings[i].At.State = boot, state
		if state == clock.Redated {
			readings[i].At.Shown = time.Unix(0, 0).UTC() // it had not been set since it was built
		}
	}
	s, err := wire.Seal(wire.Batch{
		Header:   wire.Header{Gateway: g.ID(), Sequence: g.last.Sequence + 1, Previous: g.last.Digest, Boot: boot, Clock: state, Thinned: thinned},
		Readings: readings,
	}, g.Signer)
	if err != nil {
		t.Fatal(err)
	}
	g.last = s
	return s
}

// Skip uses up a sequence number, as a batch that went to quarantine does.
func (g *Gateway) Skip() { g.last.Sequence++ }

// Calibrated is a certificate of the year 2026.
func Calibrated() sensors.Certificate {
	return sensors.Certificate{
		ID: "field-2026", Date: time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC), Due: time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC),
	}
}

// Reading is a calibrated reading: mantissa × 10^exponent in the quantity's unit.
func Reading(ch sensors.Channel, q sensors.Quantity, at time.Time, mantissa int64, exponent int8) sensors.Reading {
	v := sensors.Decimal{Mantissa: mantissa, Exponent: exponent}
	return sensors.Reading{
		Channel: ch, Quantity: q, Value: v, RawQuantity: q, Raw: v, Calibration: Calibrated(),
		At: clock.Instant{Wall: at, Uptime: max(0, at.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))},
	}
}

// Start is when the field's readings begin, a midnight.
func Start() time.Time { return time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC) }

// Registry returns the community willow-creek: a meadow with the gateways meadow-1 and meadow-2, a stream with stream-1,
// and a beach that no method values.
func Registry(t testing.TB) *registry.Registry {
	t.Helper()
	outline := []registry.Coordinate{{8.5, 47.25}, {8.51, 47.25}, {8.51, 47.26}}
	var gateways []registry.Gateway
	for _, g := range []struct{ id, site string }{{"meadow-1", "meadow"}, {"meadow-2", "meadow"}, {"stream-1", "stream"}} {
		gateways = append(gateways, registry.Gateway{ID: g.id, Name: g.id, Site: g.site, Key: identity.FormatKey(NewSigner(g.id).Public())})
	}
	r, err := registry.New("willow-creek", []registry.Steward{{ID: "asha", Name: "Asha"}, {ID: "ben", Name: "Ben"}}, []registry.Site{
		{ID: "meadow", Name: "Upper Meadow", Ecosystem: "T4.5", AreaM2: 12_345, Outline: outline, Steward: "asha"},
		{ID: "stream", Name: "Willow Creek", Ecosystem: "F1.1", AreaM2: 4_000, Outline: outline, Steward: "ben"},
		{ID: "beach", Name: "Pebble Beach", Ecosystem: "MT1.3", AreaM2: 900, Outline: outline, Steward: "ben"},
	}, gateways)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Wave is a value that goes up and down once a day around middle, in thousandths, with a little movement from reading to
// reading, so that no quality test objects to it.
func Wave(at time.Time, middle, swing int64) int64 {
	minutes := int64(at.Hour()*60 + at.Minute())
	up := minutes
	if minutes > 720 {
		up = 1440 - minutes
	}
	return middle - swing + 2*swing*up/720 + minutes/30%2
}

// Soil seals the soil moisture readings of one probe, one batch for every six hours.
func (g *Gateway) Soil(t testing.TB, ch sensors.Channel, from, to time.Time, every time.Duration, middle int64) []wire.Sealed {
	return g.SoilBy(t, ch, from, to, every, middle, 6*time.Hour)
}

// SoilBy is Soil with batches of another span.
func (g *Gateway) SoilBy(t testing.TB, ch sensors.Channel, from, to time.Time, every time.Duration, middle int64, span time.Duration) []wire.Sealed {
	return g.series(t, ch, sensors.VolumetricWaterContent, from, to, every, middle, 20, span)
}

// Water seals the water temperature readings of one probe, one batch for every six hours.
func (g *Gateway) Water(t testing.TB, ch sensors.Channel, from, to time.Time, every time.Duration, middle int64) []wire.Sealed {
	return g.series(t, ch, sensors.WaterTemperature, from, to, every, middle, 3000, 6*time.Hour)
}

func (g *Gateway) series(t testing.TB, ch sensors.Channel, q sensors.Quantity, from, to time.Time, every time.Duration, middle, swing int64, span time.Duration) []wire.Sealed {
	t.Helper()
	var sealed []wire.Sealed
	var batch []sensors.Reading
	for at := from; at.Before(to); at = at.Add(every) {
		batch = append(batch, Reading(ch, q, at, Wave(at, middle, swing), -3))
		if next := at.Add(every); !next.Before(to) || next.Sub(from)/span != at.Sub(from)/span {
			sealed = append(sealed, g.Seal(t, clock.Synced, batch...))
			batch = nil
		}
	}
	return sealed
}
