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

// voltageSpecimens are probes on an ADS1115. A board's voltage wanders as the bench has it.
func voltageSpecimens() []specimen {
	list := []specimen{
		{driver: "current-loop", address: 0x48, settings: map[string]string{"shunt_ohm": "100"},
			channels: []Channel{{ID: "level-current", Quantity: sensors.ProbeCurrent, Tolerance: 0.003}},
			i2c: converter(0, func(around surroundings, t time.Time) float64 {
				return around.feel(sensors.ProbeCurrent, t) / 1000 * 100
			})},
		{driver: "wind-vane", address: 0x49, input: 3,
			channels: []Channel{{ID: "wind-direction", Quantity: sensors.WindDirection, Tolerance: 11.26}},
			i2c:      converter(3, func(around surroundings, t time.Time) float64 { return vane(around.feel(sensors.WindDirection, t)) })},
	}
	for _, board := range []string{"leaf-wetness", "ph-analog", "sen0189", "sen0244", "vh400"} {
		list = append(list, specimen{driver: board, address: 0x4A, input: 1,
			channels: []Channel{{ID: sensors.Channel(board), Quantity: sensors.ProbeVoltage, Tolerance: 0.0002}},
			i2c:      converter(1, func(around surroundings, t time.Time) float64 { return around.feel(sensors.ProbeVoltage, t) })})
	}
	return list
}

// converter is an ADS1115 with a voltage at one input.
func converter(input int, volts func(surroundings, time.Time) float64) func(surroundings) i2cChip {
	return func(around surroundings) i2cChip {
		var inputs [4]func(time.Time) float64
		inputs[input] = func(t time.Time) float64 { return volts(around, t) }
		return newADS1115(around.luck, around.now, inputs)
	}
}

// vane is the voltage of a SEN-15901 pointing somewhere, with 10 kΩ to 3.3 V: magnets close the switch of the nearest of
// sixteen directions.
func vane(degrees float64) float64 {
	kilohm := [16]float64{33, 6.57, 8.2, 0.891, 1, 0.688, 2.2, 1.41, 3.9, 3.14, 16, 14.12, 120, 42.12, 64.9, 21.88}
	r := kilohm[int(math.Round(degrees/22.5))%16]
	return 3.3 * r / (r + 10)
}
