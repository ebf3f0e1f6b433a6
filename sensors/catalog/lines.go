package catalog

import (
	"loam/sensors"
	"loam/sensors/probes/counted"
	"loam/sensors/probes/soilcap"
)

// lines are the probes that have no digital word of their own: voltages and currents on a converter, and pulses.
func lines() []sensors.Model {
	return append([]sensors.Model{
		soilcap.Model(),
	}, counted.Models()...)
}
