package soilcap

import (
	"context"
	"errors"

	"loam/sensors"
	"loam/sensors/adc"
)

// What can come out that is not a probe in soil.
var (
	ErrSaturated = errors.New("the voltage is higher than the probe can give")
	ErrFloating  = errors.New("the voltage is lower than the probe can give")
)

// Limits of what a probe in air, soil or water can give, in 0.1 mV.
const (
	lowest  = 8000
	highest = 31000
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "soilcap", Title: "Capacitive soil moisture probe (SEN0193, v1.2) on an ADS1115",
		Bus: sensors.I2C, Addresses: adc.Addresses(),
		Outputs: []sensors.Output{{
			Quantity: sensors.ProbeVoltage,
			Min:      sensors.Decimal{Mantissa: lowest, Exponent: -4},
			Max:      sensors.Decimal{Mantissa: highest, Exponent: -4},
			Accuracy: "converter: 0.01 % typical, 0.15 % at most; what it means in water is for the calibration",
			Source:   "TI SBAS444, gain error; DFRobot SEN0193, output",
		}},
		Calibration: sensors.CalibrationTwoPoint,
		Open:        open,
	}
}

// probe is a probe on an open input.
type probe struct{ *adc.Input }

func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	in, err := adc.Open(ctx, Model(), w, adc.Volts4)
	if err != nil {
		return nil, err
	}
	return probe{in}, nil
}

// Sense implements [sensors.Driver]: one conversion.
func (p probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	v, taken, err := p.Volts(ctx)
	switch {
	case err != nil:
		return nil, err
	case v.Mantissa > highest:
		return nil, p.Refuse(v, ErrSaturated, "is its output wired to the supply, or is another kind of probe connected?")
	case v.Mantissa < lowest:
		return nil, p.Refuse(v, ErrFloating, "is the probe unplugged, without power, or on another input?")
	}
	return []sensors.Sample{{Quantity: sensors.ProbeVoltage, Value: v, At: taken}}, nil
}
