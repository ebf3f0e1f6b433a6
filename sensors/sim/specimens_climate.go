package sim

import (
	"time"

	"loam/sensors"
)

// climateSpecimens are the chips on I2C that measure air.
func climateSpecimens() []specimen {
	return []specimen{
		{driver: "aht20", address: 0x38, channels: airChannels("aht20", 0.07, 0.3), i2c: newAHT20},
		{driver: "am2320", address: 0x5C, channels: airChannels("am2320", 0.12, 0.3), i2c: newAM2320},
		{driver: "bme680", address: 0x76, channels: noseChannels("bme680"), i2c: newBME680},
		{driver: "bme680", address: 0x76, channels: noseChannels("bme688"), i2c: newBME688},
		{driver: "bmp180", address: 0x77, channels: barometerChannels("bmp180", 0.2, 25), i2c: newBMP180},
		{driver: "bmp280", address: 0x76, channels: barometerChannels("bmp280", 0.08, 4), i2c: newBMP280},
		{driver: "hdc302x", address: 0x44, channels: airChannels("hdc302x", 0.07, 0.3), i2c: newHDC302x},
		{driver: "ina219", address: 0x40, channels: []Channel{
			{ID: "ina219-voltage", Quantity: sensors.SupplyVoltage, Tolerance: 0.003},
			{ID: "ina219-current", Quantity: sensors.SupplyCurrent, Tolerance: 0.2},
		}, i2c: newINA219},
		{driver: "mlx90614", address: 0x5A, channels: []Channel{
			{ID: "mlx90614-surface", Quantity: sensors.SurfaceTemperature, Tolerance: 0.08},
		}, i2c: newMLX90614},
		{driver: "ms5611", address: 0x77, channels: barometerChannels("ms5611", 0.02, 3), i2c: newMS5611},
		{driver: "scd30", address: 0x61, channels: co2Channels("scd30"), i2c: newSCD30},
		{driver: "scd4x", address: 0x62, channels: co2Channels("scd4x"), i2c: newSCD4x},
		{driver: "scd4x", address: 0x62, settings: map[string]string{"mode": "low-power"}, channels: co2Channels("scd4x"), i2c: newSCD4x},
		{driver: "scd4x", address: 0x62, settings: map[string]string{"mode": "single-shot"}, channels: co2Channels("scd4x"), i2c: newSCD4x},
		{driver: "sht2x", address: 0x40, channels: airChannels("sht2x", 0.08, 0.32), i2c: newSHT2x},
		{driver: "sht3x", address: 0x44, channels: airChannels("sht3x", 0.07, 0.3), i2c: newSHT3x},
		{driver: "sht4x", address: 0x44, channels: airChannels("sht4x", 0.07, 0.3), i2c: newSHT4x},
	}
}

// airChannels are the channels of a probe of temperature and humidity.
func airChannels(name string, temperature, humidity float64) []Channel {
	return []Channel{
		{ID: sensors.Channel(name + "-temperature"), Quantity: sensors.AirTemperature, Tolerance: temperature},
		{ID: sensors.Channel(name + "-humidity"), Quantity: sensors.RelativeHumidity, Tolerance: humidity},
	}
}

// co2Channels are the channels of a probe of carbon dioxide, which measures air too.
func co2Channels(name string) []Channel {
	return append(airChannels(name, 0.08, 0.32), Channel{ID: sensors.Channel(name + "-co2"), Quantity: sensors.CarbonDioxide, Tolerance: 3*noiseCO2 + 1.5})
}

// barometerChannels are the channels of a barometer; off is by how much its pressure may be off beyond noise.
func barometerChannels(name string, temperature, off float64) []Channel {
	return []Channel{
		{ID: sensors.Channel(name + "-temperature"), Quantity: sensors.AirTemperature, Tolerance: temperature},
		{ID: sensors.Channel(name + "-pressure"), Quantity: sensors.AirPressure, Tolerance: 3*NoisePressure + off},
	}
}

// noseChannels are the channels of a probe of air and of what can be smelt in it. A step of the resistance is up to 0.3 %.
func noseChannels(name string) []Channel {
	return append(airChannels(name, 0.08, 0.4),
		Channel{ID: sensors.Channel(name + "-pressure"), Quantity: sensors.AirPressure, Tolerance: 3*NoisePressure + 3},
		Channel{ID: sensors.Channel(name + "-gas"), Quantity: sensors.GasResistance, Tolerance: 1500})
}

func newBMP280(a surroundings) i2cChip {
	b := newBME280(a.luck, a.now, func(t time.Time) air { return airOnBench(a, t) })
	b.dry = true
	b.restart()
	return b
}
