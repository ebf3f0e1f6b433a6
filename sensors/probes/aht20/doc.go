// Package aht20 reads the Aosong (ASAIR) AHT20, and the AHT21, AHT25 and DHT20 which speak the same: temperature and
// relative humidity of air, on I2C.
//
// Data sheets: Aosong AHT20, version 1.0, and DHT20, version 1.0, May 2021. Used are the tables of range and accuracy,
// "send command" (status) and "sensor reading process" (times, frame, checksum) and "signal conversion".
//
// The 20 bits of each value are finer than what the probe can tell apart: 0.01 °C and 0.01 % are passed on.
//
// # Errata
//
//   - The data sheet calls the checksum's polynomial "1+X⁴+X⁵+X⁸", with 0xFF to start from: that of Sensirion's chips,
//     but once over all six bytes.
//   - The AHT20 data sheet 1.1 draws 24 bits of humidity and 16 of temperature. Every published capture of a chip has
//     20 and 20, as version 1.0 says.
//   - Editions of the data sheet differ in how long the chip starts after power-on: 20, 40 or 100 ms. A probe that was
//     just powered is refused until it says that it is calibrated.
//   - The AHT10 has no checksum and other commands. It is not supported.
//
// # Why not periph's
//
// periph's aht20 sleeps for real and cannot be cancelled. Its conversion and checks are right: it and its test suite
// are what the tests compare with.
package aht20
