package sds011

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
	"loam/sensors/uart"
)

const (
	warmUp   = 30 * time.Second
	attempts = 4 // one that has just woken misses a command; one in active mode talks in between
)

var mode = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}

// Model returns the catalog entry.
func Model() sensors.Model {
	m := sensors.Model{
		Name: "sds011", Title: "Nova Fitness SDS011 fine dust", Bus: sensors.UART,
		Calibration: sensors.CalibrationFactory, WarmUp: warmUp, Settings: []sensors.Setting{uart.RestSetting()},
		Open: open,
	}
	for _, q := range []sensors.Quantity{sensors.PM25, sensors.PM10} {
		m.Outputs = append(m.Outputs, sensors.Output{
			Quantity: q, Min: sensors.Decimal{Exponent: -1}, Max: sensors.Decimal{Mantissa: limit, Exponent: -1},
			Accuracy: "the larger of ±15 % and ±10 µg/m³ at 25 °C and 50 % humidity", Source: "Nova Fitness SDS011 specification V1.3, technical parameters",
		})
	}
	return m
}

// probe is an open SDS011.
type probe struct {
	*uart.Port
	duty   uart.Duty
	device [2]byte // who answered first
	known  bool
}

// open finds the probe and has it work when it is asked.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	port, err := uart.Open(ctx, Model(), w, mode)
	if err != nil {
		return nil, err
	}
	p := &probe{Port: port, duty: uart.Duty{WarmUp: warmUp, Rest: port.Rest()}}
	if err := p.Transact(ctx, p.prepare); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.duty.Began(p.Now())
	return p, nil
}

func (p *probe) prepare(ctx context.Context, c serial.Conn) error {
	if err := p.work(ctx, c); err != nil {
		return err
	}
	if err := p.ensure(ctx, c, cmdMode, 1); err != nil {
		return err
	}
	err := p.ensure(ctx, c, cmdPeriod, 0)
	if errors.Is(err, serial.ErrSilent) { // old firmware has no period
		return ctx.Err()
	}
	return err
}

// work switches laser and fan on.
func (p *probe) work(ctx context.Context, c serial.Conn) (err error) {
	for range attempts {
		if _, err = p.exchange(ctx, c, cmdWork, set, 1); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// ensure sets what the probe keeps in its flash, where it is not set so already.
func (p *probe) ensure(ctx context.Context, c serial.Conn, cmd, want byte) error {
	frame, err := p.exchange(ctx, c, cmd, get, 0)
	if err != nil || frame[4] == want {
		return err
	}
	frame, err = p.exchange(ctx, c, cmd, set, want)
	if err == nil && frame[4] != want {
		return p.Error(fmt.Errorf("command %d was answered with %d, not %d", cmd, frame[4], want), "power-cycle the probe")
	}
	return err
}

// exchange sends a command and returns the probe's answer to it.
func (p *probe) exchange(ctx context.Context, c serial.Conn, cmd, action, value byte) ([]byte, error) {
	if err := c.Discard(ctx); err != nil {
		return nil, err
	}
	if err := c.Write(ctx, request(cmd, action, value)); err != nil {
		return nil, err
	}
	for range attempts {
		frame, err := reader.Next(ctx, c)
		if err != nil {
			return nil, err
		}
		if p.answers(frame, cmd) {
			return frame, nil
		}
	}
	return nil, fmt.Errorf("command %d: %w: other answers only", cmd, uart.ErrNoFrame)
}

// answers says whether a frame is this device's answer to a command.
func (p *probe) answers(frame []byte, cmd byte) bool {
	if cmd == cmdQuery && frame[1] != isData || cmd != cmdQuery && (frame[1] != isAnswer || frame[2] != cmd) {
		return false
	}
	if !p.known {
		p.device, p.known = deviceOf(frame), true
	}
	return deviceOf(frame) == p.device
}

// Sense implements [sensors.Driver]: the concentrations now.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	if err := p.wakeUp(ctx); err != nil {
		return nil, err
	}
	var frame []byte
	var taken clock.Instant
	err := p.Transact(ctx, func(ctx context.Context, c serial.Conn) (err error) {
		taken = p.Now()
		frame, err = p.exchange(ctx, c, cmdQuery, 0, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := p.duty.WarmedUp(p.Now()); err != nil {
		return nil, p.Error(err, "")
	}
	s, err := samples(frame, taken)
	if err != nil {
		return nil, p.Error(fmt.Errorf("device %X: %w", p.device, err), "does its fan turn, and is its hose free? Insects like it")
	}
	if err := p.goToRest(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// goToRest stops laser and fan after a reading, where that is wanted.
func (p *probe) goToRest(ctx context.Context) error {
	if p.duty.Rest == 0 {
		return nil
	}
	err := p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		_, err := p.exchange(ctx, c, cmdWork, set, 0)
		return err
	})
	if err == nil {
		p.duty.Rested(p.Now())
	}
	return err
}

// wakeUp starts a probe that has rested for long enough.
func (p *probe) wakeUp(ctx context.Context) error {
	resting, err := p.duty.Resting(p.Now())
	if err != nil {
		return p.Error(err, "")
	}
	if !resting {
		return nil
	}
	if err := p.Transact(ctx, p.work); err != nil {
		return err
	}
	p.duty.Began(p.Now())
	return nil
}
