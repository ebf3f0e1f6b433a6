package catalog

import (
	"slices"

	"loam/sensors"
	"loam/sensors/probes/aht20"
	"loam/sensors/probes/am2320"
	"loam/sensors/probes/bme280"
	"loam/sensors/probes/ds18b20"
	"loam/sensors/probes/hdc302x"
	"loam/sensors/probes/ms5837"
	"loam/sensors/probes/sht2x"
	"loam/sensors/probes/sht3x"
	"loam/sensors/probes/sht4x"
)

// chips are the probes on I2C and 1-wire that speak for themselves.
func chips() []sensors.Model {
	return slices.Concat([]sensors.Model{
		aht20.Model(),
		am2320.Model(),
		bme280.Model(),
		ds18b20.Model(),
		hdc302x.Model(),
		sht2x.Model(),
		sht3x.Model(),
		sht4x.Model(),
	}, ms5837.Models())
}
