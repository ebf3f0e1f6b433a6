package am2320

import (
	"encoding/binary"
	"errors"
	"fmt"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
	"loam/sensors/modbus"
)

// What an answer can be that is no measurement.
var (
	ErrChecksum = errors.New("wrong checksum")
	ErrRefused  = errors.New("the sensor refuses")
)

const (
	functionRead = 0x03
	registers    = 4 // humidity and temperature, two bytes each
)

// parse checks the sensor's answer: function code, length, humidity, temperature, CRC-16 low byte first.
func parse(frame [8]byte, taken clock.Instant) ([]sensors.Sample, error) {
	if crc := modbus.CRC(frame[:6]); crc != binary.LittleEndian.Uint16(frame[6:]) {
		return nil, fmt.Errorf("% x, the checksum should be %04x: %w", frame, crc, ErrChecksum)
	}
	if frame[0] != functionRead || frame[1] != registers {
		return nil, fmt.Errorf("% x: %w", frame, ErrRefused)
	}
	return samples([4]byte(frame[2:6]), taken)
}

// ParseDHT22 checks the five bytes a DHT22 sends on its wire (humidity, temperature, their sum) and returns what they say.
// The error wraps [ErrChecksum] or [chip.ErrImplausible].
func ParseDHT22(frame [5]byte, taken clock.Instant) ([]sensors.Sample, error) {
	if sum := frame[0] + frame[1] + frame[2] + frame[3]; sum != frame[4] {
		return nil, fmt.Errorf("% x, the sum should be %02x: %w", frame, sum, ErrChecksum)
	}
	return samples([4]byte(frame[:4]), taken)
}

// samples converts humidity and temperature in tenths, the latter as sign and magnitude.
func samples(b [4]byte, taken clock.Instant) ([]sensors.Sample, error) {
	temperature := int64(binary.BigEndian.Uint16(b[2:]) & 0x7FFF)
	if b[2]&0x80 != 0 {
		temperature = -temperature
	}
	return chip.Samples(outputs(), taken, temperature, int64(binary.BigEndian.Uint16(b[:])))
}
