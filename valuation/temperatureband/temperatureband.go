// Package temperatureband scores how well a temperature stayed within the band that an ecosystem's reference condition
// knows: 1 from optimum_low to optimum_high, falling in straight lines to 0 at limit_low and limit_high, for every hour
// of every channel, averaged over the channels of an hour and then over the measured hours.
package temperatureband

import (
	"fmt"

	"loam/sensors"
	"loam/valuation"
)

func parameters() []valuation.Parameter {
	return []valuation.Parameter{
		{Name: "limit_low", Help: "temperature at and below which the score is 0, in °C"},
		{Name: "optimum_low", Help: "lower end of the reference band, in °C"},
		{Name: "optimum_high", Help: "upper end of the reference band, in °C"},
		{Name: "limit_high", Help: "temperature at and above which the score is 0, in °C"},
	}
}

// Kind returns the catalog's entry.
func Kind() valuation.Kind {
	return valuation.Kind{
		Name:       "temperature_band",
		Title:      "Temperature band",
		Quantities: []sensors.Quantity{sensors.AirTemperature, sensors.WaterTemperature, sensors.SoilTemperature},
		Class:      "A1",
		Parameters: parameters(),
		Source:     "condition indicator rescaled between reference levels on both sides of an optimum (SEEA EA 2024, table 5.3), class A1",
		New:        newIndex,
	}
}

type index struct{ limitLow, optimumLow, optimumHigh, limitHigh sensors.Micro }

func newIndex(levels map[string]sensors.Decimal) (valuation.Index, error) {
	m, err := valuation.ReadLevels(parameters(), levels)
	if err != nil {
		return nil, fmt.Errorf("temperatureband: %w", err)
	}
	i := index{limitLow: m["limit_low"], optimumLow: m["optimum_low"], optimumHigh: m["optimum_high"], limitHigh: m["limit_high"]}
	if i.limitLow >= i.optimumLow || i.optimumLow > i.optimumHigh || i.optimumHigh >= i.limitHigh {
		return nil, fmt.Errorf("temperatureband: %w: %s, %s, %s, %s: give limit_low < optimum_low <= optimum_high < limit_high",
			valuation.ErrLevels, i.limitLow, i.optimumLow, i.optimumHigh, i.limitHigh)
	}
	return i, nil
}

// rate is the score of one temperature.
func (i index) rate(t sensors.Micro) valuation.Score {
	return min(valuation.Ramp(t, i.limitLow, i.optimumLow), valuation.Ramp(t, i.limitHigh, i.optimumHigh))
}

// Evaluate implements valuation.Index. The score rises to the band and falls behind it, so over an interval of
// temperatures its lowest value is at one of the ends, its highest at the point nearest to the band.
func (i index) Evaluate(in valuation.Input) (valuation.Result, error) {
	lower := func(t sensors.Micro) valuation.Score {
		return min(i.rate(valuation.Shift(t, -in.Uncertainty)), i.rate(valuation.Shift(t, in.Uncertainty)))
	}
	upper := func(t sensors.Micro) valuation.Score {
		from, to := valuation.Shift(t, -in.Uncertainty), valuation.Shift(t, in.Uncertainty)
		return i.rate(max(from, min(to, i.optimumLow)))
	}
	r, hours, err := in.Bounded(i.rate, lower, upper)
	if err != nil {
		return valuation.Result{}, fmt.Errorf("temperatureband: %w", err)
	}
	var inside, lost int
	for _, h := range hours {
		switch h {
		case valuation.Full:
			inside++
		case 0:
			lost++
		}
	}
	r.Reasons = []string{fmt.Sprintf(
		"Temperature was within %s to %s °C in %d of %d measured hours; at or beyond the limits (%s or %s °C) in %d.",
		i.optimumLow, i.optimumHigh, inside, r.Covered, i.limitLow, i.limitHigh, lost)}
	return r, nil
}
