package catalog

import (
	"slices"

	"loam/sensors"
	"loam/sensors/probes/aht20"
	"loam/sensors/probes/am2320"
	"loam/sensors/probes/atlas"
	"loam/sensors/probes/bh1750"
	"loam/sensors/probes/bme680"
	"loam/sensors/probes/bmp180"
	"loam/sensors/probes/bmx280"
	"loam/sensors/probes/ds18b20"
	"loam/sensors/probes/hdc302x"
	"loam/sensors/probes/ina219"
	"loam/sensors/probes/mlx90614"
	"loam/sensors/probes/ms5611"
	"loam/sensors/probes/ms5837"
	"loam/sensors/probes/scd30"
	"loam/sensors/probes/scd4x"
	"loam/sensors/probes/seesaw"
	"loam/sensors/probes/sht2x"
	"loam/sensors/probes/sht3x"
	"loam/sensors/probes/sht4x"
	"loam/sensors/probes/tsl2561"
	"loam/sensors/probes/tsl2591"
	"loam/sensors/probes/veml7700"
)

// chips are the probes on I2C and 1-wire that speak for themselves.
func chips() []sensors.Model {
	return slices.Concat([]sensors.Model{
		aht20.Model(),
		am2320.Model(),
		bh1750.Model(),
		bme680.Model(),
		bmp180.Model(),
		ds18b20.Model(),
		hdc302x.Model(),
		ina219.Model(),
		mlx90614.Model(),
		ms5611.Model(),
		scd30.Model(),
		scd4x.Model(),
		seesaw.Model(),
		sht2x.Model(),
		sht3x.Model(),
		sht4x.Model(),
		tsl2561.Model(),
		tsl2591.Model(),
		veml7700.Model(),
	}, atlas.Models(), bmx280.Models(), ms5837.Models())
}
