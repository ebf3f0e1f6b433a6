package series_test

import (
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/qc"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
	"loam/valuation"
	"loam/valuation/fieldtest"
	"loam/valuation/series"
)

var start = fieldtest.Start()

func window(hours int) series.Window {
	to := start.Add(time.Duration(hours) * time.Hour)
	return series.Window{From: start, To: to, Since: start.Add(-24 * time.Hour), Until: to.Add(time.Hour)}
}

func rules() series.Rules {
	return series.Rules{
		Tests: []qc.Test{qc.GrossRange}, SyncedClock: true,
		Calibration: map[sensors.Quantity]series.Calibration{
			sensors.VolumetricWaterContent: {MaxDays: 365, Foreign: []string{"chirpstack"}}, sensors.WaterTemperature: {Factory: true},
		},
	}
}

// grossRange is quality control that needs no neighbours.
func grossRange(sensors.Quantity) qc.Config {
	return qc.Config{GrossRange: &qc.GrossRangeTest{FailSpan: &qc.Span{0, 1}, SuspectSpan: &qc.Span{0.05, 0.6}}}
}

func soil(minutes int, mantissa int64) sensors.Reading {
	return fieldtest.Reading("soil", sensors.VolumetricWaterContent, start.Add(time.Duration(minutes)*time.Minute), mantissa, -3)
}

func certified(r sensors.Reading, c sensors.Certificate) sensors.Reading {
	r.Calibration = c
	return r
}

// Every reason why a reading does not count, one reading each, beside one that does.
func TestReasons(t *testing.T) {
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name    string
		reading sensors.Reading
		state   clock.State
		reason  string
	}{
		{"good", soil(30, 300), clock.Synced, ""},
		{"unsynced", soil(30, 300), clock.Unsynced, series.ReasonClock},
		{"clock unknown", soil(30, 300), clock.Unknown, series.ReasonClock},
		{"dated afterwards", soil(30, 300), clock.Redated, ""},
		{"other quantity", fieldtest.Reading("soil", sensors.ProbeVoltage, start.Add(time.Minute), 1, 0), clock.Synced, series.ReasonQuantity},
		{"too large", fieldtest.Reading("soil", sensors.VolumetricWaterContent, start.Add(time.Minute), 1<<60, 12), clock.Synced, series.ReasonValue},
		{"same time", soil(0, 301), clock.Synced, series.ReasonTwice},
		{"fail", soil(30, 1001), clock.Synced, "quality flag: fail"},
		{"suspect", soil(30, 601), clock.Synced, "quality flag: suspect"},
		{"no calibration", certified(soil(30, 300), sensors.Certificate{}), clock.Synced, series.ReasonUncalibrated},
		{"factory", certified(soil(30, 300), sensors.Certificate{ID: sensors.FactoryCertificate}), clock.Synced, series.ReasonFactory},
		{"factory, accepted", func() sensors.Reading {
			r := fieldtest.Reading("water", sensors.WaterTemperature, start.Add(time.Minute), 300, -3)
			return certified(r, sensors.Certificate{ID: sensors.FactoryCertificate})
		}(), clock.Synced, ""},
		{"from tomorrow", certified(soil(30, 300), sensors.Certificate{ID: "x", Date: day(2026, 5, 2)}), clock.Synced, series.ReasonUnborn},
		{"overdue today", certified(soil(30, 300), sensors.Certificate{ID: "x", Date: day(2026, 4, 1), Due: day(2026, 5, 1)}), clock.Synced, series.ReasonOverdue},
		{"due tomorrow", certified(soil(30, 300), sensors.Certificate{ID: "x", Date: day(2026, 4, 1), Due: day(2026, 5, 2)}), clock.Synced, ""},
		{"another system's", certified(soil(30, 300), sensors.ForeignCertificate("csv")), clock.Synced, "from another system (csv), which the method does not accept"},
		{"another system's, accepted", certified(soil(30, 300), sensors.ForeignCertificate("chirpstack")), clock.Synced, ""},
		{"another system's, accepted, but unsynced", certified(soil(30, 300), sensors.ForeignCertificate("chirpstack")), clock.Unsynced, series.ReasonClock},
		{"another system's without a name", certified(soil(30, 300), sensors.ForeignCertificate("")), clock.Synced, "from another system (unknown), which the method does not accept"},
		{"365 days old", certified(soil(30, 300), sensors.Certificate{ID: "x", Date: day(2025, 5, 1)}), clock.Synced, "calibration older than 365 days"},
		{"364 days old", certified(soil(30, 300), sensors.Certificate{ID: "x", Date: day(2025, 5, 2)}), clock.Synced, ""},
		{"of unknown age", certified(soil(30, 300), sensors.Certificate{ID: "x"}), clock.Synced, "calibration older than 365 days"},
	} {
		g := fieldtest.NewGateway("meadow-1")
		batches := []wire.Sealed{g.Seal(t, clock.Synced, soil(0, 300)), g.Seal(t, c.state, c.reading)}
		v := series.Build(batches, rules(), grossRange, window(24))
		var want []series.Exclusion
		good := 2
		if c.reason != "" {
			good = 1
			want = []series.Exclusion{{Gateway: "meadow-1", Channel: c.reading.Channel, Reason: c.reason, Count: 1}}
		}
		got := 0
		for _, ch := range v.Channels {
			got += ch.Good
		}
		if got != good || !slices.Equal(v.Excluded, want) {
			t.Errorf("%s: %d good, excluded %+v; want %d and %+v", c.name, got, v.Excluded, good, want)
		}
	}
}

