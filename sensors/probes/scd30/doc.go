// Package scd30 reads the Sensirion SCD30: carbon dioxide, temperature and relative humidity of air, on I2C.
//
// Sensirion SCD30 data sheet, version 0.94, June 2019, tables 1 to 3 (range and accuracy); "Interface Description
// Sensirion SCD30 Sensor Module", version 1.0, May 2020: 1.1 (I2C), 1.1.3 (checksum), 1.4.1 to 1.4.5 (measurement),
// 1.4.8 (altitude), 1.4.9 (firmware version) and 1.5 (conversion).
//
// # On the bus
//
// The module bears no repeated start: it is written to and read from in two transactions, some milliseconds apart. It
// stretches the clock by 30 ms, and once a day by 150 ms; it wants 50 kHz or less. A Raspberry Pi's own I2C bus before
// the Pi 4 does not bear that stretching: use the i2c-gpio overlay there.
//
// # How it measures
//
// Every two seconds by itself. What it is told (to measure, the interval, the altitude) it keeps without power, so it
// is told again only where it is not so; to measure it is told whenever the probe is opened, since that cannot be asked
// for. The self-calibration stays as the module has it.
//
// # Errata
//
//   - 0 ppm comes from a module that has not measured yet; it is refused, and so is what is no number.
//   - Measurement goes on after a loss of power, but not where the loss came while it was being told. Where nothing is
//     ready after some intervals, that is an error; the probe is opened anew and told again.
//   - EZO dissolved oxygen circuits have the same address, 0x61.
//
// periph has no driver for this module. tinygo's asks with a repeated start.
package scd30
