package sim

import (
	"math"
	"sync"
	"time"

	"loam/sensors"
)

// lineSpecimens are the probes that are voltages, and those that are contacts.
func lineSpecimens() []specimen {
	return append(contactSpecimens(), voltageSpecimens()...)
}

// benchBegin is where totals on the bench begin to be summed up.
var benchBegin = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// pulsesOf is a contact's total: a mean rate, in pulses an hour, that follows how strong a quantity is.
func pulsesOf(q sensors.Quantity, perHour func(v float64) float64) func(surroundings) func(time.Time) uint64 {
	return func(around surroundings) func(time.Time) uint64 {
		// The sum over whole hours, then a straight line within the hour: it never falls, and is the same whenever it is asked.
		sums := []float64{0}
		var mu sync.Mutex
		return func(t time.Time) uint64 {
			mu.Lock()
			defer mu.Unlock()
			hours := max(0, t.Sub(benchBegin).Hours())
			whole := int(hours)
			rate := func(h int) float64 { return perHour(around.feel(q, benchBegin.Add(time.Duration(h)*time.Hour))) }
			for len(sums) <= whole {
				sums = append(sums, sums[len(sums)-1]+rate(len(sums)-1))
			}
			return uint64(math.Floor(sums[whole] + rate(whole)*(hours-float64(whole))))
		}
	}
}

func contactSpecimens() []specimen {
	return []specimen{
		{driver: "rain-gauge", channels: []Channel{{ID: "rain", Quantity: sensors.Rainfall, PerPulse: 0.2794, Tolerance: 0.00005}},
			pulses: pulsesOf(sensors.Rainfall, func(v float64) float64 { return v })},
		{driver: "anemometer", channels: []Channel{{ID: "wind", Quantity: sensors.WindSpeed, PerPulse: 2.4 / 3.6, Rate: true, Tolerance: 0.0051}},
			pulses: pulsesOf(sensors.WindSpeed, func(v float64) float64 { return v / (2.4 / 3.6) * 3600 })},
		{driver: "flow-meter", settings: map[string]string{"pulses_per_litre": "450"},
			channels: []Channel{{ID: "irrigation", Quantity: sensors.WaterVolume, PerPulse: 1.0 / 450, Tolerance: 0.0011}},
			pulses:   pulsesOf(sensors.WaterVolume, func(v float64) float64 { return v * 450 })},
	}
}

func voltageSpecimens() []specimen { return nil }
