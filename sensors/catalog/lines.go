package catalog

import (
	"loam/sensors"
	"loam/sensors/probes/soilcap"
)

// lines are the probes that have no digital word of their own: voltages and currents on a converter, and pulses.
func lines() []sensors.Model {
	return []sensors.Model{
		soilcap.Model(),
	}
}
