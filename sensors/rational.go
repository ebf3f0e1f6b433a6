package sensors

import "math/big"

// Rat returns the value as an exact fraction.
func (d Decimal) Rat() *big.Rat { return rat(d) }

// DecimalFromRat rounds y to places digits after the point, half away from zero: the one rounding of a computation in
// exact fractions.
func DecimalFromRat(y *big.Rat, places int) (Decimal, error) { return roundRat(y, places) }
