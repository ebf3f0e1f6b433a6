// Package bmx280 reads the Bosch BME280 and BMP280, on I2C: temperature and pressure of air, and with the BME280
// relative humidity.
//
// Data sheets: Bosch BST-BMP280-DS001-11, revision 1.14, May 2015, whose registers and formulas (3.11, 4.3) are those
// of the BME280 without humidity; and BST-BME280-DS002-15, revision 1.6, September 2018. Of the latter are used table 1
// to 4 (accuracy and resolution), 3.3.3 (forced mode), 4.2.2 and 4.2.3 (trimming parameters and compensation, pages 24
// to 26), 5.4 (registers, pages 27 to 31) and 9.1 (measurement time, page 51).
//
// The chip is used as section 3.5.1 advises for weather monitoring: forced mode, each quantity sampled once, no filter.
// At that setting temperature and pressure have 16 of their 20 bits, which is 0.005 °C and 2.6 Pa: the digits passed on
// (0.01 °C, 0.01 %, 1 Pa) are those of the maker's formulas.
//
// # Errata
//
//   - Table 16 calls dig_H4 and dig_H5 "signed short" without saying that they are 12-bit two's complement; the maker's
//     own driver extends the sign, and so does this package.
//   - After power-on the data registers hold 0x80000, 0x80000 and 0x8000 (5.4.7 to 5.4.9). The formulas turn these into
//     plausible air, so they are refused here as "not measured", and so is all zero.
//   - BME280 boards often carry a BMP280. Chips are told apart by their id (0x60 and 0x58), and the wrong one is
//     refused with the name of its driver.
//   - A copy of the BMP280's worked example with dig_P7 = −15500 and 114530 Pa is in circulation. It is wrong.
//   - The settings are written once, when the probe is opened. A chip that lost its power since then leaves humidity
//     unmeasured, which is an error; it is then opened anew, and its own trimming parameters are read.
//
// # Why not periph's bmxx80
//
// It sleeps for real and cannot be cancelled, waits for the status bit without end, drops the cause of a bus error,
// takes "not measured" for a measurement, and does not extend the sign of dig_H5. The formulas here are tested against
// it wherever the two must agree.
package bmx280
