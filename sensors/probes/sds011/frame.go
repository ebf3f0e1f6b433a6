package sds011

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/uart"
)

// Frames of the protocol.
const (
	head, tail = 0xAA, 0xAB
	toProbe    = 0xB4
	isData     = 0xC0
	isAnswer   = 0xC5

	cmdMode   = 2 // 0: active, 1: query
	cmdQuery  = 4
	cmdWork   = 6 // 0: sleep, 1: work
	cmdPeriod = 8 // minutes; 0: without a pause

	get, set = 0, 1

	lengthReply = 10
)

// What a frame can be that is no measurement.
var (
	ErrChecksum    = errors.New("the sum is wrong")
	ErrFan         = errors.New("the end of the scale: the fan stands still or the inlet is blocked")
	ErrNotMeasured = errors.New("the probe has not measured")
	ErrRange       = errors.New("more than the probe can measure")
)

func sum(b []byte) (s byte) {
	for _, v := range b {
		s += v
	}
	return s
}

// request writes a command to any device as it is sent.
func request(cmd, action, value byte) []byte {
	b := []byte{head, toProbe, cmd, action, value, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}
	return append(b, sum(b[2:]), tail)
}

// reader finds what the probe sends.
var reader = uart.Reader{
	Format: uart.Format{
		Header: []byte{head},
		Length: func(b []byte) int {
			if len(b) > 1 && b[1] != isData && b[1] != isAnswer {
				return -1
			}
			return lengthReply
		},
		Check: func(f []byte) error {
			if want := sum(f[2:8]); f[8] != want || f[9] != tail {
				return fmt.Errorf("%w: %#02x, not %#02x", ErrChecksum, f[8], want)
			}
			return nil
		},
	},
	Wait: 1500 * time.Millisecond, Gap: 100 * time.Millisecond, Limit: 256,
}

// deviceOf returns the two bytes that name the device.
func deviceOf(frame []byte) [2]byte { return [2]byte(frame[6:8]) }

// limit is the end of the range, in 0.1 µg/m³.
const limit = 9999

// samples reads a data frame whose sum is right.
func samples(frame []byte, taken clock.Instant) ([]sensors.Sample, error) {
	fine, coarse := binary.LittleEndian.Uint16(frame[2:]), binary.LittleEndian.Uint16(frame[4:])
	value := func(v uint16) sensors.Decimal { return sensors.Decimal{Mantissa: int64(v), Exponent: -1} }
	switch {
	case fine/10 == 999 || coarse/10 == 1999:
		return nil, fmt.Errorf("PM2.5 %s, PM10 %s µg/m³: %w", value(fine), value(coarse), ErrFan)
	case fine == 0 && coarse == 0:
		return nil, ErrNotMeasured
	case fine > limit || coarse > limit:
		return nil, fmt.Errorf("PM2.5 %s, PM10 %s µg/m³: %w", value(fine), value(coarse), ErrRange)
	}
	return []sensors.Sample{
		{Quantity: sensors.PM25, Value: value(fine), At: taken},
		{Quantity: sensors.PM10, Value: value(coarse), At: taken},
	}, nil
}
