package sps30

import (
	"context"
	"errors"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
	"loam/sensors/sensirion"
	"loam/sensors/uart"
)

// Commands of the I2C interface (section 6.3).
const (
	pointerStart   = 0x0010 // 0x0300: floats
	pointerStop    = 0x0104
	pointerReady   = 0x0202
	pointerValues  = 0x0300
	pointerWake    = 0x1103
	pointerVersion = 0xD100
	pointerStatus  = 0xD206 // since firmware 2.2

	statusSince = 0x0202
	i2cFloat    = 0x0300
)

const (
	executeTime = 20 * time.Millisecond // of start and stop
	readTime    = 5 * time.Millisecond
)

// chipProbe is an open probe on I2C.
type chipProbe struct {
	*chip.Chip
	duty     uart.Duty
	firmware uint16 // major and minor
}

// openI2C wakes the probe and starts it in the format this package reads.
func openI2C(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(Models()[1], w)
	if err != nil {
		return nil, err
	}
	p := &chipProbe{Chip: c, duty: uart.Duty{WarmUp: warmUp}}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.duty.Began(p.Now())
	return p, nil
}

func (p *chipProbe) start(ctx context.Context) error {
	// Asleep it does not acknowledge the first call, awake or with old firmware neither; whether it is there, start will say.
	for range 2 {
		_ = p.Write(ctx, sensirion.Command(pointerWake)...)
	}
	for _, command := range [][]byte{sensirion.Command(pointerStop), sensirion.Command(pointerStart, i2cFloat)} {
		if err := p.Write(ctx, command...); err != nil {
			return err
		}
		if err := p.Wait(ctx, executeTime); err != nil {
			return err
		}
	}
	words, err := sensirion.Read(ctx, p.Chip, sensirion.Command(pointerVersion), readTime, 1)
	if err == nil {
		p.firmware = words[0]
	}
	return err
}

// Sense implements [sensors.Driver]: the newest measurement.
func (p *chipProbe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	ready, err := p.ready(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.duty.WarmedUp(p.Now()); err != nil {
		return nil, p.Error(err, "")
	}
	for n := 1; !ready && n < attempts; n++ {
		if err := p.Wait(ctx, period); err != nil {
			return nil, err
		}
		if ready, err = p.ready(ctx); err != nil {
			return nil, err
		}
	}
	if !ready {
		return nil, p.Error(ErrNoData, "it cleans its fan once a week for 10 s; otherwise it lost its power since it was started")
	}
	return p.read(ctx, p.Now())
}

func (p *chipProbe) ready(ctx context.Context) (bool, error) {
	words, err := sensirion.Read(ctx, p.Chip, sensirion.Command(pointerReady), readTime, 1)
	return err == nil && words[0]&1 != 0, err
}

func (p *chipProbe) read(ctx context.Context, taken clock.Instant) ([]sensors.Sample, error) {
	words, err := sensirion.Read(ctx, p.Chip, sensirion.Command(pointerValues), readTime, 2*values)
	if err != nil {
		return nil, err
	}
	if err := p.healthy(ctx); err != nil {
		return nil, err
	}
	s, err := samples(floats([2 * values]uint16(words)), taken)
	if err != nil {
		return nil, p.Error(err, "")
	}
	return s, nil
}

// healthy asks for the status register, where the firmware has one.
func (p *chipProbe) healthy(ctx context.Context) error {
	if p.firmware < statusSince {
		return nil
	}
	status, err := sensirion.Read(ctx, p.Chip, sensirion.Command(pointerStatus), readTime, 2)
	if err != nil {
		return err
	}
	if err := faults(uint32(status[0])<<16 | uint32(status[1])); err != nil {
		return p.Error(err, hintFault)
	}
	return nil
}
