package sim

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/sensors"
)

var newYear = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// same compares conditions value for value; what a place does not have is NaN on both sides.
func same(a, b Conditions) bool {
	eq := func(x, y float64) bool { return x == y || math.IsNaN(x) && math.IsNaN(y) }
	return eq(a.AirTemperature, b.AirTemperature) && eq(a.RelativeHumidity, b.RelativeHumidity) && eq(a.AirPressure, b.AirPressure) &&
		eq(a.Rain, b.Rain) && eq(a.Sun, b.Sun) && eq(a.SoilMoisture10, b.SoilMoisture10) && eq(a.SoilMoisture30, b.SoilMoisture30) &&
		eq(a.SoilTemperature, b.SoilTemperature) && eq(a.WaterTemperature, b.WaterTemperature)
}

func TestAWorldIsAFunctionOfSeedAndTime(t *testing.T) {
	asked := NewWorld(7, newYear) // asked in any order
	rapid.Check(t, func(t *rapid.T) {
		place := rapid.SampledFrom(Places()).Draw(t, "place")
		at := newYear.Add(time.Duration(rapid.Int64Range(-100*24*3600, 60*24*3600).Draw(t, "s")) * time.Second)
		if a, b := asked.At(place, at), NewWorld(7, newYear).At(place, at); !same(a, b) {
			t.Fatalf("%s at %s: %+v and %+v", place, at, a, b)
		}
	})
	if a, b := NewWorld(1, newYear).At(Meadow, newYear), NewWorld(2, newYear).At(Meadow, newYear); same(a, b) {
		t.Error("two seeds, one world")
	}
}

// year visits every hour of a year and a bit of several worlds.
func year(visit func(w *World, at time.Time)) {
	for seed := range int64(3) {
		w := NewWorld(seed, newYear)
		for h := range 370 * 24 {
			visit(w, newYear.Add(time.Duration(h)*time.Hour))
		}
	}
}

func TestTheWorldIsPlausible(t *testing.T) {
	within := func(name string, at time.Time, v, low, high float64) {
		if !(v >= low && v <= high) {
			t.Fatalf("%s is %v at %s, want %v to %v", name, v, at, low, high)
		}
	}
	year(func(w *World, at time.Time) {
		for _, p := range Places() {
			c := w.At(p, at)
			within("air", at, c.AirTemperature, -15, 38)
			within("humidity", at, c.RelativeHumidity, 12, 100)
			within("pressure", at, c.AirPressure, 94000, 99500)
			within("rain", at, c.Rain, 0, 45)
			for _, ch := range []struct {
				q     sensors.Quantity
				depth int
				low   float64
				high  float64
				at    []Place
			}{
				{sensors.VolumetricWaterContent, 10, 0.10, poreSpace, []Place{Meadow, Riparian}},
				{sensors.VolumetricWaterContent, 30, 0.10, poreSpace, []Place{Meadow, Riparian}},
				{sensors.SoilTemperature, 10, 1, 26, []Place{Meadow, Riparian}},
				{sensors.WaterTemperature, 0, 7, 20.5, []Place{Stream}},
			} {
				v, ok := c.Of(ch.q, ch.depth)
				if want := contains(ch.at, p); ok != want {
					t.Fatalf("%s has %s: %v, want %v", p, ch.q, ok, want)
				} else if ok {
					within(string(ch.q), at, v, ch.low, ch.high)
				}
			}
		}
	})
}

func contains(places []Place, p Place) bool {
	for _, x := range places {
		if x == p {
			return true
		}
	}
	return false
}

// TestSoilMoistureIsInteresting: neither always dry nor always wet, mostly between wilting point and field capacity.
func TestSoilMoistureIsInteresting(t *testing.T) {
	var all, between, stressed, wet int
	year(func(w *World, at time.Time) {
		all++
		switch v := w.At(Meadow, at).SoilMoisture10; {
		case v < WiltingPoint+0.04:
			stressed++
		case v > FieldCapacity:
			wet++
		default:
			between++
		}
	})
	share := func(n int) float64 { return float64(n) / float64(all) }
	t.Logf("stressed %.2f, between %.2f, wet %.2f", share(stressed), share(between), share(wet))
	if share(between) < 0.5 || share(stressed) < 0.04 || share(stressed) > 0.4 || share(wet) < 0.02 || share(wet) > 0.3 {
		t.Errorf("stressed %.2f, between %.2f, wet %.2f", share(stressed), share(between), share(wet))
	}
}

func TestSoilDriesBetweenRainsAndRainWetsIt(t *testing.T) {
	w := NewWorld(3, newYear)
	var dried, wetted int
	for h := range 365 * 24 {
		at := newYear.Add(time.Duration(h) * time.Hour)
		rain := 0.0
		for m := range 6 {
			rain += w.At(Meadow, at.Add(time.Duration(m)*10*time.Minute)).Rain / 6
		}
		change := w.At(Meadow, at.Add(time.Hour)).SoilMoisture10 - w.At(Meadow, at).SoilMoisture10
		noon := w.At(Meadow, at).Sun > 0.6
		switch {
		case rain > 3 && change > 0.003:
			wetted++
		case rain > 3 && w.At(Meadow, at).SoilMoisture10 < 0.3:
			t.Errorf("%s: %.1f mm of rain changed the soil by %v", at, rain, change)
		case rain == 0 && noon && change >= 0:
			t.Errorf("%s: no rain, high sun, and the soil changed by %v", at, change)
		case rain == 0 && noon:
			dried++
		}
	}
	if dried < 300 || wetted < 10 {
		t.Errorf("%d hours of drying, %d of wetting", dried, wetted)
	}
}

func TestTheSunStandsHighestAtSolarNoonInJune(t *testing.T) {
	june := time.Date(2026, time.June, 21, 11, 26, 0, 0, time.UTC) // 8.4° east
	want := math.Sin((90 - latitude + 23.44) * math.Pi / 180)
	if got := sunHeight(june); math.Abs(got-want) > 0.002 {
		t.Errorf("sine of the elevation %v, want %v", got, want)
	}
	if got := sunHeight(june.Add(12 * time.Hour)); got != 0 {
		t.Errorf("sun at midnight: %v", got)
	}
}

func BenchmarkDayOfThreePlaces(b *testing.B) {
	for b.Loop() {
		w := NewWorld(1, newYear)
		for m := range 1440 {
			for _, p := range Places() {
				w.At(p, newYear.Add(time.Duration(m)*time.Minute))
			}
		}
	}
}
