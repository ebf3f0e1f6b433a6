package feed

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// What a hub takes for possible: one reading outside would cost its whole batch.
const maxFuture = 5 * time.Minute

func earliest() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

// readings makes the readings of a record that came at now. What cannot be read is said in the error, beside the readings
// of what can.
func (c Config) readings(r Record, now clock.Instant) ([]sensors.Reading, error) {
	at := clock.Instant{Wall: r.At, State: now.State}
	if r.At.IsZero() {
		at.Wall = now.Wall
	}
	at.Wall = at.Wall.UTC().Truncate(time.Millisecond)
	if at.State == clock.Redated {
		at.State = clock.Synced
	}
	if at.Wall.Before(earliest()) {
		return nil, fmt.Errorf("%w: its time, %s, is before %s: check the clock of what sent it", ErrMessage, at.Wall.Format(time.RFC3339), earliest().Format(time.DateOnly))
	}
	if at.State == clock.Synced && at.Wall.After(now.Wall.Add(maxFuture)) {
		return nil, fmt.Errorf("%w: its time, %s, is in the future: check the clock and time zone of what sent it", ErrMessage, at.Wall.Format(time.RFC3339))
	}
	var all []sensors.Reading
	var errs []error
	for _, ch := range c.Channels {
		text, ok := r.Fields[ch.Field]
		if !ok || ch.Device != "" && !strings.EqualFold(ch.Device, r.Device) {
			continue // not in this message: absent, not zero
		}
		reading, err := c.reading(ch, text, r.Units[ch.Field], at)
		if err != nil {
			errs = append(errs, fmt.Errorf("channel %s, field %q: %w", ch.ID, ch.Field, err))
			continue
		}
		all = append(all, reading)
	}
	return all, errors.Join(errs...)
}

func (c Config) reading(ch Channel, text, unit string, at clock.Instant) (sensors.Reading, error) {
	kind, err := ch.Quantity.Kind()
	if err != nil {
		return sensors.Reading{}, err
	}
	scale := ch.Scale
	if c.Format == SenML {
		wanted := ch.Unit
		if wanted == "" {
			wanted = kind.SenML
			if scale == nil && kind.Shift != 0 {
				scale = &sensors.Decimal{Mantissa: 1, Exponent: -kind.Shift}
			}
		}
		if unit != wanted {
			return sensors.Reading{}, fmt.Errorf("%w: it is in %.32q, not in %q: say what it means with unit, scale and offset", ErrMessage, unit, wanted)
		}
	}
	value, err := convert(text, scale, ch.Offset)
	if err != nil {
		return sensors.Reading{}, err
	}
	trust := sensors.Calibration{Certificate: sensors.ForeignCertificate(c.Format)}
	reading, err := trust.Apply(ch.ID, sensors.Sample{Quantity: ch.Quantity, Value: value, At: at}, nil)
	if err == nil {
		err = wire.CheckReading(reading)
	}
	return reading, err
}
