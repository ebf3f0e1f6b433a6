package assessment

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"loam/sensors"
	"loam/valuation"
)

// One hectare at 10,000 minor units makes the shares readable.
func TestCreditWorkedExamples(t *testing.T) {
	base := terms{rate: 10_000, areaM2: 10_000, health: 500_000, allowance: 200_000, buffer: 200_000, steward: 800_000, verifier: 50_000}
	for name, c := range map[string]struct {
		change func(*terms)
		want   amounts
	}{
		"certain": {func(*terms) {}, amounts{gross: 5000, buffer: 1000, net: 4000, steward: 3200, commons: 600, verifier: 200}},
		"U 20 %, all allowed": {func(t *terms) { t.spread = 100_000 },
			amounts{gross: 5000, buffer: 1000, net: 4000, steward: 3200, commons: 600, verifier: 200}},
		"U 30 %, a tenth deducted": {func(t *terms) { t.spread = 150_000 },
			amounts{gross: 5000, deduction: 500, buffer: 900, net: 3600, steward: 2880, commons: 540, verifier: 180}},
		"U 120 %, nothing left":      {func(t *terms) { t.spread = 600_000 }, amounts{gross: 5000, deduction: 5000}},
		"U 200 %, not below nothing": {func(t *terms) { t.health = 100_000; t.spread = 200_000 }, amounts{gross: 1000, deduction: 1000}},
		"collapsed":                  {func(t *terms) { t.health = 0; t.spread = 100_000 }, amounts{}},
		"leavings go to the buffer and the commons": {func(t *terms) { t.rate = 19 },
			amounts{gross: 9, buffer: 2, net: 7, steward: 5, commons: 2, verifier: 0}},
	} {
		in := base
		c.change(&in)
		got, err := credit(in)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func TestCreditLaws(t *testing.T) {
	share := rapid.Int64Range(0, sensors.MicroPerUnit)
	rapid.Check(t, func(t *rapid.T) {
		steward := share.Draw(t, "steward")
		in := terms{
			rate: rapid.Int64Range(1, 1_000_000_000_000).Draw(t, "rate"), areaM2: rapid.Int64Range(1, 10_000_000_000).Draw(t, "area"),
			health: valuation.Score(share.Draw(t, "health")), spread: valuation.Score(share.Draw(t, "spread")),
			allowance: sensors.Micro(share.Draw(t, "allowance")), buffer: sensors.Micro(share.Draw(t, "buffer")),
			steward: sensors.Micro(steward), verifier: sensors.Micro(rapid.Int64Range(0, sensors.MicroPerUnit-steward).Draw(t, "verifier")),
		}
		a, err := credit(in)
		if err != nil {
			return // too large for the ledger; said so
		}
		if a.gross-a.deduction-a.buffer != a.net || a.steward+a.commons+a.verifier != a.net {
			t.Fatalf("does not add up: %+v", a)
		}
		for _, v := range []int64{a.gross, a.deduction, a.buffer, a.net, a.steward, a.commons, a.verifier} {
			if v < 0 {
				t.Fatalf("negative: %+v", a)
			}
		}
		exact := new(big.Rat).SetFrac(product(in.rate, in.areaM2, int64(in.health)), product(10_000, 1_000_000))
		if left := new(big.Rat).Sub(exact, new(big.Rat).SetInt64(a.gross)); left.Sign() < 0 || left.Cmp(big.NewRat(1, 1)) >= 0 {
			t.Fatalf("gross %d of exactly %s", a.gross, exact.FloatString(3))
		}
		if in.health > 0 {
			excess := new(big.Rat).Sub(big.NewRat(int64(in.spread), int64(in.health)), big.NewRat(int64(in.allowance), 1_000_000))
			switch {
			case excess.Sign() <= 0 && a.deduction != 0:
				t.Fatalf("within the allowance, yet %d deducted", a.deduction)
			case excess.Sign() > 0:
				want := excess.Mul(excess, new(big.Rat).SetInt64(a.gross)) // exactly the excess, at most all, rounded against the earner
				if all := new(big.Rat).SetInt64(a.gross); want.Cmp(all) > 0 {
					want = all
				}
				if off := new(big.Rat).Sub(new(big.Rat).SetInt64(a.deduction), want); off.Sign() < 0 || off.Cmp(big.NewRat(1, 1)) >= 0 {
					t.Fatalf("deducted %d, exactly %s", a.deduction, want.FloatString(3))
				}
			}
		}
		worse := in
		worse.spread = min(valuation.Full, in.spread+valuation.Score(share.Draw(t, "more")))
		if b, err := credit(worse); err != nil || b.net > a.net {
			t.Fatalf("less certain and more paid: %d after %d, %v", b.net, a.net, err)
		}
	})
}

func TestCreditTooLargeIsAnError(t *testing.T) {
	if a, err := credit(terms{rate: 1_000_000_000_000, areaM2: 1 << 62, health: valuation.Full}); err == nil {
		t.Errorf("no error, %+v", a)
	}
}

func TestSpreadIsTheWiderSide(t *testing.T) {
	for _, c := range [][4]valuation.Score{{500, 400, 600, 100}, {950, 800, 1000, 150}, {50, 0, 200, 150}} {
		if got := spread(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("spread of %v is %d", c, got)
		}
	}
}
