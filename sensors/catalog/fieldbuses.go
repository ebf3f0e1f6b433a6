package catalog

import (
	"slices"

	"loam/sensors"
	"loam/sensors/probes/meter"
	"loam/sensors/probes/modbusprobe"
	"loam/sensors/probes/sdi12probe"
)

// fieldbuses are the probes on Modbus RTU and SDI-12.
func fieldbuses() []sensors.Model {
	return append(slices.Concat(modbusprobe.Models(), meter.Models()), sdi12probe.Model())
}
