package analog

import (
	"errors"
	"fmt"
	"math/big"

	"loam/sensors"
	"loam/sensors/adc"
)

// ErrVane says that no switch of the vane is closed as the voltage would have it.
var ErrVane = errors.New("no direction has this voltage")

// vaneOhms are the resistors that the sixteen directions of the vane connect to ground, clockwise from north in steps of
// 22.5° (SparkFun weather meter hookup guide, wind vane; between two magnets both resistors count).
var vaneOhms = [16]int64{33000, 6570, 8200, 891, 1000, 688, 2200, 1410, 3900, 3140, 16000, 14120, 120000, 42120, 64900, 21880}

// windVane is the vane of the same weather meters as the cup anemometer and the tipping bucket.
func windVane() sensors.Model {
	m := sensors.Model{
		Name: "wind-vane", Title: "Wind vane with sixteen resistors (SEN-15901) on an ADS1115",
		Bus: sensors.I2C, Addresses: adc.Addresses(), Calibration: sensors.CalibrationOffset,
		Outputs: []sensors.Output{{
			Quantity: sensors.WindDirection, Min: dec(0, -1), Max: dec(3375, -1),
			Accuracy: "sixteen directions, 22.5° apart; north is where the mast was turned to", Source: "SparkFun weather meter hookup guide, wind vane",
		}},
		Settings: []sensors.Setting{
			sensors.NumberSetting("supply_volt", "volts at the upper end of the resistor that the vane pulls down", "3.3", dec(18, -1), dec(55, -1)),
			sensors.NumberSetting("pull_up_ohm", "ohms of that resistor", "10000", dec(1000, 0), dec(100000, 0)),
		},
	}
	m.Open = opener(m, func(w sensors.Wiring, in *adc.Input) sense {
		ladder := vaneVolts(rat(w.Number("supply_volt")), rat(w.Number("pull_up_ohm")))
		return func(v sensors.Decimal) (sensors.Decimal, error) {
			i, ok := ladder.nearest(v.Mantissa)
			if !ok {
				return sensors.Decimal{}, in.Error(fmt.Errorf("%s V: %w", v, ErrVane), "is the vane unplugged, or are supply_volt and pull_up_ohm not what is built in?")
			}
			return dec(int64(i)*225, -1), nil
		}
	})
	return m
}

// ladder is the voltage of each direction, in 0.1 mV.
type ladder [16]int64

func vaneVolts(supply, pullUp *big.Rat) ladder {
	var l ladder
	for i, ohm := range vaneOhms {
		r := big.NewRat(ohm, 1)
		v := new(big.Rat).Quo(r, new(big.Rat).Add(r, pullUp))
		v.Mul(v, supply).Mul(v, big.NewRat(10000, 1))
		l[i] = nearest(v)
	}
	return l
}

// nearest returns the direction whose voltage is nearest. It has to be nearer than half the way to that of its neighbour,
// or, at the ends, than as far beyond: an open input or a short circuit points nowhere.
func (l ladder) nearest(v int64) (int, bool) {
	best, next := -1, -1
	far := func(i int) int64 { return max(l[i]-v, v-l[i]) }
	for i := range l {
		switch {
		case best < 0 || far(i) < far(best):
			best, next = i, best
		case next < 0 || far(i) < far(next):
			next = i
		}
	}
	gap := max(l[best]-l[next], l[next]-l[best])
	return best, 2*far(best) <= gap
}
