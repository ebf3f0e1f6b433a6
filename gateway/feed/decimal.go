package feed

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"

	"loam/sensors"
)

// number is a number in JSON (RFC 8259 section 6), with a sign and leading zeros as loggers write them.
var number = regexp.MustCompile(`^([+-]?)([0-9]{1,20})(?:\.([0-9]{1,24}))?(?:[eE]([+-]?[0-9]{1,2}))?$`)

// finest is how many places are kept where more come: 21.299999999999997 is what floating point made of 21.3.
const finest = 9

// convert reads a number exactly and returns scale × it + offset, nil for 1 and 0. The digits are kept, up to nine places.
func convert(text string, scale, offset *sensors.Decimal) (sensors.Decimal, error) {
	m := number.FindStringSubmatch(text)
	if m == nil {
		return sensors.Decimal{}, fmt.Errorf("%w: %.64q is not a number", ErrMessage, text)
	}
	v := new(big.Int)
	v.SetString(m[1]+m[2]+m[3], 10) // digits, by the expression
	exponent := -len(m[3])
	if m[4] != "" {
		e, _ := strconv.Atoi(m[4]) // two digits, by the expression
		exponent += e
	}
	if scale != nil {
		v.Mul(v, big.NewInt(scale.Mantissa))
		exponent += int(scale.Exponent)
	}
	if offset != nil {
		o, oe := big.NewInt(offset.Mantissa), int(offset.Exponent)
		low := min(exponent, oe)
		v.Mul(v, ten(exponent-low)).Add(v, o.Mul(o, ten(oe-low)))
		exponent = low
	}
	v, exponent = round(v, exponent)
	if exponent > 0 { // 2e3 is 2000
		v.Mul(v, ten(exponent))
		exponent = 0
	}
	if !v.IsInt64() {
		return sensors.Decimal{}, fmt.Errorf("%w: %.64q is too large: %w", ErrMessage, text, sensors.ErrNotDecimal)
	}
	return sensors.NewDecimal(v.Int64(), exponent)
}

// round keeps nine places, half away from zero; of what floating point left, only those that matter.
func round(v *big.Int, exponent int) (*big.Int, int) {
	if exponent >= -finest {
		return v, exponent
	}
	divisor := ten(-finest - exponent)
	half := new(big.Int).Rsh(divisor, 1)
	if v.Sign() < 0 {
		half.Neg(half)
	}
	v = new(big.Int).Quo(half.Add(half, v), divisor)
	exponent = -finest
	for rest := new(big.Int); exponent < 0; exponent++ {
		q, r := new(big.Int).QuoRem(v, big.NewInt(10), rest)
		if r.Sign() != 0 {
			break
		}
		v = q
	}
	return v, exponent
}

func ten(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// whole drops what is finer than 1.
func whole(d sensors.Decimal) (int64, error) {
	v := new(big.Int).Quo(big.NewInt(d.Mantissa), ten(max(0, -int(d.Exponent))))
	v.Mul(v, ten(max(0, int(d.Exponent))))
	if !v.IsInt64() {
		return 0, sensors.ErrNotDecimal
	}
	return v.Int64(), nil
}
