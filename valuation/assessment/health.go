package assessment

import (
	"fmt"

	"loam/valuation"
	"loam/valuation/method"
)

// health is a site's score: the weighted mean of its indices, each bound from the bounds of the indices, as if all were
// wrong in the same direction. Rounded half up. There is none where an index has no score: leaving that one out would
// silently give the others more weight.
type health struct {
	valuation.Result
	ok bool
}

func weigh(indices []method.Index, results []result) (health, error) {
	var sum, score, lower, upper int64
	for n, r := range results {
		if !r.ok {
			return health{}, nil
		}
		w, err := indices[n].Weight.Micro()
		if err != nil {
			return health{}, err
		}
		// At most 10^9 a weight and 10^6 a score: thousands of indices fit.
		sum += int64(w)
		score += int64(w) * int64(r.Score)
		lower += int64(w) * int64(r.Lower)
		upper += int64(w) * int64(r.Upper)
	}
	mean := func(v int64) valuation.Score { return valuation.Score((v + sum/2) / sum) }
	return health{Result: valuation.Result{Score: mean(score), Lower: mean(lower), Upper: mean(upper)}, ok: true}, nil
}

// shortfalls says, in plain sentences, why the site cannot earn: indices without a score or below the minimum coverage.
func shortfalls(m method.Method, indices []method.Index, results []result) ([]string, error) {
	least, err := m.Require.MinCoverage.Micro()
	if err != nil {
		return nil, err
	}
	var reasons []string
	for n, r := range results {
		name := indices[n].Entry().Title
		switch {
		case !r.ok:
			reasons = append(reasons, fmt.Sprintf("Does not earn: %s (%s) has no verified reading, and a missing index is not made up for by the others.", name, title(indices[n].Quantity)))
		case int64(r.Covered)*int64(valuation.Full) < int64(least)*int64(r.Expected):
			reasons = append(reasons, fmt.Sprintf("Does not earn: %s (%s) has verified readings in %d of %d hours; the method asks for %s.",
				name, title(indices[n].Quantity), r.Covered, r.Expected, valuation.Score(least).Percent()))
		}
	}
	return reasons, nil
}
