package sps30

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
	"loam/sensors/uart"
)

var mode = serial.Mode{Baud: 115200, DataBits: 8, Parity: serial.NoParity, StopBits: 1}

// Models returns the catalog entries.
func Models() []sensors.Model {
	return []sensors.Model{
		{
			Name: "sps30", Title: "Sensirion SPS30 fine dust, serial port", Bus: sensors.UART,
			Outputs: outputs(), Calibration: sensors.CalibrationFactory, WarmUp: warmUp, Open: open,
		},
		{
			Name: "sps30-i2c", Title: "Sensirion SPS30 fine dust, I2C", Bus: sensors.I2C, Addresses: []uint64{0x69},
			Outputs: outputs(), Calibration: sensors.CalibrationFactory, WarmUp: warmUp, Open: openI2C,
		},
	}
}

// probe is an open probe on a serial port.
type probe struct {
	*uart.Port
	duty uart.Duty
}

// open wakes the probe and starts it in the format this package reads.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	port, err := uart.Open(ctx, Models()[0], w, mode)
	if err != nil {
		return nil, err
	}
	p := &probe{Port: port, duty: uart.Duty{WarmUp: warmUp}}
	if err := p.Transact(ctx, p.start); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.duty.Began(p.Now())
	return p, nil
}

func (p *probe) start(ctx context.Context, c serial.Conn) error {
	if err := c.Write(ctx, []byte{0xFF}); err != nil { // its low pulse switches a sleeping interface on, for 100 ms
		return err
	}
	if _, err := p.exchange(ctx, c, request(cmdWake), stateNotAllowed, stateUnknown); err != nil {
		return err
	}
	if _, err := p.exchange(ctx, c, request(cmdStop), stateNotAllowed); err != nil { // another format may run
		return err
	}
	_, err := p.exchange(ctx, c, request(cmdStart, 0x01, formatFloat))
	return err
}

// exchange sends a request and returns the reply to it. States other than success are errors unless they are fine here.
func (p *probe) exchange(ctx context.Context, c serial.Conn, request []byte, fine ...byte) (reply, error) {
	if err := c.Discard(ctx); err != nil {
		return reply{}, err
	}
	if err := c.Write(ctx, request); err != nil {
		return reply{}, err
	}
	for range attempts {
		frame, err := reader.Next(ctx, c)
		if err != nil {
			return reply{}, err
		}
		r, err := decode(frame)
		if err != nil || r.command != commandOf(request) { // an answer that is late is not this one's
			continue
		}
		if s := r.state &^ stateFault; s != 0 && !slices.Contains(fine, s) {
			return r, p.Error(fmt.Errorf("command %#02x: %w with state %#02x", r.command, ErrState, s), "it lost its power since it was started, or another program uses it")
		}
		return r, nil
	}
	return reply{}, fmt.Errorf("%w: answers to other commands only", uart.ErrNoFrame)
}

// commandOf is the command of a request, which may be stuffed.
func commandOf(request []byte) byte {
	b, _ := unstuff(request[1 : len(request)-1]) // written by request
	return b[1]
}

// Sense implements [sensors.Driver]: the newest measurement.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	v, taken, err := p.ask(ctx)
	cold := p.duty.WarmedUp(p.Now())
	for n := 1; errors.Is(err, ErrNoData) && cold == nil && n < attempts; n++ {
		if err := p.Wait(ctx, period); err != nil {
			return nil, err
		}
		v, taken, err = p.ask(ctx)
	}
	switch {
	case err != nil && !errors.Is(err, ErrNoData):
		return nil, err
	case cold != nil:
		return nil, p.Error(cold, "")
	case err != nil:
		return nil, err
	}
	s, err := samples(v, taken)
	if err != nil {
		return nil, p.Error(err, "")
	}
	return s, nil
}

// ask reads the newest measurement and the state of fan and laser.
func (p *probe) ask(ctx context.Context) (v [values]float32, taken clock.Instant, err error) {
	err = p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		taken = p.Now()
		r, err := p.exchange(ctx, c, request(cmdRead))
		if err != nil {
			return err
		}
		if err := p.healthy(ctx, c, r.state&stateFault != 0); err != nil {
			return err
		}
		v, err = measured(r)
		return err
	})
	return v, taken, err
}

// healthy asks for the status register. Old firmware has none: then the top bit of a state has to do.
func (p *probe) healthy(ctx context.Context, c serial.Conn, flagged bool) error {
	r, err := p.exchange(ctx, c, request(cmdStatus, 0), stateUnknown)
	if err != nil {
		return err
	}
	if len(r.data) >= 4 {
		err = faults(binary.BigEndian.Uint32(r.data))
	}
	if err == nil && flagged {
		err = ErrFault
	}
	if err != nil {
		return p.Error(err, hintFault)
	}
	return nil
}

// measured returns the floats of a reply to cmdRead, or [ErrNoData].
func measured(r reply) (v [values]float32, err error) {
	if len(r.data) == 0 {
		return v, ErrNoData
	}
	if len(r.data) != 4*values {
		return v, fmt.Errorf("%w: %d bytes of data, not %d", ErrFraming, len(r.data), 4*values)
	}
	var words [2 * values]uint16
	for i := range words {
		words[i] = binary.BigEndian.Uint16(r.data[2*i:])
	}
	return floats(words), nil
}
