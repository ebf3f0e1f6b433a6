package catalog

import (
	"loam/sensors"
	"loam/sensors/probes/modbusprobe"
)

// fieldbuses are the probes on Modbus RTU and SDI-12.
func fieldbuses() []sensors.Model { return modbusprobe.Models() }
