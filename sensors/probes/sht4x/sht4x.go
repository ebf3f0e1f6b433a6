package sht4x

import (
	"context"
	"errors"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
	"loam/sensors/sensirion"
)

// Commands (section 4.5).
const (
	cmdMeasure = 0xFD // high precision
	cmdSerial  = 0x89
	cmdReset   = 0x94
)

// How long the chip takes at the most, with a little to spare (section 3.2).
const (
	measureTime = 10 * time.Millisecond
	resetTime   = 2 * time.Millisecond
	serialTime  = 1 * time.Millisecond
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "sht4x", Title: "Sensirion SHT40, SHT41 or SHT45 air temperature and humidity",
		Bus: sensors.I2C, Addresses: []uint64{0x44, 0x45, 0x46}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	const source = "Sensirion SHT4x version 6, February 2023, "
	return []sensors.Output{
		chip.Output(sensors.AirTemperature, -40, 125, -2, "±0.2 °C between 0 and 60 °C (SHT45: ±0.1 °C)", source+"2.2"),
		chip.Output(sensors.RelativeHumidity, 0, 100, -2, "±1.8 % between 20 and 80 % at 25 °C (SHT45: ±1.0 %)", source+"2.1"),
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

// prepare resets the chip and sees that it has a serial number, with the right checksums.
func (p *probe) prepare(ctx context.Context) error {
	if err := p.Write(ctx, cmdReset); err != nil {
		return err
	}
	if err := p.Wait(ctx, resetTime); err != nil {
		return err
	}
	_, err := sensirion.Read(ctx, p.Chip, []byte{cmdSerial}, serialTime, 2)
	return err
}

// Sense implements [sensors.Driver]: one measurement.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	raw, err := sensirion.Read(ctx, p.Chip, []byte{cmdMeasure}, measureTime, 2)
	if err != nil {
		return nil, err
	}
	s, err := samples(raw, taken)
	if err != nil {
		return nil, p.Error(err, "check its power supply and wiring")
	}
	return s, nil
}

// samples converts the two words of a measurement (section 4.6).
func samples(raw []uint16, taken clock.Instant) ([]sensors.Sample, error) {
	humidity := min(max(sensirion.Steps(raw[1], 12500, -600), 0), 10000)
	return chip.Samples(outputs(), taken, sensirion.Steps(raw[0], 17500, -4500), humidity)
}
