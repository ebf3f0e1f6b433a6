// Package soilmoisture scores how much of the water that plants can use a soil held: relative extractable water,
// (θ − wilting point) / (field capacity − wilting point), clamped to 0..1 for every hour of every channel, averaged over
// the channels of an hour and then over the measured hours.
//
// Wilting point and field capacity belong to one soil: a method gives them per ecosystem, with their source.
package soilmoisture

import (
	"fmt"

	"loam/sensors"
	"loam/valuation"
)

func parameters() []valuation.Parameter {
	return []valuation.Parameter{
		{Name: "wilting_point", Help: "water content below which plants wilt for good, in m³/m³, e.g. 0.138"},
		{Name: "field_capacity", Help: "water content the soil holds against gravity, in m³/m³, e.g. 0.321"},
	}
}

// Kind returns the catalog's entry.
func Kind() valuation.Kind {
	return valuation.Kind{
		Name:       "soil_moisture_regime",
		Title:      "Soil moisture regime",
		Quantities: []sensors.Quantity{sensors.VolumetricWaterContent},
		Class:      "A1",
		Parameters: parameters(),
		Source:     "relative extractable water (FAO Irrigation and Drainage Paper 56, chapter 8); condition class A1 of SEEA EA 2024",
		New:        newIndex,
	}
}

type index struct{ wiltingPoint, fieldCapacity sensors.Micro }

func newIndex(levels map[string]sensors.Decimal) (valuation.Index, error) {
	m, err := valuation.ReadLevels(parameters(), levels)
	if err != nil {
		return nil, fmt.Errorf("soilmoisture: %w", err)
	}
	i := index{wiltingPoint: m["wilting_point"], fieldCapacity: m["field_capacity"]}
	if i.wiltingPoint < 0 || i.fieldCapacity > sensors.MicroPerUnit || i.wiltingPoint >= i.fieldCapacity {
		return nil, fmt.Errorf("soilmoisture: %w: wilting_point %s and field_capacity %s: give 0 <= wilting_point < field_capacity <= 1",
			valuation.ErrLevels, i.wiltingPoint, i.fieldCapacity)
	}
	return i, nil
}

// Evaluate implements valuation.Index.
func (i index) Evaluate(in valuation.Input) (valuation.Result, error) {
	at := func(shift sensors.Micro) func(sensors.Micro) valuation.Score {
		return func(water sensors.Micro) valuation.Score {
			return valuation.Ramp(valuation.Shift(water, shift), i.wiltingPoint, i.fieldCapacity)
		}
	}
	r, hours, err := in.Bounded(at(0), at(-in.Uncertainty), at(in.Uncertainty))
	if err != nil {
		return valuation.Result{}, fmt.Errorf("soilmoisture: %w", err)
	}
	var dry, full int
	for _, h := range hours {
		switch h {
		case 0:
			dry++
		case valuation.Full:
			full++
		}
	}
	r.Reasons = []string{fmt.Sprintf(
		"Soil held %s of the water plants can use, on average; at or below the wilting point in %d of %d measured hours, at or above field capacity in %d.",
		r.Score.Percent(), dry, r.Covered, full)}
	return r, nil
}
