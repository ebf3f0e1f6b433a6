package sht2x

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/sensirion"
)

// Commands (table 6) and the user register's heater bit (table 8).
const (
	cmdTemperature  = 0xF3 // no hold master
	cmdHumidity     = 0xF5
	cmdUserRegister = 0xE7
	cmdReset        = 0xFE

	heaterOn = 1 << 2
)

// How long the chip takes at the most, with a little to spare (table 7 and section 5.5).
const (
	temperatureTime = 90 * time.Millisecond
	humidityTime    = 32 * time.Millisecond
	resetTime       = 16 * time.Millisecond
)

// The lower two bits of an answer: what was measured.
const (
	statusMask        = 3
	statusTemperature = 0
	statusHumidity    = 2
)

// What a chip can answer that is no measurement.
var (
	ErrHeated      = errors.New("the chip's heater is on")
	ErrWrongAnswer = errors.New("not what was asked for")
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "sht2x", Title: "Sensirion SHT20, SHT21 or SHT25, HTU21D or Si7021 air temperature and humidity",
		Bus: sensors.I2C, Addresses: []uint64{0x40}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	const source = "Sensirion SHT21 version 4, May 2014, "
	return []sensors.Output{
		chip.Output(sensors.AirTemperature, -40, 125, -2, "±0.3 °C", source+"table 2"),
		chip.Output(sensors.RelativeHumidity, 0, 100, -2, "±2 %", source+"table 1"),
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

func (p *probe) prepare(ctx context.Context) error {
	if err := p.Write(ctx, cmdReset); err != nil {
		return err
	}
	if err := p.Wait(ctx, resetTime); err != nil {
		return err
	}
	var user [1]byte
	if err := p.Read(ctx, cmdUserRegister, user[:]); err != nil {
		return err
	}
	if user[0]&heaterOn != 0 {
		return p.Error(fmt.Errorf("user register %#02x: %w", user[0], ErrHeated), "another program used it: cut its power for a moment")
	}
	return nil
}

// Sense implements [sensors.Driver]: temperature, then humidity.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	t, err := p.measure(ctx, cmdTemperature, temperatureTime, statusTemperature)
	if err != nil {
		return nil, err
	}
	h, err := p.measure(ctx, cmdHumidity, humidityTime, statusHumidity)
	if err != nil {
		return nil, err
	}
	samples, err := chip.Samples(outputs(), taken, celsius(t), percent(h))
	if err != nil {
		return nil, p.Error(err, "check its power supply and wiring")
	}
	return samples, nil
}

// celsius and percent are hundredths (section 6).
func celsius(raw uint16) int64 { return chip.Linear(int64(raw), 1<<16, 17572, -4685) }
func percent(raw uint16) int64 {
	return min(max(chip.Linear(int64(raw), 1<<16, 12500, -600), 0), 10000)
}

// measure asks for one of the two and returns its raw value.
func (p *probe) measure(ctx context.Context, command byte, wait time.Duration, status uint16) (uint16, error) {
	if err := p.Write(ctx, command); err != nil {
		return 0, err
	}
	if err := p.Wait(ctx, wait); err != nil {
		return 0, err
	}
	var frame [3]byte
	if err := p.Tx(ctx, nil, frame[:]); err != nil {
		return 0, err
	}
	raw, err := parse(frame, status)
	if err != nil {
		return 0, p.Error(err, "is the cable too long, or near a motor or pump?")
	}
	return raw, nil
}

// parse checks an answer and returns its raw value, without the bits that say what it is.
func parse(frame [3]byte, status uint16) (uint16, error) {
	if crc := sensirion.CRC8(sensirion.InitialSHT2x, frame[:2]...); crc != frame[2] {
		return 0, fmt.Errorf("% x, the checksum should be %02x: %w", frame, crc, sensirion.ErrCRC)
	}
	raw := binary.BigEndian.Uint16(frame[:])
	if raw&statusMask != status {
		return 0, fmt.Errorf("status bits %02b: %w", raw&statusMask, ErrWrongAnswer)
	}
	return raw &^ statusMask, nil
}
