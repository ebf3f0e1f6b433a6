// Package ms5611 reads the TE Connectivity MS5611-01BA03: pressure and temperature of air, on I2C.
//
// Data sheet: MS5611-01BA03, 10/2012 (Measurement Specialties) and later of TE: "performance specifications", "pressure
// and temperature calculation" (figure 2), second order (figure 3), "commands" and conversion times; for the CRC-4
// application note AN520 ([loam/sensors/ms58]).
//
// Both are read at an oversampling of 4096, the most the chip has: 9.04 ms at most for each, 0.012 mbar. The pressure
// is passed on in whole pascals, which are the steps of the formula.
//
// # Errata and traps
//
//   - The worked example of the data sheet (figure 2) is of first order at 20.07 °C, where there is no second.
//   - The chip shares its addresses with BME280, BMP280 and BMP180. They are told apart by the checksum of the
//     coefficients.
//   - GY-63 and GY-86 boards hold modules whose copies exist: their coefficients pass the checksum, their accuracy is
//     unknown.
//   - The temperature is that of the chip, on its board. In the sun it is not that of air.
//
// periph has no driver for this chip.
package ms5611
