// Package sdi12probe reads any probe on SDI-12 whose values somebody has named:
//
//	[[probe]]
//	driver = "sdi12"
//	bus = "/dev/serial/by-id/usb-FTDI_..."
//	address = "a"
//	[probe.settings]
//	values = "volumetric_water_content in %, soil_temperature, -"
//	command = "C"
//	none = "-9999, 9999999"
//
// values has an entry for each value of the measurement, in the order the probe sends them: a quantity, with the unit
// where it is another than the quantity's own, or - for a value that is not wanted. Units are those that differ from the
// quantity's by a power of ten, so that every digit stays what the probe sent. command is the measurement as the probe's
// manual has it, without address and exclamation mark. none lists values that the probe sends for no measurement.
//
// A value that is physically impossible for its quantity is no measurement either.
package sdi12probe
