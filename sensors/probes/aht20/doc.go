// Package aht20 reads the Aosong (ASAIR) AHT20, and the AHT21 and AHT25 which speak the same: temperature and relative
// humidity of air, on I2C.
//
// Data sheet: Aosong AHT20 Product Manual, version A1 (2020). Used are tables 1 and 2 (range and accuracy), 5.3 (commands
// and status), 5.4 (reading: times, frame and checksum) and 6 (conversion).
//
// The 20 bits of each value are finer than what the probe can tell apart: 0.01 °C and 0.01 % are passed on.
//
// # Errata
//
//   - The manual calls the checksum's polynomial "1+X⁴+X⁵+X⁸", with 0xFF to start from: that of Sensirion's chips, but once
//     over all six bytes.
//   - Editions of the manual differ in how long the chip starts after power-on: 20, 40 or 100 ms. A probe that was just
//     powered is refused until it says that it is calibrated.
//   - The AHT10 has no checksum and other commands. It is not supported.
//
// # Why not periph's
//
// periph's aht20 sleeps for real and cannot be cancelled. Its conversion and checks are right: it and its test suite are
// what the tests compare with.
package aht20
