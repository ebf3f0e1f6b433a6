package catalog

import (
	"slices"

	"loam/sensors"
	"loam/sensors/probes/analog"
	"loam/sensors/probes/counted"
	"loam/sensors/probes/soilcap"
)

// lines are the probes that have no digital word of their own: voltages and currents on a converter, and pulses.
func lines() []sensors.Model {
	return slices.Concat([]sensors.Model{soilcap.Model()}, analog.Models(), counted.Models())
}
