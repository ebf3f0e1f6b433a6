package valuation

import (
	"encoding/json"
	"math"
	"math/big"
	"os"
	"testing"

	"pgregory.net/rapid"

	"loam/sensors"
)

// testdata/seea.json holds the condition indicators of SEEALand, the worked example of the UN's SEEA Ecosystem
// Accounting; each names its source.
func TestRampReproducesSEEALand(t *testing.T) {
	raw, err := os.ReadFile("testdata/seea.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID       string
			Kind     string
			Inputs   json.RawMessage
			Expected json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	micro := func(f float64) sensors.Micro { return sensors.Micro(math.Round(f * 1e6)) }
	ran := 0
	for _, v := range file.Vectors {
		if v.Kind != "condition indicator" {
			continue
		}
		ran++
		var in struct{ Opening, Closing, Lower, Upper float64 }
		var want struct {
			Opening float64 `json:"indicator_opening"`
			Closing float64 `json:"indicator_closing"`
		}
		if err := json.Unmarshal(v.Inputs, &in); err != nil {
			t.Fatal(v.ID, err)
		}
		if err := json.Unmarshal(v.Expected, &want); err != nil {
			t.Fatal(v.ID, err)
		}
		for x, y := range map[float64]float64{in.Opening: want.Opening, in.Closing: want.Closing} {
			if got := Ramp(micro(x), micro(in.Lower), micro(in.Upper)); got != Score(math.Round(y*1e6)) {
				t.Errorf("%s: %v gives %s, published %v", v.ID, x, got, y)
			}
		}
	}
	if ran == 0 {
		t.Error("no vector of this kind in the file")
	}
}

// Ramp equals the exact fraction, rounded half up, for every combination of integers.
func TestRampIsExact(t *testing.T) {
	any64 := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-100, 100), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64}))
	rapid.Check(t, func(t *rapid.T) {
		x, zero, one := any64.Draw(t, "x"), any64.Draw(t, "zero"), any64.Draw(t, "one")
		if zero == one {
			return
		}
		got := Ramp(sensors.Micro(x), sensors.Micro(zero), sensors.Micro(one))
		b := big.NewInt
		r := new(big.Rat).SetFrac(new(big.Int).Mul(new(big.Int).Sub(b(x), b(zero)), b(int64(Full))), new(big.Int).Sub(b(one), b(zero)))
		r.Add(r, big.NewRat(1, 2))
		want := new(big.Int).Div(r.Num(), r.Denom())
		if want.Sign() < 0 {
			want = b(0)
		} else if want.Cmp(b(int64(Full))) > 0 {
			want = b(int64(Full))
		}
		if want.Int64() != int64(got) {
			t.Fatalf("Ramp(%d, %d, %d) = %d, want %s", x, zero, one, got, want)
		}
	})
}

func TestScoresReadByPeople(t *testing.T) {
	for score, want := range map[Score][2]string{
		0: {"0 %", "0.000000"}, 4_999: {"0 %", "0.004999"}, 5_000: {"1 %", "0.005000"},
		612_500: {"61 %", "0.612500"}, Full: {"100 %", "1.000000"},
	} {
		if got := [2]string{score.Percent(), score.String()}; got != want {
			t.Errorf("%d reads %q, want %q", score, got, want)
		}
	}
}
