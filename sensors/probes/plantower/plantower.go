package plantower

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

// Times of the manuals, with room for slow adapters.
const (
	warmUp   = 30 * time.Second
	period   = 2300 * time.Millisecond // between frames of the active mode, at most
	patience = period + time.Second
	attempts = 3
)

var mode = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}

// Models returns the catalog entries.
func Models() []sensors.Model {
	return []sensors.Model{
		model("pms3003", "Plantower PMS3003 fine dust", length3003, "Plantower PMS3003 data manual V2.0, technical index"),
		model("pms5003", "Plantower PMS5003 fine dust", length5003, "Plantower PMS5003 data manual V2.3, technical index"),
		model("pms7003", "Plantower PMS7003 fine dust", length5003, "Plantower PMS7003 data manual V2.5, technical index"),
	}
}

func model(name, title string, length int, source string) sensors.Model {
	m := sensors.Model{Name: name, Title: title, Bus: sensors.UART, Calibration: sensors.CalibrationFactory, WarmUp: warmUp}
	for _, q := range []sensors.Quantity{sensors.PM1, sensors.PM25, sensors.PM10, sensors.PM25CF1} {
		m.Outputs = append(m.Outputs, sensors.Output{
			Quantity: q, Max: sensors.Decimal{Mantissa: limit},
			Accuracy: "consistency ±10 µg/m³ to 100 µg/m³, ±10 % from 100 to 500 µg/m³", Source: source,
		})
	}
	if length == length5003 {
		m.Settings = []sensors.Setting{
			sensors.WordSetting("mode", "passive: the probe is asked; active: only its TX is wired, and it sends by itself", "passive", "passive", "active"),
			uart.RestSetting(),
		}
	}
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) { return open(ctx, m, length, w) }
	return m
}

// probe is an open probe.
type probe struct {
	*uart.Port
	length int
	asked  bool // passive mode
	duty   uart.Duty
}

// open finds the probe and sets its mode.
func open(ctx context.Context, m sensors.Model, length int, w sensors.Wiring) (sensors.Driver, error) {
	port, err := uart.Open(ctx, m, w, mode)
	if err != nil {
		return nil, err
	}
	p := &probe{Port: port, length: length, asked: port.Setting("mode") == "passive", duty: uart.Duty{WarmUp: warmUp}}
	if p.asked {
		p.duty.Rest = port.Rest()
	}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// start wakes the probe, sets its mode and waits for its answer; warm-up begins.
func (p *probe) start(ctx context.Context) error {
	err := p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		if !p.asked {
			return p.listen(ctx, c)
		}
		return p.obey(ctx, c)
	})
	if err == nil {
		p.duty.Began(p.Now())
	}
	return err
}

// listen waits for a frame that the probe sends by itself.
func (p *probe) listen(ctx context.Context, c serial.Conn) error {
	if err := c.Discard(ctx); err != nil {
		return err
	}
	_, err := p.data(ctx, c)
	return err
}

// obey wakes the probe and has it confirm the passive mode.
func (p *probe) obey(ctx context.Context, c serial.Conn) error {
	if err := c.Write(ctx, command(cmdSleep, wake)); err != nil {
		return err
	}
	var err error
	for range attempts {
		if err = c.Discard(ctx); err != nil {
			return err
		}
		if err = c.Write(ctx, command(cmdMode, passive)); err != nil {
			return err
		}
		if err = p.answer(ctx, c, cmdMode); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// answer waits for the answer to a command, past the data frames that may still be on their way.
func (p *probe) answer(ctx context.Context, c serial.Conn, cmd byte) error {
	for range attempts {
		frame, err := reader(p.length, time.Second).Next(ctx, c)
		if err != nil {
			return err
		}
		if len(frame) == lengthAnswer && frame[4] == cmd {
			return nil
		}
	}
	return p.Error(errDeaf, `is the probe's RX wired to the port's TX? Where it is not, set mode = "active"`)
}

var errDeaf = errors.New("the probe sends, but does not obey")

// data waits for a data frame.
func (p *probe) data(ctx context.Context, c serial.Conn) (air, error) {
	for range attempts {
		frame, err := reader(p.length, patience).Next(ctx, c)
		if err != nil {
			return air{}, err
		}
		if len(frame) == p.length {
			return decode(frame), nil
		}
	}
	return air{}, fmt.Errorf("%w: answers only, no data", uart.ErrNoFrame)
}

// Sense implements [sensors.Driver]: the concentrations now.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	if err := p.wakeUp(ctx); err != nil {
		return nil, err
	}
	a, taken, err := p.ask(ctx)
	if errors.Is(err, errRestarted) {
		err = p.start(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := p.duty.WarmedUp(p.Now()); err != nil {
		return nil, p.Error(err, "")
	}
	values, err := a.values()
	if err != nil {
		return nil, p.Error(err, "is its inlet free, and its fan turning? Clean it with dry air; a probe past its third year is worn out")
	}
	if err := p.goToRest(ctx); err != nil {
		return nil, err
	}
	samples := []sensors.Sample{
		{Quantity: sensors.PM1, Value: values[0], At: taken},
		{Quantity: sensors.PM25, Value: values[1], At: taken},
		{Quantity: sensors.PM10, Value: values[2], At: taken},
	}
	if a.standard[1] <= limit { // in heavy smoke it is beyond what the manual vouches for while the others are not yet
		samples = append(samples, sensors.Sample{Quantity: sensors.PM25CF1, Value: sensors.Decimal{Mantissa: int64(a.standard[1])}, At: taken})
	}
	return samples, nil
}

var errRestarted = errors.New("the probe sends by itself: it lost its power")

// ask returns a frame that is of now.
func (p *probe) ask(ctx context.Context) (a air, taken clock.Instant, err error) {
	err = p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		if err := p.clear(ctx, c); err != nil {
			return err
		}
		if taken = p.Now(); p.asked {
			if err := c.Write(ctx, command(cmdRead, 0)); err != nil {
				return err
			}
		}
		a, err = p.data(ctx, c)
		return err
	})
	return a, taken, err
}

// clear throws away what came before the question. A probe that speaks when it is asked and has spoken by itself lost its
// power since, and with it the mode: errRestarted.
func (p *probe) clear(ctx context.Context, c serial.Conn) error {
	if p.asked {
		_, err := reader(p.length, 5*time.Millisecond).Next(ctx, c)
		switch {
		case err == nil:
			return errRestarted
		case !errors.Is(err, serial.ErrSilent) && !errors.Is(err, uart.ErrNoFrame):
			return err
		}
	}
	return c.Discard(ctx)
}

// goToRest stops laser and fan after a reading, where that is wanted.
func (p *probe) goToRest(ctx context.Context) error {
	if p.duty.Rest == 0 {
		return nil
	}
	err := p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		return c.Write(ctx, command(cmdSleep, sleep))
	})
	if err == nil {
		p.duty.Rested(p.Now())
	}
	return err
}

// wakeUp starts a probe that has rested for long enough.
func (p *probe) wakeUp(ctx context.Context) error {
	resting, err := p.duty.Resting(p.Now())
	switch {
	case err != nil:
		return p.Error(err, "")
	case resting:
		return p.start(ctx)
	}
	return nil
}
