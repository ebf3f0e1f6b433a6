package hdc302x

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

// Commands ("Command table").
const (
	cmdMeasure      = 0x2400 // on demand, low-power mode 0
	cmdExit         = 0x3093 // from automatic mode
	cmdReset        = 0x30A2
	cmdManufacturer = 0x3781

	texasInstruments = 0x3000
)

// How long the chip takes, with more than enough to spare where the data sheet has no maximum.
const (
	measureTime = 20 * time.Millisecond // typically 12.5
	exitTime    = 2 * time.Millisecond
	resetTime   = 5 * time.Millisecond
)

// ErrWrongChip says that the chip was not made by Texas Instruments.
var ErrWrongChip = errors.New("not an HDC302x")

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "hdc302x", Title: "Texas Instruments HDC3020, HDC3021 or HDC3022 air temperature and humidity",
		Bus: sensors.I2C, Addresses: []uint64{0x44, 0x45, 0x46, 0x47}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	const source = "TI SNAS778D, 6.5 Electrical Characteristics"
	return []sensors.Output{
		chip.Output(sensors.AirTemperature, -40, 125, -2, "±0.1 °C typical", source),
		chip.Output(sensors.RelativeHumidity, 0, 100, -2, "±0.5 % typical at 25 °C", source),
	}
}

type probe struct{ *chip.Chip }

func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	p := &probe{c}
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// prepare brings the chip to what it is after power-on, whatever it did before, and asks who made it.
func (p *probe) prepare(ctx context.Context) error {
	if err := p.Write(ctx, sensirion.Command(cmdExit)...); err != nil {
		return err
	}
	if err := p.Wait(ctx, exitTime); err != nil {
		return err
	}
	if err := p.Write(ctx, sensirion.Command(cmdReset)...); err != nil {
		return err
	}
	if err := p.Wait(ctx, resetTime); err != nil {
		return err
	}
	maker, err := sensirion.Read(ctx, p.Chip, sensirion.Command(cmdManufacturer), 0, 1)
	if err != nil {
		return err
	}
	if maker[0] != texasInstruments {
		return p.Error(fmt.Errorf("manufacturer id %#04x: %w", maker[0], ErrWrongChip), "another chip has this address: check the address and the wiring")
	}
	return nil
}

// Sense implements [sensors.Driver]: one measurement.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	raw, err := sensirion.Read(ctx, p.Chip, sensirion.Command(cmdMeasure), measureTime, 2)
	if err != nil {
		return nil, err
	}
	s, err := samples(raw, taken)
	if err != nil {
		return nil, p.Error(err, "check its power supply and wiring")
	}
	return s, nil
}

// samples converts the two words of a measurement ("Temperature and Relative Humidity Measurement").
func samples(raw []uint16, taken clock.Instant) ([]sensors.Sample, error) {
	return chip.Samples(outputs(), taken, sensirion.Steps(raw[0], 17500, -4500), sensirion.Steps(raw[1], 10000, 0))
}
