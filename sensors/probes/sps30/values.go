package sps30

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// What the probe can say that is no measurement.
var (
	ErrNoData = errors.New("no data: nothing new was measured")
	ErrFault  = errors.New("the probe reports a fault")
	ErrRange  = errors.New("outside what the probe can measure")
	ErrState  = errors.New("the command was refused")
)

const (
	warmUp   = 30 * time.Second // table 1, start-up time at the lowest concentrations
	period   = time.Second      // between measurements
	attempts = 3
	values   = 10 // floats of a measurement
)

// limit is the highest mass concentration of table 1, in 0.01 µg/m³.
const limit = 1000_00

func outputs() []sensors.Output {
	all := []sensors.Output{
		{Quantity: sensors.PM1, Accuracy: "±10 µg/m³ to 100 µg/m³, ±10 % above"},
		{Quantity: sensors.PM25, Accuracy: "±10 µg/m³ to 100 µg/m³, ±10 % above"},
		{Quantity: sensors.PM4, Accuracy: "±25 µg/m³ to 100 µg/m³, ±25 % above"},
		{Quantity: sensors.PM10, Accuracy: "±25 µg/m³ to 100 µg/m³, ±25 % above"},
	}
	for i := range all {
		all[i].Min, all[i].Max = sensors.Decimal{Exponent: -2}, sensors.Decimal{Mantissa: limit, Exponent: -2}
		all[i].Source = "Sensirion SPS30 data sheet 1.0 table 1"
	}
	return all
}

// samples turns the first four floats of a measurement into samples.
func samples(v [values]float32, taken clock.Instant) ([]sensors.Sample, error) {
	var all []sensors.Sample
	for i, o := range outputs() {
		// A float32 times 100 is exact in a float64, so that there is one rounding.
		d, err := sensors.DecimalFromFloat(float64(v[i]), 2)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Quantity, err)
		}
		if d.Cmp(o.Min) < 0 || d.Cmp(o.Max) > 0 {
			return nil, fmt.Errorf("%s %s µg/m³: %w", o.Quantity, d, ErrRange)
		}
		all = append(all, sensors.Sample{Quantity: o.Quantity, Value: d, At: taken})
	}
	return all, nil
}

// floats reads big-endian words, two for each float.
func floats(words [2 * values]uint16) (v [values]float32) {
	for i := range v {
		v[i] = math.Float32frombits(uint32(words[2*i])<<16 | uint32(words[2*i+1]))
	}
	return v
}

// Bits of the device status register (section 4.4).
const (
	statusSpeed = 1 << 21
	statusLaser = 1 << 5
	statusFan   = 1 << 4
)

// faults says what the status register reports, if anything.
func faults(status uint32) error {
	var all []string
	for _, f := range []struct {
		bit  uint32
		says string
	}{
		{statusFan, "the fan does not turn"}, {statusLaser, "the laser's current is wrong"}, {statusSpeed, "the fan turns at the wrong speed"},
	} {
		if status&f.bit != 0 {
			all = append(all, f.says)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrFault, strings.Join(all, ", "))
}

const hintFault = "is its inlet free, its fan not blocked, and the temperature between -10 and 60 °C?"
