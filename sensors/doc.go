// Package sensors holds the nouns of measuring: [Quantity], [Sample], [Calibration], [Reading], and the contract of a
// probe's [Driver].
//
// Read in this order: quantity.go, reading.go, calibration.go, compensation.go, driver.go, guard.go. A driver is a package
// in probes/, listed in catalog/; sim/ holds register-level models of the same chips on virtual buses, and sensortest/ the
// rules that every driver keeps.
package sensors