// What was kept of a batch that made room is counted as received, and earns nothing; where the hub has the batch all the
// same, its readings count as ever.
func TestWhatIsLeftOfThinnedBatchesDoesNotCount(t *testing.T) {
	g := fieldtest.NewGateway("meadow-1")
	full := g.Seal(t, clock.Synced, soil(0, 300), soil(10, 310), soil(20, 320), soil(30, 330))
	left := g.Thin(t, soil(0, 300), soil(30, 330))
	want := []series.Exclusion{{Gateway: "meadow-1", Channel: "soil", Reason: series.ReasonThinned, Count: 2}}
	for _, c := range []struct {
		batches        []wire.Sealed
		received, good int
	}{{[]wire.Sealed{left}, 2, 0}, {[]wire.Sealed{full, left}, 6, 4}, {[]wire.Sealed{left, full}, 6, 4}} {
		v := series.Build(c.batches, rules(), grossRange, window(24))
		if ch := v.Channels[0]; ch.Received != c.received || ch.Good != c.good || !slices.Equal(v.Excluded, want) {
			t.Errorf("%d received, %d good, excluded %+v", ch.Received, ch.Good, v.Excluded)
		}
	}
}

// A test that could not be evaluated counts as not passed, though the flag of all tests together is good.
func TestRequiredTestMustBeEvaluated(t *testing.T) {
	g := fieldtest.NewGateway("meadow-1")
	r := rules()
	r.Tests = append(r.Tests, qc.Spike)
	spike := func(q sensors.Quantity) qc.Config {
		c := grossRange(q)
		c.Spike = &qc.SpikeTest{FailThreshold: 0.1}
		return c
	}
	list := []sensors.Reading{soil(0, 300), soil(30, 301), soil(60, 302), soil(90, 303)}
	v := series.Build([]wire.Sealed{g.Seal(t, clock.Synced, list...)}, r, spike, window(24))
	want := []series.Exclusion{{Gateway: "meadow-1", Channel: "soil", Reason: "required test spike: not evaluated", Count: 2}}
	if v.Channels[0].Good != 2 || !reflect.DeepEqual(v.Excluded, want) {
		t.Errorf("%d good, excluded %+v", v.Channels[0].Good, v.Excluded)
	}
}

// Readings around the period speak for the flags of those inside, and are not counted themselves.
func TestNeighboursOutsideThePeriod(t *testing.T) {
	g := fieldtest.NewGateway("meadow-1")
	r := rules()
	r.Tests = []qc.Test{qc.Spike}
	spike := func(sensors.Quantity) qc.Config { return qc.Config{Spike: &qc.SpikeTest{FailThreshold: 0.1}} }
	list := []sensors.Reading{soil(-30, 300), soil(0, 300), soil(30, 301), soil(60, 302), soil(200, 300)}
	v := series.Build([]wire.Sealed{g.Seal(t, clock.Synced, list...)}, r, spike, window(1))
	if c := v.Channels[0]; c.Received != 2 || c.Good != 2 || len(v.Excluded) != 0 {
		t.Errorf("%d received, %d good, excluded %+v", c.Received, c.Good, v.Excluded)
	}
}

