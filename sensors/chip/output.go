package chip

import (
	"errors"
	"fmt"

	"loam/sensors"
	"loam/sensors/clock"
)

// ErrImplausible is wrapped where a chip says what it cannot measure.
var ErrImplausible = errors.New("outside what the chip can measure")

// Output returns an output whose range is low to high in whole units, and whose samples are in steps of 10^exponent.
func Output(q sensors.Quantity, low, high int64, exponent int8, accuracy, source string) sensors.Output {
	scale := int64(1)
	for range -exponent {
		scale *= 10
	}
	return sensors.Output{
		Quantity: q,
		Min:      sensors.Decimal{Mantissa: low * scale, Exponent: exponent},
		Max:      sensors.Decimal{Mantissa: high * scale, Exponent: exponent},
		Accuracy: accuracy, Source: source,
	}
}

// Samples makes a sample of each output, in order, from its value in steps of the output's exponent. It returns none,
// and an error that wraps [ErrImplausible], where one lies outside the range of its output.
func Samples(outputs []sensors.Output, taken clock.Instant, steps ...int64) ([]sensors.Sample, error) {
	samples := make([]sensors.Sample, len(outputs))
	for i, o := range outputs {
		v := sensors.Decimal{Mantissa: steps[i], Exponent: o.Min.Exponent}
		if v.Cmp(o.Min) < 0 || v.Cmp(o.Max) > 0 {
			return nil, fmt.Errorf("%s %s: %w (%s to %s)", o.Quantity, v, ErrImplausible, o.Min, o.Max)
		}
		samples[i] = sensors.Sample{Quantity: o.Quantity, Value: v, At: taken}
	}
	return samples, nil
}

// Linear returns the value of a raw count on a line, in steps: offset + span·raw/full, rounded half up, exactly. full is
// positive, and span·raw fits 62 bits.
func Linear(raw, full, span, offset int64) int64 {
	n := 2*span*raw + full
	q := n / (2 * full)
	if n%(2*full) < 0 {
		q-- // towards minus infinity, not towards zero
	}
	return offset + q
}
