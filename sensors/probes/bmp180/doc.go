// Package bmp180 reads the Bosch BMP180, and the BMP085 before it: temperature and pressure of air, on I2C.
//
// Data sheet: Bosch BST-BMP180-DS000-09, revision 2.5, April 2013: table 1 (range and accuracy), 3.3.1 (conversion
// times), 3.4 (calibration coefficients, table 5), 3.5 (formulas and worked example, figure 4) and 4 (memory map,
// figure 6).
//
// Temperature is converted first, since the pressure depends on it, then the pressure with the highest oversampling:
// 4.5 and 25.5 ms at most. The formula of temperature has steps of 0.1 °C, that of pressure of 1 Pa.
//
// # Errata
//
//   - After power-on the result is 0x8000 with a zero behind it. The formulas make plausible air of it, so it is
//     refused as "not measured", and so is zero.
//   - Some coefficients can make the formulas divide by zero; then nothing is passed on.
//   - The address is that of BME280, BMP280, BME680 and MS5611, the first three of which are refused by their chip id.
//
// # Why not periph's bmxx80
//
// It sleeps for real, cannot be cancelled, and does not look whether the conversion is over. Where the maker's code
// shifts, it divides: its pressure is up to 4 Pa off. The tests compare with it to within that.
package bmp180
