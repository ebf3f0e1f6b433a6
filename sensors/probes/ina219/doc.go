// Package ina219 reads the Texas Instruments INA219: voltage and current of a battery or a solar panel, on I2C.
//
// Data sheet: TI SBOS448G, December 2015: 7.5 (accuracy), 8.6.2.1 (configuration, tables 4 to 6), 8.6.3.1 (shunt
// voltage) and 8.6.3.2 (bus voltage, conversion ready).
//
// Both voltages are measured when asked, 128 times each, which takes 136 ms and evens out what a charger chops. The
// current is the voltage over the shunt (10 µV steps) divided by its resistance, which the setting shunt_milliohm says:
// 100 on most boards, so that 0.1 mA is a step and ±3.2 A are the limit. A current into IN+ and out of IN− is positive.
//
// The chip's own calibration and current registers are not used: they would round twice.
//
// # Errata and traps
//
//   - The chip has no identity. That it keeps what is written into its configuration is all that can be checked; a chip
//     that lost its power meanwhile has 0x399F there, and zero for both voltages, which is no measurement.
//   - The bus range is called 32 V, but the chip bears 26 V.
//   - A shunt voltage at the end of its range is a larger current than can be measured; it is refused.
//   - The address is also that of SHT2x and of the PCA9685.
//   - The voltage is that at IN−: behind the shunt, seen from the supply.
//
// # Why not periph's
//
// periph's ina219 lets the chip measure all the time, unaveraged, does not look whether a conversion is ready or the
// chip still has its settings, and rounds the current twice. The tests compare with it where the two must agree.
package ina219
