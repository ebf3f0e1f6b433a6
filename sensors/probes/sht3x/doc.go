// Package sht3x reads the Sensirion SHT30, SHT31 and SHT35: temperature and relative humidity of air, on I2C.
//
// Data sheet: Sensirion SHT3x-DIS, version 5, May 2018. Used are tables 1 and 2 (accuracy and range), table 4
// (measurement time), table 9 (single shot), 4.5 to 4.11 (break, soft reset, heater, status register), 4.12 (checksum)
// and 4.13 (conversion).
//
// Each reading is one shot of high repeatability without clock stretching, which some hosts do not bear. When opened,
// the chip is made to stop measuring by itself, as another program may have set it, and is reset, so that its heater is
// off.
//
// # Errata
//
//   - Chips of other makers answer the same commands (Texas Instruments HDC302x: see package hdc302x, GXHT30, CHT8305);
//     this package cannot tell them apart, and their accuracy is theirs.
//   - The data sheet has no worked example of a measurement; the tests compute the conversion in another way.
//
// periph has no driver for this chip. tinygo's and gobot's sleep for real; neither ends a measurement that another
// program began.
package sht3x
