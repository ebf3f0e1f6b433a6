package scd30

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
	"loam/sensors/sensirion"
)

// Commands (section 1.4).
const (
	cmdStart    = 0x0010 // argument: pressure in mbar, or 0 to go by the altitude
	cmdInterval = 0x4600
	cmdReady    = 0x0202
	cmdRead     = 0x0300
	cmdAltitude = 0x5102
	cmdFirmware = 0xD100
)

const (
	interval = 2                     // s between measurements, the shortest
	turnTime = 5 * time.Millisecond  // between being asked and answering; at least 3
	toldTime = 10 * time.Millisecond // after being told something
	patience = 3 * interval * time.Second
	askAgain = 200 * time.Millisecond
)

// What the module can answer that is no measurement.
var (
	ErrNotMeasuring = errors.New("no measurement came")
	ErrNoCO2        = errors.New("the module did not measure carbon dioxide")
)

const settingAltitude = "altitude"

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "scd30", Title: "Sensirion SCD30 carbon dioxide, air temperature and humidity",
		Bus: sensors.I2C, Addresses: []uint64{0x61}, Outputs: outputs(),
		Calibration: sensors.CalibrationOffset,
		Settings: []sensors.Setting{
			sensors.NumberSetting(settingAltitude, "height above sea level in m", "0", sensors.Decimal{}, sensors.Decimal{Mantissa: 6000}),
		},
		Open: open,
	}
}

func outputs() []sensors.Output {
	const source = "Sensirion SCD30 data sheet 0.94, June 2019, "
	return []sensors.Output{
		chip.Output(sensors.CarbonDioxide, 1, 40000, 0, "±(30 ppm + 3 %) from 400 to 10000 ppm at 25 °C", source+"table 1"),
		chip.Output(sensors.AirTemperature, -40, 70, -2, "±(0.4 °C + 0.023 × (T − 25 °C)) between 0 and 50 °C", source+"table 3"),
		chip.Output(sensors.RelativeHumidity, 0, 100, -2, "±3 % at 25 °C", source+"table 2"),
	}
}

type probe struct{ *chip.Chip }

func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	m := Model()
	c, err := chip.Open(m, w)
	if err != nil {
		return nil, err
	}
	p := &probe{c}
	w, _, _ = m.Locate(w) // the settings, complete; chip.Open has checked them
	if err := p.prepare(ctx, uint16(w.Number(settingAltitude).Float64())); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *probe) prepare(ctx context.Context, altitude uint16) error {
	if _, err := p.ask(ctx, cmdFirmware, 1); err != nil {
		return err
	}
	if err := p.set(ctx, cmdInterval, interval); err != nil {
		return err
	}
	if err := p.set(ctx, cmdAltitude, altitude); err != nil {
		return err
	}
	return p.tell(ctx, cmdStart, 0)
}

// set tells the module a value that it keeps for ever, where it has another one.
func (p *probe) set(ctx context.Context, code, value uint16) error {
	now, err := p.ask(ctx, code, 1)
	if err != nil || now[0] == value {
		return err
	}
	return p.tell(ctx, code, value)
}

func (p *probe) tell(ctx context.Context, code, value uint16) error {
	if err := p.Write(ctx, sensirion.Command(code, value)...); err != nil {
		return err
	}
	return p.Wait(ctx, toldTime)
}

func (p *probe) ask(ctx context.Context, code uint16, count int) ([]uint16, error) {
	return sensirion.Read(ctx, p.Chip, sensirion.Command(code), turnTime, count)
}

// Sense implements [sensors.Driver]: it waits for the next measurement, unless one is ready.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	for waited := time.Duration(0); ; waited += askAgain {
		ready, err := p.ask(ctx, cmdReady, 1)
		if err != nil {
			return nil, err
		}
		if ready[0] == 1 {
			break
		}
		if waited >= patience {
			return nil, p.Error(fmt.Errorf("%w in %s", ErrNotMeasuring, patience), "it is told to measure again when it is next asked")
		}
		if err := p.Wait(ctx, askAgain); err != nil {
			return nil, err
		}
	}
	taken := p.Now()
	words, err := p.ask(ctx, cmdRead, 6)
	if err != nil {
		return nil, err
	}
	s, err := samples(words, taken)
	if err != nil {
		return nil, p.Error(err, "check its power supply: it needs 75 mA for moments")
	}
	return s, nil
}

// samples converts the six words of a measurement: three numbers (section 1.4.5).
func samples(words []uint16, taken clock.Instant) ([]sensors.Sample, error) {
	steps := make([]int64, 3)
	for i, o := range outputs() {
		f := float64(sensirion.Float(words[2*i], words[2*i+1]))
		d, err := sensors.DecimalFromFloat(f, -int(o.Min.Exponent))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Quantity, err)
		}
		steps[i] = d.Mantissa
	}
	if steps[0] == 0 {
		return nil, ErrNoCO2
	}
	return chip.Samples(outputs(), taken, steps...)
}
