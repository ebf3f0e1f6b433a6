package sdi12

import (
	"context"
	"errors"
	"fmt"

	"loam/sensors"
)

// Value is one value of a measurement: which quantity it is, and how it becomes the quantity's unit.
type Value struct {
	Quantity sensors.Quantity // empty: the value is not wanted
	Shift    int8             // the value is × 10^Shift in the quantity's unit
	Min, Max sensors.Decimal  // what it can be; anything else is no measurement
}

// Layout is what a probe's measurement means: its values, in the order they come.
type Layout struct {
	Command Command
	Values  []Value
	// None says whether a value, as it was sent, is the maker's word for no measurement. It may be nil.
	None func(sensors.Decimal) bool
	// Derive adds what follows from the samples. It may be nil.
	Derive func([]sensors.Sample) []sensors.Sample
}

// ErrNone says that a value is no measurement.
var ErrNone = errors.New("no measurement")

// read turns the values of a measurement into samples, and says why any was left out.
func (l Layout) read(values []sensors.Decimal) (samples []sensors.Sample, left []error) {
	for i, v := range l.Values {
		if v.Quantity == "" {
			continue
		}
		d := values[i]
		if l.None != nil && l.None(d) {
			left = append(left, fmt.Errorf("%s: %w: the probe sends the code %s", v.Quantity, ErrNone, d))
			continue
		}
		in, err := sensors.NewDecimal(d.Mantissa, int(d.Exponent)+int(v.Shift))
		if err != nil || in.Cmp(v.Min) < 0 || in.Cmp(v.Max) > 0 {
			left = append(left, fmt.Errorf("%s: %w: %s, outside %s to %s", v.Quantity, ErrNone, d, v.Min, v.Max))
			continue
		}
		samples = append(samples, sensors.Sample{Quantity: v.Quantity, Value: in})
	}
	if l.Derive != nil {
		samples = append(samples, l.Derive(samples)...)
	}
	return samples, left
}

// driver is a probe with a layout.
type driver struct {
	*Client
	layout Layout
}

// OpenProbe opens a probe whose values mean what the layout says. It is not asked yet: one that is not there comes by
// itself.
func OpenProbe(ctx context.Context, m sensors.Model, w sensors.Wiring, l Layout) (sensors.Driver, error) {
	c, err := Open(ctx, m, w)
	if err != nil {
		return nil, err
	}
	return &driver{Client: c, layout: l}, nil
}

// Sense implements [sensors.Driver]: one measurement.
func (d *driver) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := d.Now()
	values, err := d.Measure(ctx, d.layout.Command)
	if err != nil {
		return nil, err
	}
	if len(values) != len(d.layout.Values) {
		return nil, d.stranger(ctx, len(values))
	}
	samples, left := d.layout.read(values)
	if len(samples) == 0 {
		return nil, d.Error(errors.Join(left...), "is it this model, and is it in what it measures?")
	}
	for i := range samples {
		samples[i].At = taken
	}
	return samples, nil
}

// stranger is the error of a probe that measures something else. It is asked what it is.
func (d *driver) stranger(ctx context.Context, n int) error {
	err := fmt.Errorf("%w: %d values, not %d", ErrReply, n, len(d.layout.Values))
	if id, failed := d.Identify(ctx); failed == nil {
		return d.Error(err, fmt.Sprintf("the probe says it is a %q: set driver or values to it", id))
	}
	return d.Error(err, "is it this model?")
}
