package assessment

import (
	"fmt"
	"math/big"

	"loam/sensors"
	"loam/valuation"
)

// terms is what a credit is computed from.
type terms struct {
	rate      int64 // minor units per hectare and period at score 1
	areaM2    int64
	health    valuation.Score
	spread    valuation.Score // half-width of the 90 % interval, see spread
	allowance sensors.Micro   // shares
	buffer    sensors.Micro
	steward   sensors.Micro
	verifier  sensors.Micro
}

// amounts are whole minor units: gross − deduction − buffer = net, and steward + commons + verifier = net.
type amounts struct{ gross, deduction, buffer, net, steward, commons, verifier int64 }

const squareMetresPerHectare = 10_000

// spread is the half-width of an interval around its score: the wider side, because a bound cut off at 0 or 1 would make
// an uncertain score look certain.
func spread(score, lower, upper valuation.Score) valuation.Score {
	return max(score-lower, upper-score)
}

// credit computes what a site earns. Gross is rounded down. With U = spread / health beyond the allowance, exactly the
// excess is deducted: adjusted = gross × (1 − U + allowance), never below 0, rounded down (Verra VM0033 v2.1 section
// 8.5.2). The buffer is rounded up, the steward's and the verifier's shares down; the rest is the commons'.
func credit(t terms) (amounts, error) {
	full := big.NewInt(int64(valuation.Full))
	gross := product(t.rate, t.areaM2, int64(t.health))
	gross.Div(gross, product(squareMetresPerHectare, int64(valuation.Full)))

	adjusted := new(big.Int).Set(gross)
	if excess := product(int64(t.spread), int64(valuation.Full)); excess.Cmp(product(int64(t.allowance), int64(t.health))) > 0 {
		keep := product(int64(t.health), int64(valuation.Full)+int64(t.allowance)) // (1 + allowance − U) × health × Full
		keep.Sub(keep, excess)
		if keep.Sign() < 0 {
			keep.SetInt64(0)
		}
		adjusted.Mul(adjusted, keep)
		if t.health > 0 {
			adjusted.Div(adjusted, product(int64(t.health), int64(valuation.Full)))
		}
	}
	net := new(big.Int).Sub(full, big.NewInt(int64(t.buffer)))
	net.Mul(net, adjusted).Div(net, full)
	share := func(of sensors.Micro) *big.Int {
		part := product(int64(of))
		return part.Mul(part, net).Div(part, full)
	}
	if !gross.IsInt64() {
		return amounts{}, fmt.Errorf("assessment: %s minor units do not fit the ledger: lower the rate or the asset's scale", gross)
	}
	a := amounts{
		gross: gross.Int64(), deduction: gross.Int64() - adjusted.Int64(), buffer: adjusted.Int64() - net.Int64(), net: net.Int64(),
		steward: share(t.steward).Int64(), verifier: share(t.verifier).Int64(),
	}
	a.commons = a.net - a.steward - a.verifier
	return a, nil
}

func product(factors ...int64) *big.Int {
	p := big.NewInt(1)
	for _, f := range factors {
		p.Mul(p, big.NewInt(f))
	}
	return p
}
