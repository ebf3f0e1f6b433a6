package qc

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/sensors"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// small is a config whose context is short, so that random series reach beyond it.
func small() Config {
	fail, gap := 0.5, 0.5
	return Config{
		GrossRange:   &GrossRangeTest{FailSpan: &Span{-50, 50}, SuspectSpan: &Span{-20, 20}},
		Spike:        &SpikeTest{SuspectThreshold: 3, FailThreshold: 8, Method: Average},
		RateOfChange: &RateOfChangeTest{Threshold: 0.01, FailThreshold: &fail},
		FlatLine:     &FlatLineTest{SuspectThreshold: 3600, FailThreshold: 7200, Tolerance: 0.1},
		TimeGap:      &TimeGapTest{FailSpanHours: &gap},
	}
}

func drawConfig(t *rapid.T) Config {
	c := small()
	if rapid.Bool().Draw(t, "no gap test") {
		c.TimeGap = nil
	}
	if rapid.Bool().Draw(t, "no flat test") {
		c.FlatLine = nil
	}
	if rapid.Bool().Draw(t, "differential") {
		c.Spike = &SpikeTest{SuspectThreshold: 3, Method: Differential}
	}
	return c
}

func drawSeries(t *rapid.T) []Obs {
	at, v := start, 0.0
	steps := []time.Duration{10 * time.Minute, 10 * time.Minute, 10 * time.Minute, 10 * time.Minute, 1500 * time.Millisecond, 29 * time.Minute, 31 * time.Minute, 2 * time.Hour, 25 * time.Hour, 72 * time.Hour}
	moves := []float64{0, 0, 0, 0, 0, 0.05, 0.2, -0.2, 9, -9, 40}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Obs {
		at = at.Add(rapid.SampledFrom(steps).Draw(t, "step"))
		v += rapid.SampledFrom(moves).Draw(t, "move")
		return Obs{At: at, Value: v, Missing: rapid.IntRange(0, 19).Draw(t, "missing") == 0}
	}), 0, 120).Draw(t, "series")
}

// A verdict depends on nothing further away than Context: that is what lets ingest, a rebuild and a valuation of one
// month agree.
func TestVerdictsAreLocal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, series := drawConfig(t), drawSeries(t)
		whole := c.Evaluate(series)
		if len(whole) != len(series) {
			t.Fatalf("%d verdicts for %d observations", len(whole), len(series))
		}
		for i, o := range series {
			from, to := o.At.Add(-c.Context()), o.At.Add(c.Context())
			a := slices.IndexFunc(series, func(x Obs) bool { return !x.At.Before(from) })
			b := len(series)
			if k := slices.IndexFunc(series, func(x Obs) bool { return x.At.After(to) }); k >= 0 {
				b = k
			}
			if got := c.Evaluate(series[a:b])[i-a]; got != whole[i] {
				t.Fatalf("observation %d: alone with its context %v, in the whole series %v", i, got, whole[i])
			}
		}
	})
}

// On evenly spaced, complete series our local rules and upstream's agree wherever ours evaluates; where it does not,
// upstream says good; while the first flat-line window fills, upstream may be one point earlier.
func TestAgreesWithUpstreamOnEvenSeries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := small()
		step := rapid.SampledFrom([]time.Duration{time.Minute, 7 * time.Minute, 10 * time.Minute, 29 * time.Minute}).Draw(t, "step")
		moves := rapid.SliceOfN(rapid.SampledFrom([]float64{0, 0, 0, 0, 0, 0.02, -0.02, 0.3, -0.3, 9, -12}), 3, 150).Draw(t, "moves")
		var series []Obs
		var values []float64
		var times []time.Time
		v := 0.0
		for i, m := range moves {
			v += m
			at := start.Add(time.Duration(i) * step)
			series, values, times = append(series, Obs{At: at, Value: v}), append(values, v), append(times, at)
		}
		gross, _ := c.GrossRange.Flags(values)
		spike, _ := c.Spike.Flags(values)
		rate, _ := c.RateOfChange.Flags(values, times)
		flat, _ := c.FlatLine.Flags(values, times)
		upstream := [5][]Flag{gross, spike, rate, flat, c.TimeGap.Flags(times)}
		for i, got := range c.Evaluate(series) {
			for k, f := range got.Tests {
				up := upstream[k][i]
				filling := k == atFlatLine && times[i].Sub(start) < 2*time.Hour // ours waits for the whole time, upstream counts intervals
				if f == up || f == NotEvaluated && up == Good || filling {
					continue
				}
				t.Fatalf("observation %d, %s: %v, upstream %v", i, Tests()[k], f, up)
			}
		}
	})
}

