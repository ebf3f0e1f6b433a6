// Package stability says when a probe has settled in a reference, so that a calibration is not made of the way there.
package stability

import (
	"errors"
	"fmt"
	"math/big"

	"loam/sensors"
)

// Window is how many samples in a row have to agree.
const Window = 12

// ErrMixed says that samples of different quantities or digits were put together.
var ErrMixed = errors.New("stability: samples are not alike")

// Detector looks at a probe's samples one by one. The zero value is ready to use.
//
// A probe is stable when the second half of the window differs from the first by no more than one step of the last
// digit, or by no more than two of its usual jumps from one sample to the next: a probe that still moves in one direction
// differs by six of them, one that only trembles by less than one.
type Detector struct {
	last []sensors.Sample
}

// Verdict is what the window shows.
type Verdict struct {
	Stable  bool
	Samples int             // in the window
	Mean    sensors.Decimal // of the window, with one digit more than the samples
	Spread  sensors.Decimal // largest less smallest
	Drift   sensors.Decimal // mean of the second half less mean of the first, with one digit more
}

// Add takes the next sample.
func (d *Detector) Add(s sensors.Sample) (Verdict, error) {
	if n := len(d.last); n > 0 && (d.last[n-1].Quantity != s.Quantity || d.last[n-1].Value.Exponent != s.Value.Exponent) {
		return Verdict{}, fmt.Errorf("%w: %s %s after %s %s", ErrMixed, s.Quantity, s.Value, d.last[n-1].Quantity, d.last[n-1].Value)
	}
	if d.last = append(d.last, s); len(d.last) > Window {
		d.last = d.last[1:]
	}
	return d.verdict()
}

func (d *Detector) verdict() (Verdict, error) {
	half := len(d.last) / 2
	first, second := new(big.Int), new(big.Int)
	jumps := new(big.Int)
	low, high := d.last[0].Value, d.last[0].Value
	for i, s := range d.last {
		m := big.NewInt(s.Value.Mantissa)
		if i < half {
			first.Add(first, m)
		} else {
			second.Add(second, m)
		}
		if i > 0 {
			step := new(big.Int).Sub(m, big.NewInt(d.last[i-1].Value.Mantissa))
			jumps.Add(jumps, step.Abs(step))
		}
		if s.Value.Cmp(low) < 0 {
			low = s.Value
		}
		if s.Value.Cmp(high) > 0 {
			high = s.Value
		}
	}
	n := int64(len(d.last))
	exponent := d.last[0].Value.Exponent
	v := Verdict{Samples: len(d.last), Spread: sensors.Decimal{Mantissa: high.Mantissa - low.Mantissa, Exponent: exponent}}
	var err error
	if v.Mean, err = decimal(new(big.Rat).SetFrac(new(big.Int).Add(first, second), big.NewInt(n)), exponent); err != nil {
		return Verdict{}, err
	}
	if half == 0 {
		return v, nil
	}
	drift := new(big.Rat).SetFrac(second, big.NewInt(n-int64(half)))
	drift.Sub(drift, new(big.Rat).SetFrac(first, big.NewInt(int64(half))))
	if v.Drift, err = decimal(drift, exponent); err != nil {
		return Verdict{}, err
	}
	allowed := new(big.Rat).SetFrac(new(big.Int).Lsh(jumps, 1), big.NewInt(n-1))
	if one := big.NewRat(1, 1); allowed.Cmp(one) < 0 {
		allowed = one
	}
	v.Stable = len(d.last) == Window && drift.Abs(drift).Cmp(allowed) <= 0
	return v, nil
}

// decimal says steps of 10^exponent with one digit more, rounded half away from zero.
func decimal(steps *big.Rat, exponent int8) (sensors.Decimal, error) {
	num := new(big.Int).Mul(steps.Num(), big.NewInt(20))
	den := new(big.Int).Lsh(steps.Denom(), 1)
	half := new(big.Int).Set(steps.Denom())
	if num.Sign() < 0 {
		half.Neg(half)
	}
	num.Add(num, half).Quo(num, den)
	if !num.IsInt64() {
		return sensors.Decimal{}, fmt.Errorf("stability: %s steps: %w", steps.FloatString(1), sensors.ErrNotDecimal)
	}
	return sensors.NewDecimal(num.Int64(), int(exponent)-1)
}
