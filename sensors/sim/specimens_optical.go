package sim

import (
	"slices"
	"time"

	"loam/sensors"
)

// opticalSpecimens are the chips on I2C for light, water and soil.
func opticalSpecimens() []specimen {
	return slices.Concat(pressureSpecimens())
}

// pressureSpecimens are the two pressure chips in water.
func pressureSpecimens() []specimen {
	pressed := func(shallow bool) func(surroundings) i2cChip {
		return func(around surroundings) i2cChip {
			return newMS5837(around.luck, shallow, around.now, func(t time.Time) (float64, float64) {
				return around.feel(sensors.WaterPressure, t), around.feel(sensors.WaterTemperature, t)
			})
		}
	}
	channels := func(pascal float64) []Channel {
		return []Channel{
			{ID: "water-pressure", Quantity: sensors.WaterPressure, Tolerance: pascal},
			{ID: "water-temperature", Quantity: sensors.WaterTemperature, Tolerance: 0.02},
		}
	}
	return []specimen{
		{driver: "ms5837-30ba", address: 0x76, channels: channels(25), i2c: pressed(false)},
		{driver: "ms5837-02ba", address: 0x76, channels: channels(3), i2c: pressed(true)},
	}
}
