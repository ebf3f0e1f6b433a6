package sht3x

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

// Commands (sections 4.3 to 4.11).
const (
	cmdMeasure = 0x2400 // single shot, high repeatability, no clock stretching
	cmdBreak   = 0x3093
	cmdReset   = 0x30A2
	cmdStatus  = 0xF32D

	heaterOn = 1 << 13 // of the status register
	restart  = 1 << 4
)

// How long the chip takes at the most, with a little to spare (table 4).
const (
	measureTime = 17 * time.Millisecond
	breakTime   = 2 * time.Millisecond
	resetTime   = 3 * time.Millisecond
)

// ErrWrongChip says that the chip does not behave as an SHT3x.
var ErrWrongChip = errors.New("not an SHT3x")

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "sht3x", Title: "Sensirion SHT30, SHT31 or SHT35 air temperature and humidity",
		Bus: sensors.I2C, Addresses: []uint64{0x44, 0x45}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	const source = "Sensirion SHT3x-DIS version 5, May 2018, "
	return []sensors.Output{
		chip.Output(sensors.AirTemperature, -40, 125, -2, "typically ±0.2 °C between 0 and 65 °C (SHT35: ±0.1 °C between 20 and 60 °C)", source+"table 2"),
		chip.Output(sensors.RelativeHumidity, 0, 100, -2, "typically ±2 % between 10 and 90 % at 25 °C (SHT30: ±3 %, SHT35: ±1.5 %)", source+"table 1"),
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

// prepare brings the chip to what it is after power-on, whatever it did before.
func (p *probe) prepare(ctx context.Context) error {
	if err := p.Write(ctx, sensirion.Command(cmdBreak)...); err != nil {
		return err
	}
	if err := p.Wait(ctx, breakTime); err != nil {
		return err
	}
	if err := p.Write(ctx, sensirion.Command(cmdReset)...); err != nil {
		return err
	}
	if err := p.Wait(ctx, resetTime); err != nil {
		return err
	}
	status, err := sensirion.Read(ctx, p.Chip, sensirion.Command(cmdStatus), 0, 1)
	if err != nil {
		return err
	}
	if status[0]&(restart|heaterOn) != restart {
		return p.Error(fmt.Errorf("status %#04x after a reset: %w", status[0], ErrWrongChip), "another chip has this address: check the address and the wiring")
	}
	return nil
}

// Sense implements [sensors.Driver]: one shot.
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

// samples converts the two words of a measurement (section 4.13).
func samples(raw []uint16, taken clock.Instant) ([]sensors.Sample, error) {
	return chip.Samples(outputs(), taken, sensirion.Steps(raw[0], 17500, -4500), sensirion.Steps(raw[1], 10000, 0))
}
