package analog

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"loam/sensors"
	"loam/sensors/adc"
)

// What can come out that is not the probe.
var (
	ErrTooHigh = errors.New("the voltage is higher than the probe can give")
	ErrTooLow  = errors.New("the voltage is lower than the probe can give")
)

func dec(m int64, e int8) sensors.Decimal { return sensors.Decimal{Mantissa: m, Exponent: e} }

// board is a probe that is nothing but a voltage: what that means is for its calibration to say.
type board struct {
	name, title   string
	lowest        int64 // of what it can give, in 0.1 mV; outside is a cable or a supply
	highest       int64
	calibration   sensors.CalibrationKind
	accuracy, src string
}

// boards is the table of them.
var boards = []board{
	{"leaf-wetness", "Leaf wetness grid (resistive) on an ADS1115", 0, 55000, sensors.CalibrationTwoPoint,
		"none stated: dry and dripping wet are its two points", "resistive grids give 0 V to their supply"},
	{"ph-analog", "pH electrode with an analog amplifier (SEN0161-V2 and alike) on an ADS1115", 1000, 32000, sensors.CalibrationTwoPoint,
		"±0.1 pH after calibration with pH 4.0 and 7.0", "DFRobot wiki SEN0161-V2"},
	{"sen0189", "DFRobot SEN0189 turbidity on an ADS1115", 2000, 48000, sensors.CalibrationCurve,
		"none stated: curve = \"sen0189\" is the maker's, or measure formazin", "DFRobot wiki SEN0189, output 0 to 4.5 V"},
	{"sen0244", "DFRobot SEN0244 conductivity (TDS) on an ADS1115", 0, 24000, sensors.CalibrationCurve,
		"±10 % of full scale at 25 °C: curve = \"sen0244\" is the maker's", "DFRobot wiki SEN0244, output 0 to 2.3 V"},
	{"vh400", "Vegetronix VH400 soil moisture on an ADS1115", 0, 31000, sensors.CalibrationCurve,
		"2 % at 25 °C in the maker's soil: curve = \"vh400\", or two points in yours", "Vegetronix VH400, output 0 to 3 V"},
}

// Models returns the catalog entries.
func Models() []sensors.Model {
	models := []sensors.Model{currentLoop(), windVane()}
	for _, b := range boards {
		models = append(models, b.model())
	}
	return models
}

func (b board) model() sensors.Model {
	m := sensors.Model{
		Name: b.name, Title: b.title, Bus: sensors.I2C, Addresses: adc.Addresses(), Calibration: b.calibration,
		Outputs: []sensors.Output{{Quantity: sensors.ProbeVoltage, Min: dec(b.lowest, -4), Max: dec(b.highest, -4), Accuracy: b.accuracy, Source: b.src}},
	}
	m.Open = opener(m, func(_ sensors.Wiring, in *adc.Input) sense {
		return func(v sensors.Decimal) (sensors.Decimal, error) { return v, b.limits(in, v) }
	})
	return m
}

func (b board) limits(in *adc.Input, v sensors.Decimal) error {
	switch {
	case v.Mantissa > b.highest:
		return in.Refuse(v, ErrTooHigh, "is its output wired to the supply, or is another kind of probe connected?")
	case v.Mantissa < b.lowest:
		return in.Refuse(v, ErrTooLow, "is the probe unplugged, without power, or on another input?")
	}
	return nil
}

// Limits of a current loop (NAMUR NE 43): outside of them the transmitter says that it is broken, or the wire is.
const (
	lowestCurrent  = 3600 // µA
	highestCurrent = 21000
)

// ErrLoop says that a current is no measurement.
var ErrLoop = errors.New("the loop's current is no measurement")

// currentLoop is a transmitter of 4 to 20 mA through a resistor to ground: pressure of water, level, wind, whatever it is
// calibrated to.
func currentLoop() sensors.Model {
	m := sensors.Model{
		Name: "current-loop", Title: "Transmitter of 4 to 20 mA through a resistor on an ADS1115",
		Bus: sensors.I2C, Addresses: adc.Addresses(), Calibration: sensors.CalibrationTwoPoint,
		Outputs: []sensors.Output{{
			Quantity: sensors.ProbeCurrent, Min: dec(lowestCurrent, -3), Max: dec(highestCurrent, -3),
			Accuracy: "that of the resistor; the transmitter's is on its label", Source: "NAMUR NE 43",
		}},
		Settings: []sensors.Setting{sensors.NumberSetting("shunt_ohm", "ohms of the resistor the current flows through; at most 190 for a converter at 4 V", "", dec(10, 0), dec(250, 0))},
	}
	m.Open = opener(m, func(w sensors.Wiring, in *adc.Input) sense {
		ohm := rat(w.Number("shunt_ohm"))
		return func(v sensors.Decimal) (sensors.Decimal, error) {
			// 0.1 mV over ohms is 0.1 mA; in µA that is a hundred times as much
			i := nearest(new(big.Rat).Quo(big.NewRat(v.Mantissa*100, 1), ohm))
			switch {
			case i < lowestCurrent:
				return sensors.Decimal{}, in.Error(fmt.Errorf("%s mA: %w", dec(i, -3), ErrLoop), "less than 3.6 mA is a broken wire, a missing supply, or a transmitter that reports a fault")
			case i > highestCurrent:
				return sensors.Decimal{}, in.Error(fmt.Errorf("%s mA: %w", dec(i, -3), ErrLoop), "more than 21 mA is a short circuit, a transmitter that reports a fault, or another resistor than shunt_ohm says")
			}
			return dec(i, -3), nil
		}
	})
	return m
}

func rat(d sensors.Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String()) // a decimal always writes a number
	return r
}

// nearest is the nearest whole number, halves away from zero.
func nearest(r *big.Rat) int64 {
	num, den := new(big.Int).Lsh(r.Num(), 1), new(big.Int).Lsh(r.Denom(), 1)
	if num.Sign() < 0 {
		num.Sub(num, r.Denom())
	} else {
		num.Add(num, r.Denom())
	}
	return num.Quo(num, den).Int64()
}

// sense makes a sample's value of a voltage.
type sense func(volts sensors.Decimal) (sensors.Decimal, error)

// probe is an open input and what it means.
type probe struct {
	*adc.Input
	quantity sensors.Quantity
	sense    sense
}

func opener(m sensors.Model, with func(sensors.Wiring, *adc.Input) sense) func(context.Context, sensors.Wiring) (sensors.Driver, error) {
	return func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
		w, _, err := m.Locate(w)
		if err != nil {
			return nil, err
		}
		in, err := adc.Open(ctx, m, w, adc.Volts6)
		if err != nil {
			return nil, err
		}
		return probe{in, m.Outputs[0].Quantity, with(w, in)}, nil
	}
}

// Sense implements [sensors.Driver]: one conversion.
func (p probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	v, taken, err := p.Volts(ctx)
	if err != nil {
		return nil, err
	}
	if v, err = p.sense(v); err != nil {
		return nil, err
	}
	return []sensors.Sample{{Quantity: p.quantity, Value: v, At: taken}}, nil
}
