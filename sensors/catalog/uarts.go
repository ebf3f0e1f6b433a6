package catalog

import (
	"slices"

	"loam/sensors"
	"loam/sensors/probes/a02yyuw"
	"loam/sensors/probes/gnss"
	"loam/sensors/probes/maxbotix"
	"loam/sensors/probes/mhz19"
	"loam/sensors/probes/plantower"
	"loam/sensors/probes/sds011"
	"loam/sensors/probes/sps30"
)

// uarts are the probes that have a serial port for themselves.
func uarts() []sensors.Model {
	return slices.Concat(
		plantower.Models(),
		sps30.Models(),
		[]sensors.Model{
			a02yyuw.Model(),
			gnss.Model(),
			maxbotix.Model(),
			mhz19.Model(),
			sds011.Model(),
		},
	)
}
