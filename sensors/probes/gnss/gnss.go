package gnss

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
	patience  = 2500 * time.Millisecond // receivers speak once a second
	sentences = 100                     // to look through: a second of a receiver of four systems has some forty
	still     = 2 * time.Second         // of the gateway's time, in which the receiver's has to go on
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "gnss", Title: "Satellite receiver (GPS, Galileo, GLONASS, BeiDou) with NMEA 0183", Bus: sensors.UART,
		Outputs: []sensors.Output{
			output(sensors.Latitude, -90, 90, degreePlaces, "that of the receiver; u-blox 6: 2.5 m (50 %)"),
			output(sensors.Longitude, -180, 180, degreePlaces, "that of the receiver; u-blox 6: 2.5 m (50 %)"),
			output(sensors.Altitude, -500, 9000, metrePlaces, "that of the receiver; about twice that of the position"),
		},
		Calibration: sensors.CalibrationFactory,
		Settings: []sensors.Setting{
			sensors.WordSetting("baud", "speed of the receiver's port", "9600", "4800", "9600", "19200", "38400", "57600", "115200"),
		},
		Open: open,
	}
}

func output(q sensors.Quantity, low, high int64, places int, accuracy string) sensors.Output {
	scale := int64(1)
	for range places {
		scale *= 10
	}
	return sensors.Output{
		Quantity: q, Min: sensors.Decimal{Mantissa: low * scale, Exponent: int8(-places)}, Max: sensors.Decimal{Mantissa: high * scale, Exponent: int8(-places)},
		Accuracy: accuracy, Source: "u-blox NEO-6 data sheet GPS.G6-HW-09005, table 1",
	}
}

// probe is an open receiver.
type probe struct {
	*uart.Port
	last  time.Time     // of the receiver's last fix
	heard clock.Instant // when it came first
}

// open finds the receiver. Whether it sees satellites is for the first question.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	w, _, err := Model().Locate(w)
	if err != nil {
		return nil, err
	}
	mode := serial.Mode{Baud: int(w.Number("baud").Mantissa), DataBits: 8, Parity: serial.NoParity, StopBits: 1}
	port, err := uart.Open(ctx, Model(), w, mode)
	if err != nil {
		return nil, err
	}
	p := &probe{Port: port}
	err = p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		if err := c.Discard(ctx); err != nil {
			return err
		}
		_, err := reader(patience).Next(ctx, c)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Sense implements [sensors.Driver]: the position now.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	var e epoch
	var taken clock.Instant
	err := p.Transact(ctx, func(ctx context.Context, c serial.Conn) (err error) {
		err = p.listen(ctx, c, &e)
		taken = p.Now()
		return err
	})
	if err != nil {
		return nil, err
	}
	f, err := e.fix()
	if err == nil {
		err = p.fresh(f, taken)
	}
	if err != nil {
		return nil, p.Error(err, "")
	}
	samples := []sensors.Sample{
		{Quantity: sensors.Latitude, Value: f.latitude, At: taken},
		{Quantity: sensors.Longitude, Value: f.longitude, At: taken},
		{Quantity: sensors.Altitude, Value: f.altitude, At: taken},
	}
	if o := Model().Outputs[2]; f.altitude.Cmp(o.Min) < 0 || f.altitude.Cmp(o.Max) > 0 {
		return nil, p.Error(fmt.Errorf("%w: altitude %s m", ErrNoFix, f.altitude), "give it more sky")
	}
	return samples, nil
}

// listen gathers sentences of one moment, as soon as they can be had.
func (p *probe) listen(ctx context.Context, c serial.Conn, e *epoch) error {
	if err := c.Discard(ctx); err != nil {
		return err
	}
	for range sentences {
		line, err := reader(patience).Next(ctx, c)
		if err != nil {
			return err
		}
		s, err := parse(line)
		if err != nil {
			return err
		}
		if err := vouched(s); err != nil {
			return p.Error(err, "has its antenna a free view of the sky? After a cold start it needs up to a minute")
		}
		if e.take(s) {
			return nil
		}
	}
	return p.Error(fmt.Errorf("%w: GGA and RMC of one moment did not come", uart.ErrNoFrame), "have the receiver send both")
}

// fresh remembers a fix, and refuses one that is repeated.
func (p *probe) fresh(f fix, now clock.Instant) error {
	if p.last.IsZero() || f.time.After(p.last) {
		p.last, p.heard = f.time, now
		return nil
	}
	if now.Uptime-p.heard.Uptime < still { // asked twice within a second
		return nil
	}
	return fmt.Errorf("%w at %s", ErrStale, f.time.Format(time.RFC3339Nano))
}
