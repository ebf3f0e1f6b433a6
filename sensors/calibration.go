package sensors

import (
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Calibration turns what a probe said into a reading. It is a straight line through two reference points, or nothing at
// all; further shapes come as further fields, and a calibration once used is never edited, only replaced by one with
// another id.
type Calibration struct {
	Certificate
	To     Quantity // what comes out; empty: what went in
	Points []Point  // none: the value passes unchanged; two: the line through them
	Places int      // digits after the point of the result
}

// Point says that the probe said Raw where the reference was True.
type Point struct{ Raw, True Decimal }

// ErrCalibration is wrapped by everything that is wrong with a calibration.
var ErrCalibration = errors.New("calibration")

// Validate says what is wrong with the calibration, if anything.
func (c Calibration) Validate() error {
	switch {
	case len(c.Points) != 0 && len(c.Points) != 2:
		return fmt.Errorf("sensors: %w %q: give no points or two, not %d", ErrCalibration, c.ID, len(c.Points))
	case len(c.Points) == 2 && c.Points[0].Raw.Cmp(c.Points[1].Raw) == 0:
		return fmt.Errorf("sensors: %w %q: both points have the raw value %s: measure two different ones", ErrCalibration, c.ID, c.Points[0].Raw)
	case len(c.Points) == 2 && c.Points[0].True.Cmp(c.Points[1].True) == 0:
		return fmt.Errorf("sensors: %w %q: both points have the true value %s, so every reading would be that: measure two different references", ErrCalibration, c.ID, c.Points[0].True)
	case len(c.Points) == 2 && (c.ID == "" || c.Date.IsZero()):
		return fmt.Errorf("sensors: %w: points need an id and the date they were measured", ErrCalibration)
	case len(c.Points) == 0 && c.To != "":
		return fmt.Errorf("sensors: %w %q: turning one quantity into %s needs two points", ErrCalibration, c.ID, c.To)
	case !c.Due.IsZero() && c.Due.Before(c.Date):
		return fmt.Errorf("sensors: %w %q: due %s before it was made %s", ErrCalibration, c.ID, c.Due.Format(time.DateOnly), c.Date.Format(time.DateOnly))
	case c.Places < 0 || c.Places > -minExponent:
		return fmt.Errorf("sensors: %w %q: %d places: use 0 to %d", ErrCalibration, c.ID, c.Places, -minExponent)
	}
	if c.To != "" {
		if _, err := c.To.Kind(); err != nil {
			return fmt.Errorf("sensors: %w %q: %w", ErrCalibration, c.ID, err)
		}
	}
	return nil
}

// Apply makes the reading of a sample on its channel. The line is computed in exact fractions and rounded once, half
// away from zero, so every machine gets the same digits.
func (c Calibration) Apply(ch Channel, s Sample) (Reading, error) {
	if err := c.Validate(); err != nil {
		return Reading{}, err
	}
	r := Reading{
		Channel: ch, Quantity: s.Quantity, Value: s.Value, RawQuantity: s.Quantity, Raw: s.Value,
		At: s.At, Calibration: c.Certificate,
	}
	if len(c.Points) == 0 {
		return r, nil
	}
	if c.To != "" {
		r.Quantity = c.To
	}
	a, b := c.Points[0], c.Points[1]
	slope := new(big.Rat).Quo(new(big.Rat).Sub(rat(b.True), rat(a.True)), new(big.Rat).Sub(rat(b.Raw), rat(a.Raw)))
	y := new(big.Rat).Sub(rat(s.Value), rat(a.Raw))
	y.Mul(y, slope).Add(y, rat(a.True))
	v, err := roundRat(y, c.Places)
	if err != nil {
		return Reading{}, fmt.Errorf("sensors: %w %q of channel %s: %w", ErrCalibration, c.ID, ch, err)
	}
	r.Value = v
	return r, nil
}

func rat(d Decimal) *big.Rat {
	if d.Exponent >= 0 {
		return new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(d.Mantissa), pow10(int(d.Exponent))))
	}
	return new(big.Rat).SetFrac(big.NewInt(d.Mantissa), pow10(-int(d.Exponent)))
}

// roundRat rounds y to places digits after the point, half away from zero.
func roundRat(y *big.Rat, places int) (Decimal, error) {
	num := new(big.Int).Mul(y.Num(), pow10(places))
	half := new(big.Int).Rsh(y.Denom(), 1)
	if num.Sign() < 0 {
		half.Neg(half)
	}
	num.Add(num, half).Quo(num, y.Denom())
	if !num.IsInt64() {
		return Decimal{}, fmt.Errorf("result %s: %w", y.FloatString(places), ErrNotDecimal)
	}
	return NewDecimal(num.Int64(), -places)
}
