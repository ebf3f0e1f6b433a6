package sim

import (
	"slices"
	"time"

	"loam/sensors"
	"loam/sensors/serial"
)

// opticalSpecimens are the chips on I2C for light, water and soil.
func opticalSpecimens() []specimen {
	return slices.Concat(lightSpecimens(), pressureSpecimens(), ezoSpecimens(), []specimen{{
		driver: "seesaw-soil", address: 0x36,
		channels: []Channel{{ID: "seesaw-soil", Quantity: sensors.ProbeCount, Tolerance: 1}},
		i2c: func(around surroundings) i2cChip {
			return &seesawModel{now: around.now, chance: around.luck, feel: func(t time.Time) float64 { return around.feel(sensors.ProbeCount, t) }}
		},
	}})
}

// lightSpecimens are the light sensors. What a count means at full sun, and half of it, is their tolerance.
func lightSpecimens() []specimen {
	light := func(driver, id string, address uint64, lux float64, chip func(around surroundings, feel func(time.Time) float64) i2cChip) specimen {
		return specimen{
			driver: driver, address: address,
			channels: []Channel{{ID: sensors.Channel(id), Quantity: sensors.Illuminance, Tolerance: lux}},
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
	late := light("veml7700", "veml7700-late", 0x10, 76, veml(0.0042))
	late.settings = map[string]string{"resolution": "0.0042"}
	return []specimen{
		light("bh1750", "bh1750-light", 0x23, 1, func(around surroundings, feel func(time.Time) float64) i2cChip {
			return newBH1750(around.luck, around.now, feel)
		}),
		light("tsl2561", "tsl2561-light", 0x39, 40, func(around surroundings, feel func(time.Time) float64) i2cChip { return newTSL2561(around.now, feel) }),
		light("tsl2591", "tsl2591-light", 0x29, 5, func(around surroundings, feel func(time.Time) float64) i2cChip { return newTSL2591(around.now, feel) }),
		light("veml7700", "veml7700-light", 0x10, 76, veml(0.0036)), // 75 of it are the jump of the correction
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
	channels := func(name string, pascal float64) []Channel {
		return []Channel{
			{ID: sensors.Channel(name + "-pressure"), Quantity: sensors.WaterPressure, Tolerance: pascal},
			{ID: sensors.Channel(name + "-temperature"), Quantity: sensors.WaterTemperature, Tolerance: 0.02},
		}
	}
	return []specimen{
		{driver: "ms5837-30ba", address: 0x76, channels: channels("ms5837-30ba", 25), i2c: pressed(false)},
		{driver: "ms5837-02ba", address: 0x76, channels: channels("ms5837-02ba", 3), i2c: pressed(true)},
	}
}

// ezoSpecimens are the circuits of Atlas Scientific, on I2C and on serial ports, as shipped and set for other water.
func ezoSpecimens() []specimen {
	type settings = map[string]string
	both := func(driver, id string, kind ezoKind, address uint64, tolerance, celsius, kilopascal float64, set settings) []specimen {
		wired := specimen{
			driver: driver, address: address, settings: set,
			channels: []Channel{{ID: sensors.Channel(id), Quantity: kind.quantity, Tolerance: tolerance}},
			i2c: func(around surroundings) i2cChip {
				return &ezoWire{ezoModel: newEZO(around, kind, celsius, kilopascal)}
			},
		}
		if kind.device == "RTD" {
			wired.medium = "water"
		}
		port := wired
		port.driver, port.address, port.i2c = driver+"-uart", 0, nil
		port.channels = []Channel{{ID: sensors.Channel(id + "-uart"), Quantity: kind.quantity, Tolerance: tolerance}}
		port.mode = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}
		port.serial = func(around surroundings) serialDevice { return newEZOPort(newEZO(around, kind, celsius, kilopascal)) }
		return []specimen{wired, port}
	}
	return slices.Concat(
		both("ezo-ph", "ezo-ph", ezoPH, 0x63, 0.0011, 25, 101.3, nil),
		both("ezo-ph", "ezo-ph-cold", ezoPH, 0x23, 0.0011, 8.5, 101.3, settings{"temperature": "8.5"}),
		both("ezo-ec", "ezo-ec", ezoEC, 0x64, 0.51, 25, 101.3, nil),
		both("ezo-ec", "ezo-ec-cold", ezoEC, 0x64, 0.51, 12, 101.3, settings{"temperature": "12", "k": "1.0"}),
		both("ezo-do", "ezo-do", ezoDO, 0x61, 0.011, 14.2, 89.9, settings{"temperature": "14.2", "pressure": "89.9"}),
		both("ezo-orp", "ezo-orp", ezoORP, 0x62, 0.051, 25, 101.3, nil),
		both("ezo-rtd", "ezo-rtd", ezoRTD, 0x66, 0.0011, 25, 101.3, nil),
	)
}
