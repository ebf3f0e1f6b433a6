package aht20

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

// Commands and status bits ("send command").
const (
	cmdStatus = 0x71

	busy       = 1 << 7
	calibrated = 1 << 3
)

func initialize() []byte { return []byte{0xBE, 0x08, 0x00} }
func measure() []byte    { return []byte{0xAC, 0x33, 0x00} }

// How long the chip takes ("sensor reading process"). One that still measures patience later is not going to finish.
const (
	measureTime    = 80 * time.Millisecond
	initializeTime = 12 * time.Millisecond
	askAgain       = 5 * time.Millisecond
	patience       = 20
)

// What the chip can answer that is no measurement.
var (
	ErrBusy         = errors.New("the measurement does not end")
	ErrUncalibrated = errors.New("the chip says that it is not calibrated")
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "aht20", Title: "Aosong AHT20, AHT21, AHT25 or DHT20 air temperature and humidity",
		Bus: sensors.I2C, Addresses: []uint64{0x38}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	const source = "Aosong AHT20 version 1.0, "
	return []sensors.Output{
		chip.Output(sensors.AirTemperature, -40, 85, -2, "±0.3 °C between 0 and 60 °C", source+"table 2"),
		chip.Output(sensors.RelativeHumidity, 0, 100, -2, "±2 % between 20 and 80 % at 25 °C", source+"table 1"),
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

// prepare has the chip load its calibration where it has not yet.
func (p *probe) prepare(ctx context.Context) error {
	status, err := p.status(ctx)
	if err != nil || status&calibrated != 0 {
		return err
	}
	if err := p.Tx(ctx, initialize(), nil); err != nil {
		return err
	}
	if err := p.Wait(ctx, initializeTime); err != nil {
		return err
	}
	if status, err = p.status(ctx); err == nil && status&calibrated == 0 {
		return p.Error(fmt.Errorf("status %#02x: %w", status, ErrUncalibrated), "cut its power for a moment; if that does not help, replace it")
	}
	return err
}

func (p *probe) status(ctx context.Context) (byte, error) {
	var status [1]byte
	err := p.Read(ctx, cmdStatus, status[:])
	return status[0], err
}

// Sense implements [sensors.Driver]: one measurement.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	if err := p.Tx(ctx, measure(), nil); err != nil {
		return nil, err
	}
	wait := measureTime
	for range patience {
		if err := p.Wait(ctx, wait); err != nil {
			return nil, err
		}
		var frame [7]byte
		if err := p.Tx(ctx, nil, frame[:]); err != nil {
			return nil, err
		}
		samples, err := parse(frame, taken)
		if err == nil {
			return samples, nil
		}
		if !errors.Is(err, ErrBusy) {
			return nil, p.Error(err, "check its power supply and wiring")
		}
		wait = askAgain
	}
	return nil, p.Error(ErrBusy, "cut its power for a moment")
}

// parse checks a frame and returns what it says: status, 20 bits of humidity, 20 bits of temperature, checksum.
func parse(frame [7]byte, taken clock.Instant) ([]sensors.Sample, error) {
	if crc := sensirion.CRC8(sensirion.Initial, frame[:6]...); crc != frame[6] {
		return nil, fmt.Errorf("% x, the checksum should be %02x: %w", frame, crc, sensirion.ErrCRC)
	}
	if frame[0]&busy != 0 {
		return nil, ErrBusy
	}
	if frame[0]&calibrated == 0 {
		return nil, fmt.Errorf("status %#02x: %w", frame[0], ErrUncalibrated)
	}
	humidity, temperature := split(frame)
	return chip.Samples(outputs(), taken, celsius(temperature, 100), percent(humidity, 100))
}

func split(frame [7]byte) (humidity, temperature int64) {
	return int64(frame[1])<<12 | int64(frame[2])<<4 | int64(frame[3])>>4, int64(frame[3]&15)<<16 | int64(frame[4])<<8 | int64(frame[5])
}

// celsius and percent convert 20 bits ("signal conversion") to so many parts of a unit.
func celsius(raw, parts int64) int64 { return chip.Linear(raw, 1<<20, 200*parts, -50*parts) }
func percent(raw, parts int64) int64 { return chip.Linear(raw, 1<<20, 100*parts, 0) }
