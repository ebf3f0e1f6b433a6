package temperatureband

import (
	"testing"

	"loam/sensors"
	"loam/valuation"
	"loam/valuation/indextest"
)

func TestKeepsTheRulesOfAnIndex(t *testing.T) {
	indextest.Run(t, Kind(), indextest.Case{
		Levels: indextest.Levels{"limit_low": "0", "optimum_low": "6.5", "optimum_high": "16", "limit_high": "24"},
		Low:    -40, High: 60,
		Refused: []indextest.Levels{
			{"limit_low": "7", "optimum_low": "6.5", "optimum_high": "16", "limit_high": "24"},
			{"limit_low": "6.5", "optimum_low": "6.5", "optimum_high": "16", "limit_high": "24"},
			{"limit_low": "0", "optimum_low": "17", "optimum_high": "16", "limit_high": "24"},
			{"limit_low": "0", "optimum_low": "6.5", "optimum_high": "24", "limit_high": "24"},
		},
	})
}

func trout(t *testing.T) index {
	t.Helper()
	i, err := newIndex(map[string]sensors.Decimal{
		"limit_low": {}, "optimum_low": {Mantissa: 6}, "optimum_high": {Mantissa: 16}, "limit_high": {Mantissa: 24},
	})
	if err != nil {
		t.Fatal(err)
	}
	return i.(index)
}

func TestRateFollowsTheBand(t *testing.T) {
	for _, c := range []struct {
		celsius sensors.Micro
		want    valuation.Score
	}{
		{-5_000_000, 0}, {0, 0}, {3_000_000, 500_000}, {6_000_000, valuation.Full}, {11_000_000, valuation.Full},
		{16_000_000, valuation.Full}, {20_000_000, 500_000}, {22_000_000, 250_000}, {24_000_000, 0}, {40_000_000, 0},
	} {
		if got := trout(t).rate(c.celsius); got != c.want {
			t.Errorf("%s °C scores %d, want %d", c.celsius, got, c.want)
		}
	}
}

// Around the band's edge the lower bound must look at both sides, and the upper must see the band inside the interval.
func TestBoundsLookAtBothSides(t *testing.T) {
	in := indextest.Golden(5_000_000, 5_000_001, 14_000_000)
	r, err := trout(t).Evaluate(in) // 5 °C ± 14: from -9 (0) across the whole band to 19 (0.625)
	if err != nil {
		t.Fatal(err)
	}
	if r.Lower != 0 || r.Score != 833_333 || r.Upper != valuation.Full {
		t.Errorf("bounds %d..%d around %d", r.Lower, r.Upper, r.Score)
	}
}

// Fixed integers, so that a machine that computes differently is seen.
func TestGolden(t *testing.T) {
	r, err := trout(t).Evaluate(indextest.Golden(-2_000_000, 27_000_000, 700_000))
	if err != nil {
		t.Fatal(err)
	}
	got := [5]int64{int64(r.Score), int64(r.Lower), int64(r.Upper), int64(r.Covered), int64(r.Expected)}
	if want := [5]int64{591_795, 540_283, 642_123, 211, 240}; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}
