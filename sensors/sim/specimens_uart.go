package sim

import (
	"loam/sensors"
	"loam/sensors/serial"
)

// uartSpecimens are the probes that have a serial port for themselves.
func uartSpecimens() []specimen {
	at := func(baud int) serial.Mode {
		return serial.Mode{Baud: baud, DataBits: 8, Parity: serial.NoParity, StopBits: 1}
	}
	return []specimen{
		{driver: "a02yyuw", mode: at(9600), channels: distance("a02yyuw", 0.51), serial: newA02YYUW(false)},
		{driver: "a02yyuw", mode: at(9600), settings: map[string]string{"output": "controlled"}, channels: distance("a02yytw", 0.51), serial: newA02YYUW(true)},
		{driver: "gnss", mode: at(9600), channels: []Channel{
			{ID: "gnss-latitude", Quantity: sensors.Latitude, Tolerance: 1.5e-7},
			{ID: "gnss-longitude", Quantity: sensors.Longitude, Tolerance: 1.5e-7},
			{ID: "gnss-altitude", Quantity: sensors.Altitude, Tolerance: 0.051},
		}, serial: newGNSS},
		{driver: "maxbotix", mode: at(9600), channels: distance("maxbotix-hrxl-5m", 0.51), serial: newMaxbotix(1, 4)},
		{driver: "maxbotix", mode: at(9600), settings: map[string]string{"series": "xl"}, channels: distance("maxbotix-xl", 5.1), serial: newMaxbotix(10, 3)},
		{driver: "maxbotix", mode: at(9600), settings: map[string]string{"series": "lv"}, channels: distance("maxbotix-lv", 13.3), serial: newMaxbotix(25.4, 3)},
		{driver: "mhz19", mode: at(9600), channels: []Channel{{ID: "mhz19-co2", Quantity: sensors.CarbonDioxide, Tolerance: 0.51}}, serial: newMHZ19},
		{driver: "pms3003", mode: at(9600), channels: plantower("pms3003"), serial: newPlantower(9)},
		{driver: "pms5003", mode: at(9600), channels: plantower("pms5003"), serial: newPlantower(13)},
		{driver: "pms7003", mode: at(9600), settings: map[string]string{"mode": "active"}, channels: plantower("pms7003"), serial: newPlantower(13)},
		{driver: "sds011", mode: at(9600), channels: dust("sds011", 0.051)[1:], serial: newSDS011},
		{driver: "sps30", mode: at(115200), channels: append(dust("sps30", 0.01), pm4("sps30")), serial: newSPS30Serial},
		{driver: "sps30-i2c", address: 0x69, channels: append(dust("sps30-i2c", 0.01), pm4("sps30-i2c")), i2c: newSPS30Wire},
	}
}

// dust is the channels of a probe of fine dust.
func dust(name string, tolerance float64) []Channel {
	return []Channel{
		{ID: sensors.Channel(name + "-pm1"), Quantity: sensors.PM1, Tolerance: tolerance},
		{ID: sensors.Channel(name + "-pm2-5"), Quantity: sensors.PM25, Tolerance: tolerance},
		{ID: sensors.Channel(name + "-pm10"), Quantity: sensors.PM10, Tolerance: tolerance},
	}
}

// plantower is the channels of a probe that also says its factory's PM2.5.
func plantower(name string) []Channel {
	return append(dust(name, 0.51), Channel{ID: sensors.Channel(name + "-pm2-5-cf1"), Quantity: sensors.PM25CF1, Tolerance: 0.51})
}

func pm4(name string) Channel {
	return Channel{ID: sensors.Channel(name + "-pm4"), Quantity: sensors.PM4, Tolerance: 0.01}
}

func distance(name string, tolerance float64) []Channel {
	return []Channel{{ID: sensors.Channel(name + "-distance"), Quantity: sensors.Distance, Tolerance: tolerance}}
}
