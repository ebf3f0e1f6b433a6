package sim

import (
	"slices"
	"time"

	"loam/sensors"
)

// opticalSpecimens are the chips on I2C for light, water and soil.
func opticalSpecimens() []specimen {
	return slices.Concat(lightSpecimens(), pressureSpecimens(), []specimen{{
		driver: "seesaw-soil", address: 0x36,
		channels: []Channel{{ID: "soil", Quantity: sensors.ProbeCount, Tolerance: 1}},
		i2c: func(around surroundings) i2cChip {
			return &seesawModel{now: around.now, chance: around.luck, feel: func(t time.Time) float64 { return around.feel(sensors.ProbeCount, t) }}
		},
	}})
}

// lightSpecimens are the light sensors. What a count means at full sun, and half of it, is their tolerance.
func lightSpecimens() []specimen {
	light := func(driver string, address uint64, lux float64, chip func(around surroundings, feel func(time.Time) float64) i2cChip) specimen {
		return specimen{
			driver: driver, address: address,
			channels: []Channel{{ID: "light", Quantity: sensors.Illuminance, Tolerance: lux}},
			i2c: func(around surroundings) i2cChip {
				return chip(around, func(t time.Time) float64 { return around.feel(sensors.Illuminance, t) })
			},
		}
	}
	veml := func(resolution float64) func(surroundings, func(time.Time) float64) i2cChip {
		return func(around surroundings, feel func(time.Time) float64) i2cChip {
			return newVEML7700(resolution, around.now, feel)
		}
	}
	late := light("veml7700", 0x10, 76, veml(0.0042))
	late.settings = map[string]string{"resolution": "0.0042"}
	return []specimen{
		light("bh1750", 0x23, 1, func(around surroundings, feel func(time.Time) float64) i2cChip {
			return newBH1750(around.luck, around.now, feel)
		}),
		light("tsl2561", 0x39, 40, func(around surroundings, feel func(time.Time) float64) i2cChip { return newTSL2561(around.now, feel) }),
		light("tsl2591", 0x29, 5, func(around surroundings, feel func(time.Time) float64) i2cChip { return newTSL2591(around.now, feel) }),
		light("veml7700", 0x10, 76, veml(0.0036)), // 75 of it are the jump of the correction
		late,
	}
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
