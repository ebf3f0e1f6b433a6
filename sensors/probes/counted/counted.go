package counted

import (
	"context"
	"math/big"
	"time"

	"loam/sensors"
	"loam/sensors/pulse"
)

// Models returns the catalog entries.
func Models() []sensors.Model { return []sensors.Model{rainGauge(), anemometer(), flowMeter()} }

func dec(m int64, e int8) sensors.Decimal { return sensors.Decimal{Mantissa: m, Exponent: e} }

func rainGauge() sensors.Model {
	m := sensors.Model{
		Name: "rain-gauge", Title: "Tipping bucket rain gauge",
		Bus: sensors.GPIO, Calibration: sensors.CalibrationFactory,
		Outputs: []sensors.Output{{
			Quantity: sensors.Rainfall, Min: dec(0, -4), Max: dec(20_000_000, -4),
			Accuracy: "one tip of the bucket; less in a cloudburst, when water is lost between tips", Source: "SparkFun weather meter hookup guide, rain gauge",
		}},
		Settings: []sensors.Setting{sensors.NumberSetting("mm_per_tip", "millimetres of rain that tip the bucket, on the gauge's label", "0.2794", dec(1, -2), dec(10, 0))},
	}
	m.Open = opener(m, 100*time.Millisecond, func(w sensors.Wiring) measure {
		tip := rat(w.Number("mm_per_tip"))
		return func(before, now pulse.Count) (*big.Rat, bool) { return amount(tip, before, now), true }
	})
	return m
}

func anemometer() sensors.Model {
	m := sensors.Model{
		Name: "anemometer", Title: "Cup anemometer with a reed contact",
		Bus: sensors.GPIO, Calibration: sensors.CalibrationFactory,
		Outputs: []sensors.Output{{
			Quantity: sensors.WindSpeed, Min: dec(0, -2), Max: dec(10_000, -2),
			Accuracy: "not stated by the maker; cups start to turn at about 1 m/s", Source: "SparkFun weather meter hookup guide, anemometer",
		}},
		Settings: []sensors.Setting{sensors.NumberSetting("kmh_per_hz", "wind speed in km/h that makes one pulse a second", "2.4", dec(1, -2), dec(100, 0))},
	}
	m.Open = opener(m, 8*time.Millisecond, func(w sensors.Wiring) measure {
		perPulse := new(big.Rat).Quo(rat(w.Number("kmh_per_hz")), big.NewRat(36, 10)) // km/h to m/s
		return func(before, now pulse.Count) (*big.Rat, bool) {
			over := now.At.Uptime - before.At.Uptime
			if over < shortest {
				return nil, false
			}
			seconds := big.NewRat(int64(over), int64(time.Second))
			return new(big.Rat).Quo(amount(perPulse, before, now), seconds), true
		}
	})
	return m
}

// shortest is the least time over which a mean wind says something.
const shortest = 500 * time.Millisecond

func flowMeter() sensors.Model {
	m := sensors.Model{
		Name: "flow-meter", Title: "Water meter with pulses (Hall or reed)",
		Bus: sensors.GPIO, Calibration: sensors.CalibrationOffset,
		Outputs: []sensors.Output{{
			Quantity: sensors.WaterVolume, Min: dec(0, -3), Max: dec(1_000_000_000, -3),
			Accuracy: "±10 % for turbines such as the YF-S201 until calibrated against a bucket", Source: "YF-S201 data sheet: 450 pulses a litre",
		}},
		Settings: []sensors.Setting{sensors.NumberSetting("pulses_per_litre", "pulses for one litre, on the meter's label; 1 pulse a litre for many house meters", "", dec(1, -3), dec(100_000, 0))},
	}
	m.Open = opener(m, 0, func(w sensors.Wiring) measure {
		perPulse := new(big.Rat).Inv(rat(w.Number("pulses_per_litre")))
		return func(before, now pulse.Count) (*big.Rat, bool) { return amount(perPulse, before, now), true }
	})
	return m
}

// measure is what the pulses between two looks mean; false where they mean nothing yet.
type measure func(before, now pulse.Count) (*big.Rat, bool)

// amount is what all pulses up to now stand for less what those up to before did.
func amount(perPulse *big.Rat, before, now pulse.Count) *big.Rat {
	n := new(big.Rat).SetInt(new(big.Int).SetUint64(now.Pulses - before.Pulses))
	return n.Mul(n, perPulse)
}

func rat(d sensors.Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String()) // a decimal always writes a number
	return r
}

// probe is an open counter and the look at it before.
type probe struct {
	at      sensors.ProbeError
	counter pulse.Counter // nil when closed
	measure measure
	output  sensors.Output
	before  pulse.Count
	owed    *big.Rat // what rounding has kept back of an amount
}

// opener returns how the model is opened. Counting begins there.
func opener(m sensors.Model, debounce time.Duration, with func(sensors.Wiring) measure) func(context.Context, sensors.Wiring) (sensors.Driver, error) {
	return func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
		w, at, err := m.Locate(w)
		if err != nil {
			return nil, err
		}
		c, err := w.Pulses(ctx, pulse.Line{Name: w.Bus, Debounce: debounce}, w.Clock)
		if err != nil {
			return nil, at.With(err, "is it the line's name, like GPIO17, and does no other probe count on it?")
		}
		p := &probe{at: at, counter: c, measure: with(w), output: m.Outputs[0], owed: new(big.Rat)}
		if p.before, err = c.Count(ctx); err != nil {
			_ = c.Close() // why it cannot be used is known
			return nil, at.With(err, "")
		}
		return p, nil
	}
}

// Sense implements [sensors.Driver]: what happened since it was asked before, or since it was opened.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	if p.counter == nil {
		return nil, p.at.With(sensors.ErrClosed, "")
	}
	now, err := p.counter.Count(ctx)
	if err != nil {
		return nil, p.at.With(err, "")
	}
	v, ok := p.measure(p.before, now)
	if !ok {
		return nil, nil // asked again too soon: these pulses count for the next time
	}
	p.before = now
	return []sensors.Sample{{Quantity: p.output.Quantity, Value: p.round(v), At: now.At}}, nil
}

// round gives a value the places of the output. What an amount loses by it is given with the next one, so that a season's
// rain is the sum of its readings; a mean owes nothing to the next.
func (p *probe) round(v *big.Rat) sensors.Decimal {
	e := p.output.Min.Exponent
	keeps := p.output.Quantity != sensors.WindSpeed
	if keeps {
		v = new(big.Rat).Add(v, p.owed)
	}
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-e)), nil))
	steps := new(big.Rat).Mul(v, scale)
	n := new(big.Int).Add(new(big.Int).Lsh(steps.Num(), 1), steps.Denom())
	n.Quo(n, new(big.Int).Lsh(steps.Denom(), 1)) // never below zero: the nearest step
	if keeps {
		p.owed.Sub(v, new(big.Rat).Quo(new(big.Rat).SetInt(n), scale))
	}
	return sensors.Decimal{Mantissa: n.Int64(), Exponent: e}
}

// Close implements [sensors.Driver].
func (p *probe) Close() error {
	if p.counter == nil {
		return nil
	}
	c := p.counter
	p.counter = nil
	if err := c.Close(); err != nil {
		return p.at.With(err, "")
	}
	return nil
}
