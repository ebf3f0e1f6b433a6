package catalog

import "loam/sensors"

// fieldbuses are the probes on Modbus RTU and SDI-12.
func fieldbuses() []sensors.Model { return nil }
