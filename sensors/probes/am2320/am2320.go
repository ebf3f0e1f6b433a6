package am2320

import (
	"context"
	"errors"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
)

// Times of section 8.2.
const (
	wakeTime    = 1 * time.Millisecond    // ready after 0.8 ms, asleep again after 3
	answerTime  = 2 * time.Millisecond    // at least 1.5 ms
	measureTime = 2100 * time.Millisecond // between two questions
)

const attempts = 3

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "am2320", Title: "Aosong AM2320 or AM2321 air temperature and humidity",
		Bus: sensors.I2C, Addresses: []uint64{0x5C}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	const source = "Aosong AM2320 Product Manual 1.0, "
	return []sensors.Output{
		chip.Output(sensors.AirTemperature, -40, 80, -1, "±0.5 °C", source+"table 2"),
		// The manual guarantees up to 99.9 %; saturated air reads 100.0.
		chip.Output(sensors.RelativeHumidity, 0, 100, -1, "±3 % at 25 °C", source+"table 1"),
	}
}

type probe struct{ *chip.Chip }

func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	p := &probe{c}
	if _, err := p.ask(ctx, p.Now()); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Sense implements [sensors.Driver]: it has the sensor measure, and fetches that two seconds later.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	if _, err := p.ask(ctx, taken); err != nil {
		return nil, err
	}
	if err := p.Wait(ctx, measureTime); err != nil {
		return nil, err
	}
	return p.ask(ctx, taken)
}

// ask returns the sensor's last measurement, which was taken then, and has it measure anew. It asks again where the bus
// failed: on a busy machine a wait can last so long that the sensor is asleep again.
func (p *probe) ask(ctx context.Context, taken clock.Instant) ([]sensors.Sample, error) {
	var frame [8]byte
	var err error
	for range attempts {
		if err = p.exchange(ctx, frame[:]); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	samples, err := parse(frame, taken)
	if err != nil {
		return nil, p.Error(err, "check its power supply and wiring")
	}
	return samples, nil
}

// exchange wakes the sensor, asks it and reads its answer.
func (p *probe) exchange(ctx context.Context, answer []byte) error {
	if err := ctx.Err(); err != nil {
		return p.Error(err, "")
	}
	_ = p.Write(ctx, 0) // wakes it, and is not acknowledged
	if err := p.Wait(ctx, wakeTime); err != nil {
		return err
	}
	if err := p.Write(ctx, functionRead, 0, registers); err != nil {
		return err
	}
	if err := p.Wait(ctx, answerTime); err != nil {
		return err
	}
	return p.Tx(ctx, nil, answer)
}
