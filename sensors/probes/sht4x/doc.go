// Package sht4x reads the Sensirion SHT40, SHT41, SHT43 and SHT45: temperature and relative humidity of air, on I2C.
//
// Data sheet: Sensirion SHT4x, version 6, February 2023. Used are 2.1 and 2.2 (accuracy), 3.2 (timing), the list of
// products (addresses) and 4 (checksum, 4.5 commands, 4.6 conversion).
//
// Each reading is one measurement of high precision. The chip's heater is never used; a command to heat that another
// program gave ends by itself after a second.
//
// # Errata
//
//   - Near 0 % and 100 % the formula of section 4.6 goes to −6 % and 119 %: the data sheet says so and has such values
//     cropped, which is done here.
//   - The data sheet has no worked example of a measurement. periph's test suite has one captured from a chip.
//
// periph's driver is in no released version yet, and sleeps for real.
package sht4x
