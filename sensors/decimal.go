package sensors

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Decimal is Mantissa × 10^Exponent: a value with exactly the digits its maker meant. 20.50 and 20.5 are equal in value
// and different in meaning, so neither is turned into the other.
type Decimal struct {
	Mantissa int64
	Exponent int8
}

// Micro is a value in millionths of its unit: what valuation computes with, so that every machine gets the same answer.
type Micro int64

// MicroPerUnit is how many [Micro] make one unit.
const MicroPerUnit = 1_000_000

// exponents a probe can mean; anything outside is damage or an attack on big-number arithmetic.
const (
	minExponent = -12
	maxExponent = 12
)

// ErrNotDecimal is wrapped by every refusal to make a [Decimal].
var ErrNotDecimal = errors.New("not a usable decimal")

// NewDecimal returns mantissa × 10^exponent, or an error when the exponent is not one a measurement can have
// (−12 to 12).
func NewDecimal(mantissa int64, exponent int) (Decimal, error) {
	if exponent < minExponent || exponent > maxExponent {
		return Decimal{}, fmt.Errorf("sensors: exponent %d outside %d..%d: %w", exponent, minExponent, maxExponent, ErrNotDecimal)
	}
	return Decimal{Mantissa: mantissa, Exponent: int8(exponent)}, nil
}

// ParseDecimal reads a plain decimal number such as "-12.50"; the digits after the point are kept.
func ParseDecimal(s string) (Decimal, error) {
	digits, exponent := s, 0
	if whole, fraction, ok := strings.Cut(s, "."); ok {
		if fraction == "" || strings.ContainsAny(fraction, "+-") {
			return Decimal{}, fmt.Errorf("sensors: %q: %w", s, ErrNotDecimal)
		}
		digits, exponent = whole+fraction, -len(fraction)
	}
	m, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return Decimal{}, fmt.Errorf("sensors: %q: %w", s, ErrNotDecimal)
	}
	return NewDecimal(m, exponent)
}

// DecimalFromFloat rounds f to the given number of places after the point, half away from zero. NaN, infinities and
// values too large are refused: they are no measurements.
func DecimalFromFloat(f float64, places int) (Decimal, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Decimal{}, fmt.Errorf("sensors: %v: %w", f, ErrNotDecimal)
	}
	m := math.Round(float64(f * math.Pow10(places)))
	if math.Abs(m) >= 1<<62 {
		return Decimal{}, fmt.Errorf("sensors: %v with %d places is too large: %w", f, places, ErrNotDecimal)
	}
	return NewDecimal(int64(m), -places)
}

// Float64 returns the nearest float64. It parses the decimal text, so the result is the same on every machine.
func (d Decimal) Float64() float64 {
	f, _ := strconv.ParseFloat(strconv.FormatInt(d.Mantissa, 10)+"e"+strconv.Itoa(int(d.Exponent)), 64)
	return f
}

// Micro returns the value in millionths, rounded half away from zero, or an error when it does not fit.
func (d Decimal) Micro() (Micro, error) {
	shift := int(d.Exponent) + 6
	m := big.NewInt(d.Mantissa)
	if shift >= 0 {
		m.Mul(m, pow10(shift))
	} else {
		divisor := pow10(-shift)
		half := new(big.Int).Rsh(divisor, 1)
		if m.Sign() < 0 {
			half.Neg(half)
		}
		m.Add(m, half).Quo(m, divisor)
	}
	if !m.IsInt64() {
		return 0, fmt.Errorf("sensors: %s does not fit millionths: %w", d, ErrNotDecimal)
	}
	return Micro(m.Int64()), nil
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// Cmp compares by value: −1 where d < other, 0 where equal, +1 where d > other.
func (d Decimal) Cmp(other Decimal) int {
	low := min(int(d.Exponent), int(other.Exponent)) // int: the difference of two int8 does not fit an int8
	a := new(big.Int).Mul(big.NewInt(d.Mantissa), pow10(int(d.Exponent)-low))
	b := new(big.Int).Mul(big.NewInt(other.Mantissa), pow10(int(other.Exponent)-low))
	return a.Cmp(b)
}

// Sub returns d less other, with as many places as the finer of the two, or an error where that does not fit.
func (d Decimal) Sub(other Decimal) (Decimal, error) {
	places := max(0, -int(d.Exponent), -int(other.Exponent))
	return roundRat(new(big.Rat).Sub(rat(d), rat(other)), places)
}

// String writes the number with all its digits: {2050, −2} is "20.50".
func (d Decimal) String() string {
	digits := strconv.FormatInt(d.Mantissa, 10)
	if d.Exponent >= 0 {
		if d.Mantissa == 0 {
			return "0"
		}
		return digits + strings.Repeat("0", int(d.Exponent))
	}
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	places := -int(d.Exponent)
	if len(digits) <= places {
		digits = strings.Repeat("0", places-len(digits)+1) + digits
	}
	return sign + digits[:len(digits)-places] + "." + digits[len(digits)-places:]
}

// String writes the value in units with as many of its six places as matter.
func (m Micro) String() string {
	s := Decimal{Mantissa: int64(m), Exponent: -6}.String()
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// MarshalText writes the number as [Decimal.String] does.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the number as [ParseDecimal] does; a TOML number thus keeps the digits it was written with.
func (d *Decimal) UnmarshalText(text []byte) error {
	v, err := ParseDecimal(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
