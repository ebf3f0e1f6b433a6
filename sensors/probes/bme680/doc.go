// Package bme680 reads the Bosch BME680 and BME688, on I2C: temperature, relative humidity and pressure of air, and the
// resistance of a heated layer of metal oxide, which falls with what can be smelt in the air.
//
// Data sheets: Bosch BST-BME680-DS001-00, July 2017 (1: accuracy; 3.2 and 3.3: forced mode, heater with table 11; 3.4:
// gas resistance; 5.2 and 5.3: registers) and BST-BME688-DS000 (variant register, gas resistance of the high variant).
// For the compensation the data sheet names the maker's own driver, BME68x_SensorAPI, which is the source of the
// formulas.
//
// # What is passed on
//
// Gas resistance is in ohms, as it is. Bosch's index of air quality needs a closed library of theirs, and its zero
// wanders; no two layers have the same resistance. Compare a probe with itself only, and not in its first two days. The
// layer is heated to 320 °C for 148 ms in each reading. Where it did not get there or its resistance was not stable,
// there is no gas resistance in that reading, but everything else.
//
// The heater warms the chip: read more often than every ten seconds or so, it measures a warmer and drier air than
// there is. Temperature is measured before heating.
//
// # Errata
//
//   - After power-on the data registers hold 0x80000 (temperature, pressure) and 0x8000 (humidity). The formulas make
//     plausible air of them; they are refused as "not measured", and so are zeros. All settings are written anew for
//     each reading, so that a chip that lost its power is itself again at the next.
//   - par_h1 and par_h2 share a byte (0xE2): the low half belongs to h1, the high half to h2.
//   - In integers the maker's formula of pressure is 4 Pa low, and that of the heater leaves the ambient temperature
//     out; those two are computed in floating point.
//   - The calibration has no checksum.
//
// No worked example is published. The tests have the coefficients, raw values and results of a real chip that the
// project elixir-sensors/bmp280 recorded, and Bosch's formulas in floating point.
//
// periph has no driver for this chip.
package bme680
