package a02yyuw

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
	header  = 0xFF
	trigger = 0xFF // its start bit is the one falling edge
	length  = 4

	nearest, farthest = 30, 4500 // mm
)

// What a frame can be that is no measurement.
var (
	ErrChecksum = errors.New("the sum is wrong")
	ErrNoTarget = errors.New("no surface within reach")
)

var mode = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "a02yyuw", Title: "DYP A02YYUW (SEN0311) distance by ultrasound", Bus: sensors.UART,
		Outputs: []sensors.Output{{
			Quantity: sensors.Distance, Min: sensors.Decimal{Mantissa: nearest}, Max: sensors.Decimal{Mantissa: farthest},
			Accuracy: "±1 cm", Source: "DFRobot wiki SEN0311, specification",
		}},
		Calibration: sensors.CalibrationOffset,
		Settings: []sensors.Setting{
			sensors.WordSetting("output", "auto: it sends by itself; controlled: it is asked (A02YYTW)", "auto", "auto", "controlled"),
		},
		Open: open,
	}
}

// probe is an open A02YYUW.
type probe struct {
	*uart.Port
	asked bool
}

// open finds the probe.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	port, err := uart.Open(ctx, Model(), w, mode)
	if err != nil {
		return nil, err
	}
	p := &probe{Port: port, asked: port.Setting("output") == "controlled"}
	if _, _, err := p.ask(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// reader finds a number of frames in a row.
func reader(frames int) uart.Reader {
	return uart.Reader{
		Format: uart.Format{
			Header: []byte{header},
			Length: uart.Fixed(frames * length),
			Check: func(b []byte) error {
				for ; len(b) > 0; b = b[length:] {
					if b[0] != header || b[0]+b[1]+b[2] != b[3] {
						return fmt.Errorf("%w: % x", ErrChecksum, b[:length])
					}
					if b[1] == header { // a code for an error, or a surface at 511 mm read from the last byte of its frame on
						return fmt.Errorf("%w: % x", ErrNoTarget, b[:length])
					}
				}
				return nil
			},
		},
		Wait: 700 * time.Millisecond, Gap: 700 * time.Millisecond, Limit: 64,
	}
}

// ask returns the newest distance in mm, as the probe says it.
func (p *probe) ask(ctx context.Context) (mm int64, taken clock.Instant, err error) {
	err = p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		if err := c.Discard(ctx); err != nil {
			return err
		}
		frames := 2
		if p.asked {
			frames = 1
			if err := c.Write(ctx, []byte{trigger}); err != nil {
				return err
			}
		}
		b, err := reader(frames).Next(ctx, c)
		if err != nil {
			return err
		}
		b = b[len(b)-length:]
		mm, taken = int64(b[1])<<8|int64(b[2]), p.Now()
		return nil
	})
	return mm, taken, err
}

// Sense implements [sensors.Driver]: the distance now.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	mm, taken, err := p.ask(ctx)
	if err != nil {
		return nil, err
	}
	if mm < nearest || mm > farthest {
		return nil, p.Error(fmt.Errorf("%d mm: %w", mm, ErrNoTarget), "is its face clean, level with the surface, and 30 to 4500 mm away from it?")
	}
	return []sensors.Sample{{Quantity: sensors.Distance, Value: sensors.Decimal{Mantissa: mm}, At: taken}}, nil
}
