package bh1750

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
)

// Instructions (page 5).
const (
	powerOn  = 0x01
	onceH    = 0x20 // one measurement at high resolution
	onceH2   = 0x21 // in half steps
	timeHigh = 0x40 // upper three bits of the measurement time register
	timeLow  = 0x60 // lower five bits
)

// typicalTime is the measurement time register as shipped; full is the end of the count.
const (
	typicalTime = 69
	full        = 0xFFFF
	few         = 100 // counts: below that it is worth measuring again
)

// ErrSaturated says that it is brighter than the chip can say.
var ErrSaturated = errors.New("brighter than the chip can measure")

// sensitivity is how the chip is told to measure.
type sensitivity struct {
	instruction byte
	time        int64 // measurement time register, 31 to 254
}

// The sensitivities used.
var (
	usual  = sensitivity{onceH, typicalTime}
	lowest = sensitivity{onceH, 31}
	finest = sensitivity{onceH2, 254}
)

// longest is the longest a measurement takes.
func (s sensitivity) longest() time.Duration {
	return time.Duration(s.time) * 180 * time.Millisecond / typicalTime
}

// decilux is what a count means, in 0.1 lx: raw / 1.2 × 69 / time, and half of it in half steps.
func (s sensitivity) decilux(raw uint16) int64 {
	divisor := s.time
	if s.instruction == onceH2 {
		divisor *= 2
	}
	return chip.Linear(int64(raw), divisor, 575, 0) // 10 × 69 / 1.2 = 575
}

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "bh1750", Title: "ROHM BH1750 light",
		Bus: sensors.I2C, Addresses: []uint64{0x23, 0x5C}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	return []sensors.Output{chip.Output(sensors.Illuminance, 0, 121557, -1,
		"±20 % (0.96 to 1.44 counts for each lux)", "ROHM BH1750FVI 2009.04, pages 2, 10 and 11; 65535 counts at the lowest sensitivity")}
}

// probe is an open BH1750.
type probe struct{ *chip.Chip }

// open checks that a chip answers.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	if err := c.Write(ctx, powerOn); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &probe{c}, nil
}

// Sense implements [sensors.Driver]: one measurement, and another where the first was too coarse or too small.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	s := usual
	raw, err := p.measure(ctx, s)
	if err != nil {
		return nil, err
	}
	if raw == full || raw < few {
		if s = finest; raw == full {
			s = lowest
		}
		if raw, err = p.measure(ctx, s); err != nil {
			return nil, err
		}
	}
	if raw == full {
		return nil, p.Error(fmt.Errorf("%w (%d counts)", ErrSaturated, raw), "put it behind a diffuser, and calibrate it with that")
	}
	samples, err := chip.Samples(outputs(), taken, s.decilux(raw))
	if err != nil {
		return nil, p.Error(err, "check its wiring")
	}
	return samples, nil
}

// measure makes one measurement. Each instruction is a transaction of its own.
func (p *probe) measure(ctx context.Context, s sensitivity) (uint16, error) {
	for _, b := range []byte{powerOn, timeHigh | byte(s.time>>5), timeLow | byte(s.time&0x1F), s.instruction} {
		if err := p.Write(ctx, b); err != nil {
			return 0, err
		}
	}
	if err := p.Wait(ctx, s.longest()); err != nil {
		return 0, err
	}
	var b [2]byte
	if err := p.Tx(ctx, nil, b[:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(b[:]), nil
}