func TestHoursAreCountedFromThePeriodsStart(t *testing.T) {
	g := fieldtest.NewGateway("meadow-1")
	w := window(3)
	w.From, w.To = w.From.Add(30*time.Minute), w.To.Add(30*time.Minute)
	v := series.Build([]wire.Sealed{g.Seal(t, clock.Synced, soil(30, 100), soil(89, 201), soil(90, 300), soil(210, 400))}, rules(), grossRange, w)
	want := []valuation.Hour{
		{Start: start.Add(30 * time.Minute), Mean: 150_500, Good: 2},
		{Start: start.Add(90 * time.Minute), Mean: 300_000, Good: 1},
	}
	if got := v.Channels[0].Hours; !reflect.DeepEqual(got, want) {
		t.Errorf("hours %+v, want %+v", got, want)
	}
}

// Whatever arrives in whatever batches: each reading of the period is counted once, as good or with a reason; an hour
// stands only where a good reading is; its mean is the exact one; and the order of batches does not matter.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := window(6)
		var batches []wire.Sealed
		total := map[sensors.Channel]int{}
		for range rapid.IntRange(1, 2).Draw(rt, "gateways") {
			g := fieldtest.NewGateway(fmt.Sprintf("meadow-%d", len(batches)+1))
			for range rapid.IntRange(1, 4).Draw(rt, "batches") {
				var list []sensors.Reading
				for range rapid.IntRange(1, 12).Draw(rt, "readings") {
					r := soil(rapid.IntRange(-120, 480).Draw(rt, "minute"), rapid.Int64Range(-50, 1100).Draw(rt, "value"))
					r.Channel = sensors.Channel(rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "channel"))
					if rapid.IntRange(0, 4).Draw(rt, "calibrated") == 0 {
						r.Calibration = sensors.Certificate{}
					}
					if t := r.At.Wall; !t.Before(w.From) && t.Before(w.To) {
						total[r.Channel]++
					}
					list = append(list, r)
				}
				batches = append(batches, g.Seal(t, rapid.SampledFrom([]clock.State{clock.Synced, clock.Redated, clock.Unsynced}).Draw(rt, "clock"), list...))
			}
		}
		v := series.Build(batches, rules(), grossRange, w)
		counted := map[sensors.Channel]int{}
		for _, e := range v.Excluded {
			counted[e.Channel] += e.Count
		}
		for _, c := range v.Channels {
			counted[c.Channel] += c.Good
			good := 0
			for _, h := range c.Hours {
				good += h.Good
				if h.Good < 1 || h.Mean < 50_000 || h.Mean > 600_000 {
					rt.Fatalf("hour %+v", h)
				}
			}
			if good != c.Good {
				rt.Fatalf("%d readings in hours, %d good", good, c.Good)
			}
		}
		if !reflect.DeepEqual(total, counted) {
			rt.Fatalf("%v readings, %v accounted for", total, counted)
		}
		shuffled := rapid.Permutation(batches).Draw(rt, "order")
		if other := series.Build(shuffled, rules(), grossRange, w); !reflect.DeepEqual(v, other) {
			rt.Fatalf("%+v became %+v", v, other)
		}
	})
}

func TestMeanIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var list []sensors.Reading
		sum := new(big.Int)
		for i := range rapid.IntRange(1, 50).Draw(rt, "readings") {
			m := rapid.Int64().Draw(rt, "micro")
			sum.Add(sum, big.NewInt(m))
			list = append(list, fieldtest.Reading("soil", sensors.WaterTemperature, start.Add(time.Duration(i)*time.Second), m, -6))
		}
		anything := func(sensors.Quantity) qc.Config {
			return qc.Config{GrossRange: &qc.GrossRangeTest{FailSpan: &qc.Span{-1e300, 1e300}}}
		}
		v := series.Build([]wire.Sealed{fieldtest.NewGateway("g").Seal(t, clock.Synced, list...)}, rules(), anything, window(1))
		n := big.NewInt(int64(len(list)))
		half := new(big.Int).Div(n, big.NewInt(2))
		if sum.Sign() < 0 {
			half.Neg(half)
		}
		want := sum.Add(sum, half).Quo(sum, n)
		if got := v.Channels[0].Hours[0].Mean; big.NewInt(int64(got)).Cmp(want) != 0 {
			rt.Fatalf("mean %d, want %s", got, want)
		}
	})
}
