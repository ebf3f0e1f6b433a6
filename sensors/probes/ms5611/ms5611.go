package ms5611

import (
	"context"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/ms58"
)

const (
	oversampling = 4096
	convertTime  = 10 * time.Millisecond // at most 9.04 ms
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "ms5611", Title: "TE MS5611 air pressure and temperature",
		Bus: sensors.I2C, Addresses: []uint64{0x77, 0x76}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	const source = "TE MS5611-01BA03, performance specifications"
	return []sensors.Output{
		// The chip goes down to 1000 Pa; below 30 000 Pa there is no ground to stand on.
		chip.Output(sensors.AirPressure, 30000, 120000, 0, "±150 Pa at 25 °C, ±250 Pa between −20 and 85 °C", source),
		chip.Output(sensors.AirTemperature, -40, 85, -2, "±0.8 °C at 25 °C, ±2.0 °C between −20 and 85 °C", source),
	}
}

// formulas are those of figures 2 and 3.
func formulas() ms58.Variant {
	return ms58.Variant{Offset: 16, OffsetTemp: 7, Sens: 15, SensTemp: 8, Pressure: 15, Second: second}
}

// second is what figure 3 takes off, below 20 °C and below −15 °C.
func second(dT, t int64) (t2, off, sens int64) {
	if t >= 2000 {
		return 0, 0, 0
	}
	cold := (t - 2000) * (t - 2000)
	off, sens = 5*cold/2, 5*cold/4
	if t < -1500 {
		veryCold := (t + 1500) * (t + 1500)
		off += 7 * veryCold
		sens += 11 * veryCold / 2
	}
	return dT * dT >> 31, off, sens
}

type probe struct{ *ms58.Chip }

func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := ms58.Open(ctx, Model(), w, ms58.Eight, oversampling, convertTime)
	if err != nil {
		return nil, err
	}
	return probe{c}, nil
}

// Sense implements [sensors.Driver]: one conversion of each.
func (p probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	d1, d2, taken, err := p.Measure(ctx)
	if err != nil {
		return nil, err
	}
	celsius, pascal := formulas().Compensate(p.PROM, d1, d2)
	samples, err := chip.Samples(outputs(), taken, pascal, celsius)
	if err != nil {
		return nil, p.Error(err, "check its power supply and wiring")
	}
	return samples, nil
}
