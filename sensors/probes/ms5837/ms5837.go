package ms5837

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/ms58"
)

// convertTime is the longest a conversion takes at the oversampling used: 18.08 ms in both data sheets.
const (
	oversampling = 8192
	convertTime  = 20 * time.Millisecond
)

// ErrWrongChip says that the other model is there.
var ErrWrongChip = errors.New("another chip than configured")

// kind is one of the two models.
type kind struct {
	name     string
	depth    string
	outputs  []sensors.Output
	formulas ms58.Variant
	others   map[uint16]string // product codes that the other model has
}

// Models returns the catalog entries.
func Models() []sensors.Model { return []sensors.Model{deep().model(), shallow().model()} }

// temperature has the same range in both.
func temperature(accuracy, source string) sensors.Output {
	return chip.Output(sensors.WaterTemperature, -20, 85, -2, accuracy, source)
}

// deep is the 30BA. Its pressure has steps of 0.1 mbar.
func deep() kind {
	const sheet = "TE MS5837-30BA rev. C2, performance specifications"
	return kind{
		name: "ms5837-30ba", depth: "300 m",
		outputs: []sensors.Output{
			{
				Quantity: sensors.WaterPressure, Min: sensors.Decimal{Mantissa: 0, Exponent: 1}, Max: sensors.Decimal{Mantissa: 300000, Exponent: 1},
				Accuracy: "±50 hPa from 0 to 6 bar, ±100 hPa to 20 bar, ±200 hPa to 30 bar, between 0 and 40 °C", Source: sheet,
			},
			temperature("±1.5 °C between 0 and 40 °C", sheet),
		},
		formulas: ms58.Variant{Offset: 16, OffsetTemp: 7, Sens: 15, SensTemp: 8, Pressure: 13, Second: deepSecond},
		others:   map[uint16]string{0x15: "MS5837-02BA"},
	}
}

// shallow is the 02BA. Its pressure has steps of 0.01 mbar.
func shallow() kind {
	const sheet = "TE MS5837-02BA 09/2017, performance specifications"
	return kind{
		name: "ms5837-02ba", depth: "10 m",
		outputs: []sensors.Output{
			chip.Output(sensors.WaterPressure, 1000, 200000, 0, "±4 hPa from 300 to 1200 hPa; beyond, to 2000 hPa, linear without a figure", sheet),
			temperature("±2 °C between −20 and 85 °C", sheet),
		},
		formulas: ms58.Variant{Offset: 17, OffsetTemp: 6, Sens: 16, SensTemp: 7, Pressure: 15, Second: shallowSecond},
		others:   map[uint16]string{0x1A: "MS5837-30BA"},
	}
}

// deepSecond is what the second order of the 30BA takes off, below and above 20 °C and below −15 °C.
func deepSecond(dT, t int64) (t2, off, sens int64) {
	d := (t - 2000) * (t - 2000)
	if t >= 2000 {
		return 2 * dT * dT >> 37, d >> 4, 0
	}
	t2, off, sens = 3*dT*dT>>33, 3*d>>1, 5*d>>3
	if t < -1500 {
		e := (t + 1500) * (t + 1500)
		off, sens = off+7*e, sens+4*e
	}
	return t2, off, sens
}

// shallowSecond is what the second order of the 02BA takes off below 20 °C.
func shallowSecond(dT, t int64) (t2, off, sens int64) {
	if t >= 2000 {
		return 0, 0, 0
	}
	d := (t - 2000) * (t - 2000)
	return 11 * dT * dT >> 35, 31 * d >> 3, 63 * d >> 5
}

func (k kind) model() sensors.Model {
	m := sensors.Model{
		Name: k.name, Title: "TE " + strings.ToUpper(k.name) + " pressure and temperature of water, to " + k.depth,
		Bus: sensors.I2C, Addresses: []uint64{0x76}, Outputs: k.outputs, Calibration: sensors.CalibrationFactory,
	}
	bare := m
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) { return k.open(ctx, bare, w) }
	return m
}

// probe is an open MS5837. The chip sleeps by itself after each conversion.
type probe struct {
	*ms58.Chip
	kind kind
}

func (k kind) open(ctx context.Context, m sensors.Model, w sensors.Wiring) (sensors.Driver, error) {
	c, err := ms58.Open(ctx, m, w, ms58.Seven, oversampling, convertTime)
	if err != nil {
		return nil, err
	}
	if other, wrong := k.others[c.PROM[0]>>5&0x7F]; wrong {
		err := c.Error(fmt.Errorf("%w: its product code is that of an %s", ErrWrongChip, other), "change driver in the configuration")
		return nil, errors.Join(err, c.Close())
	}
	return &probe{Chip: c, kind: k}, nil
}

// Sense implements [sensors.Driver]: one conversion of each.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	d1, d2, taken, err := p.Measure(ctx)
	if err != nil {
		return nil, err
	}
	celsius, pressure := p.kind.formulas.Compensate(p.PROM, d1, d2)
	samples, err := chip.Samples(p.kind.outputs, taken, pressure, celsius)
	if err != nil {
		return nil, p.Error(err, "check its wiring, and whether it is this model")
	}
	return samples, nil
}
