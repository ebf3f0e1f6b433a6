package catalog

import "loam/sensors"

// uarts are the probes that have a serial port for themselves.
func uarts() []sensors.Model { return nil }
