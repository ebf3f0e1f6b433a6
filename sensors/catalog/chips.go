package catalog

import (
	"loam/sensors"
	"loam/sensors/probes/bme280"
	"loam/sensors/probes/ds18b20"
)

// chips are the probes on I2C and 1-wire that speak for themselves.
func chips() []sensors.Model {
	return []sensors.Model{
		bme280.Model(),
		ds18b20.Model(),
	}
}