// The rules that are stricter or kinder than upstream, one by one.
func TestEvaluate(t *testing.T) {
	at := func(minutes ...float64) (obs []Obs) {
		for i, m := range minutes {
			obs = append(obs, Obs{At: start.Add(time.Duration(m * float64(time.Minute))), Value: float64(i)})
		}
		return obs
	}
	still := func(n int) []Obs {
		obs := at()
		for i := range n {
			obs = append(obs, Obs{At: start.Add(time.Duration(i) * 10 * time.Minute), Value: 5})
		}
		return obs
	}
	hole := at(0, 10, 20, 30)
	hole[1].Missing = true
	infinite := at(0, 10, 20)
	infinite[1].Value = math.Inf(1)
	cases := []struct {
		name string
		obs  []Obs
		want []string
	}{
		{"nothing", nil, nil},
		{"a first observation has nothing to be compared with", at(0), []string{"12222"}},
		{"the second judges the spike of none, but has a past", at(0, 10), []string{"12222", "12111"}},
		{"the one in the middle is judged from both sides", at(0, 10, 20), []string{"12222", "11111", "12111"}},
		{"no spike across a gap, and the gap fails", at(0, 10, 45), []string{"12222", "12111", "12224"}},
		{"after days it is a new series, not a gap", at(0, 10, 60*24*3), []string{"12222", "12111", "12222"}},
		{"next to a missing value nothing is judged", hole, []string{"12222", "99999", "12211", "12111"}},
		{"what is no number is missing", infinite, []string{"12222", "99999", "12211"}},
		{"a signal that stands still is first unknown, then suspect, then fails", still(15), []string{
			"12222", "11121", "11121", "11121", "11121", "11121", "11131", "11131", "11131", "11131", "11131", "11131", "11141", "11141", "12141",
		}},
		{"the same instant twice has no rate", []Obs{{At: start, Value: 1}, {At: start, Value: 9}}, []string{"12222", "12211"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, v := range small().Evaluate(c.obs) {
				got = append(got, v.Digits())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

func TestNothingConfiguredIsNotEvaluated(t *testing.T) {
	for _, v := range (Config{}).Evaluate([]Obs{{At: start, Value: 1}, {At: start.Add(time.Minute), Value: 1e9}}) {
		if v.Flag != NotEvaluated || v.Digits() != "22222" {
			t.Errorf("got %v", v)
		}
	}
}

func TestDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v Verdict
		for i := range v.Tests {
			v.Tests[i] = rapid.SampledFrom([]Flag{Good, NotEvaluated, Suspect, Fail, Missing}).Draw(t, "flag")
		}
		if back, ok := ParseDigits(v.Digits()); !ok || back != v.Tests {
			t.Fatalf("%s came back as %v", v.Digits(), back)
		}
	})
	for _, s := range []string{"", "1111", "111111", "11115", "1111x", "00000"} {
		if _, ok := ParseDigits(s); ok {
			t.Errorf("%q was accepted", s)
		}
	}
}

// A calm ecosystem gives no alarm under the shipped settings, at any rhythm between a second and an hour.
func TestDefaultsAreQuietInCalmNature(t *testing.T) {
	level := map[sensors.Quantity][3]float64{ // middle, daily swing, resolution
		sensors.AirTemperature: {12, 7, 0.01}, sensors.RelativeHumidity: {75, 25, 0.1}, sensors.AirPressure: {98500, 150, 1},
		sensors.WaterTemperature: {9, 0.5, 0.0625}, sensors.SoilTemperature: {10, 1, 0.0625},
		sensors.VolumetricWaterContent: {0.28, 0.002, 0.001}, sensors.ProbeVoltage: {1.4, 0.004, 0.000125},
		sensors.CarbonDioxide: {430, 40, 1}, sensors.PM1: {4, 2, 0.1}, sensors.PM25: {6, 3, 0.1}, sensors.PM25CF1: {6, 3, 1}, sensors.PM4: {7, 3, 0.1}, sensors.PM10: {9, 5, 0.1},
		sensors.GasResistance: {90_000, 30_000, 1}, sensors.Illuminance: {30_000, 30_000, 1}, sensors.WindSpeed: {4, 3, 0.1}, sensors.WindDirection: {180, 180, 1},
		sensors.Rainfall: {0, 0, 0.2794}, sensors.LeafWetness: {0, 0, 1}, sensors.SurfaceTemperature: {14, 10, 0.02},
		sensors.MatricPotential: {-30, 4, 0.1}, sensors.Permittivity: {12, 0.3, 0.01}, sensors.SoilConductivity: {350, 15, 1}, sensors.SoilPH: {6.5, 0, 0.1},
		sensors.SoilNitrogen: {40, 0, 1}, sensors.SoilPhosphorus: {20, 0, 1}, sensors.SoilPotassium: {90, 0, 1},
		sensors.WaterPH: {7.8, 0.1, 0.001}, sensors.WaterConductivity: {420, 12, 0.1}, sensors.DissolvedOxygen: {9.5, 1, 0.01}, sensors.OxidationReduction: {210, 15, 0.1},
		sensors.Turbidity: {3, 1, 0.01}, sensors.WaterPressure: {112_000, 200, 1}, sensors.WaterDepth: {640, 4, 1}, sensors.WaterVolume: {0, 0, 1}, sensors.Distance: {1800, 5, 1},
		sensors.Latitude: {48.1, 0, 0.00001}, sensors.Longitude: {11.5, 0, 0.00001}, sensors.Altitude: {512, 2, 0.1},
		sensors.ProbeCurrent: {8, 0.05, 0.001}, sensors.ProbeCount: {2200, 15, 1}, sensors.SupplyVoltage: {5.1, 0, 0.01}, sensors.SupplyCurrent: {240, 20, 1},
	}
	for _, k := range sensors.Kinds() {
		n, ok := level[k.Name]
		if !ok {
			t.Errorf("%s: no calm day is described for it", k.Name)
			continue
		}
		for step, days := range map[time.Duration]int{time.Second: 1, time.Minute: 6, 30 * time.Minute: 30, time.Hour: 30} {
			var obs []Obs
			for at := time.Duration(0); at < time.Duration(days)*24*time.Hour; at += step {
				v := n[0] + n[1]*math.Sin(2*math.Pi*at.Hours()/24)
				if k.Name == sensors.RelativeHumidity {
					v = min(v, 100) // fog at night
				}
				obs = append(obs, Obs{At: start.Add(at), Value: math.Round(v/n[2]) * n[2]})
			}
			for i, v := range Defaults().For("", k.Name).Evaluate(obs) {
				if v.Flag != Good {
					t.Fatalf("%s every %s: observation %d (%v) is %s %s", k.Name, step, i, obs[i].Value, v.Flag, v.Digits())
				}
			}
		}
	}
}

// Rain makes soil moisture leap; that is news, not a fault.
func TestRainIsNoSpike(t *testing.T) {
	var obs []Obs
	for i := range 40 {
		v := 0.18 - 0.0005*float64(i)
		if i >= 20 {
			v += 0.2
		}
		obs = append(obs, Obs{At: start.Add(time.Duration(i) * 30 * time.Minute), Value: v})
	}
	for i, v := range Defaults().For("", sensors.VolumetricWaterContent).Evaluate(obs) {
		if v.Flag != Good {
			t.Errorf("observation %d is %s %s", i, v.Flag, v.Digits())
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	c := Defaults().For("", sensors.AirTemperature)
	obs := make([]Obs, 86400)
	for i := range obs {
		obs[i] = Obs{At: start.Add(time.Duration(i) * time.Second), Value: math.Round(1500+700*math.Sin(float64(i)/13750)) / 100}
	}
	for b.Loop() {
		c.Evaluate(obs)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(obs)), "ns/reading")
}
