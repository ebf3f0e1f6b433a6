package soilmoisture

import (
	"reflect"
	"testing"
	"time"

	"loam/sensors"
	"loam/valuation"
	"loam/valuation/indextest"
)

var loamy = indextest.Levels{"wilting_point": "0.12", "field_capacity": "0.32"}

func TestKeepsTheRulesOfAnIndex(t *testing.T) {
	indextest.Run(t, Kind(), indextest.Case{
		Levels: loamy, Better: +1, Low: 0, High: 1,
		Refused: []indextest.Levels{
			{"wilting_point": "0.32", "field_capacity": "0.12"},
			{"wilting_point": "0.2", "field_capacity": "0.2"},
			{"wilting_point": "-0.1", "field_capacity": "0.2"},
			{"wilting_point": "12", "field_capacity": "32"}, // percent instead of m³/m³
		},
	})
}

func newLoamy(t *testing.T) valuation.Index {
	t.Helper()
	i, err := Kind().New(map[string]sensors.Decimal{
		"wilting_point": {Mantissa: 12, Exponent: -2}, "field_capacity": {Mantissa: 32, Exponent: -2},
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// The numbers are worked by hand: one at each end, the middle, beyond both ends.
func TestWorkedExample(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	hour := func(h int, mean sensors.Micro) valuation.Hour {
		return valuation.Hour{Start: from.Add(time.Duration(h) * time.Hour), Mean: mean, Good: 1}
	}
	r, err := newLoamy(t).Evaluate(valuation.Input{
		From: from, To: from.Add(6 * time.Hour), Uncertainty: 20_000,
		Series: []valuation.Series{
			{Channel: "a", Hours: []valuation.Hour{hour(0, 100_000), hour(1, 220_000), hour(2, 400_000)}},
			{Channel: "b", Hours: []valuation.Hour{hour(1, 320_000), hour(4, 170_000)}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	// hours: 0; (0.5 + 1)/2; 1; –; 0.25; –   lower: 0; (0.4 + 0.9)/2; 1; 0.15   upper: 0; (0.6 + 1)/2; 1; 0.35
	want := valuation.Result{
		Score: 500_000, Lower: 450_000, Upper: 537_500, Covered: 4, Expected: 6,
		Reasons: []string{"Soil held 50 % of the water plants can use, on average; at or below the wilting point in 1 of 4 measured hours, at or above field capacity in 1."},
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

// Fixed integers, so that a machine that computes differently is seen.
func TestGolden(t *testing.T) {
	r, err := newLoamy(t).Evaluate(indextest.Golden(80_000, 380_000, 30_000))
	if err != nil {
		t.Fatal(err)
	}
	got := [5]int64{int64(r.Score), int64(r.Lower), int64(r.Upper), int64(r.Covered), int64(r.Expected)}
	if want := [5]int64{552_997, 453_181, 648_637, 211, 240}; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}
