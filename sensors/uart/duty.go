package uart

import (
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// Duty is the working life of a probe with a laser and a fan, or a lamp: it warms up after it began to work, and may rest
// between readings. It counts uptime, which nobody sets.
type Duty struct {
	WarmUp time.Duration
	Rest   time.Duration // after a reading; 0: it works without a pause

	since   clock.Instant // when it began to work, or to rest
	resting bool
}

// Began notes that the probe began to work.
func (d *Duty) Began(now clock.Instant) { d.since, d.resting = now, false }

// Rested notes that the probe was sent to rest.
func (d *Duty) Rested(now clock.Instant) { d.since, d.resting = now, true }

// Resting says whether the probe rests, and as an error that wraps [sensors.ErrNotReady] that it has not rested enough.
func (d *Duty) Resting(now clock.Instant) (bool, error) {
	if left := d.Rest - (now.Uptime - d.since.Uptime); d.resting && left > 0 {
		return true, fmt.Errorf("%w: resting for another %s", sensors.ErrNotReady, left.Round(time.Millisecond))
	}
	return d.resting, nil
}

// WarmedUp says how long the probe still has to warm up, as an error that wraps [sensors.ErrNotReady].
func (d *Duty) WarmedUp(now clock.Instant) error {
	if left := d.WarmUp - (now.Uptime - d.since.Uptime); left > 0 {
		return fmt.Errorf("%w: warming up for another %s", sensors.ErrNotReady, left.Round(time.Millisecond))
	}
	return nil
}

// RestSetting is how a steward has a probe rest.
func RestSetting() sensors.Setting {
	return sensors.NumberSetting("rest", "minutes that laser and fan rest after each reading", "0", sensors.Decimal{}, sensors.Decimal{Mantissa: 1440})
}

// Rest returns what [RestSetting] was set to.
func (p *Port) Rest() time.Duration {
	minutes, _ := p.wiring.Number("rest").Micro() // in range: checked by Locate
	return time.Duration(minutes) * (time.Minute / sensors.MicroPerUnit)
}
