package valuation

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"loam/sensors"
)

// Ramp places x on the straight line that is 0 at zero and [Full] at one, clamped to both ends and rounded half up: the
// rescaling of a condition variable by its reference levels (SEEA EA 2024, table 5.3). zero may lie above one, where a
// high value is bad. No value is too large for it. The two levels must differ.
func Ramp(x, zero, one sensors.Micro) Score {
	if zero > one { // mirrored; complements, because the negative of the smallest integer is not one
		x, zero, one = ^x, ^zero, ^one
	}
	switch {
	case x <= zero:
		return 0
	case x >= one:
		return Full
	}
	span := uint64(one) - uint64(zero) // right even where the signed difference overflows
	hi, lo := bits.Mul64(uint64(x)-uint64(zero), uint64(Full))
	lo, carry := bits.Add64(lo, span/2, 0)
	q, _ := bits.Div64(hi+carry, lo, span)
	return min(Score(q), Full)
}

// Shift returns x + by, held at the largest or smallest value instead of wrapping around.
func Shift(x, by sensors.Micro) sensors.Micro {
	switch {
	case by > 0 && x > math.MaxInt64-by:
		return math.MaxInt64
	case by < 0 && x < math.MinInt64-by:
		return math.MinInt64
	}
	return x + by
}

// ReadLevels checks that every parameter has a level and that there is no other one, and returns them in millionths. A
// level finer than a millionth is refused rather than rounded. Everything that is wrong wraps [ErrLevels].
func ReadLevels(parameters []Parameter, levels map[string]sensors.Decimal) (map[string]sensors.Micro, error) {
	read := map[string]sensors.Micro{}
	for _, p := range parameters {
		level, ok := levels[p.Name]
		if !ok {
			return nil, fmt.Errorf("valuation: %w: %q is missing: give %s", ErrLevels, p.Name, p.Help)
		}
		m, err := level.Micro()
		if err != nil {
			return nil, fmt.Errorf("valuation: %w: %q: %w", ErrLevels, p.Name, err)
		}
		if level.Cmp(sensors.Decimal{Mantissa: int64(m), Exponent: -6}) != 0 {
			return nil, fmt.Errorf("valuation: %w: %q is %s: use at most six digits after the point", ErrLevels, p.Name, level)
		}
		read[p.Name] = m
	}
	var unknown []string
	for name := range levels {
		if _, ok := read[name]; !ok {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, fmt.Errorf("valuation: %w: nobody knows %s: this index takes %s", ErrLevels, strings.Join(unknown, ", "), names(parameters))
	}
	return read, nil
}

func names(parameters []Parameter) string {
	var list []string
	for _, p := range parameters {
		list = append(list, p.Name)
	}
	return strings.Join(list, ", ")
}
