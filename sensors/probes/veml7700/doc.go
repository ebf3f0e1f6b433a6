// Package veml7700 reads the Vishay VEML7700 ambient light sensor on I2C.
//
// Data sheet: Vishay 84286 (revisions 1.6 of April 2022 and 1.7 of November 2023): registers (table 1) and timing of the
// start, 2.5 ms. Application note: Vishay 84323, "Designing the VEML7700 into an application": lux for each count by gain
// and integration time, the order in which to change them, and the correction of bright light.
//
// The light is measured at gain 1/8 for 100 ms first, and then, where that is too coarse or too much for good linearity,
// again at gain 2 (100 ms, then 800 ms) or for 25 ms. From the count on everything is exact: a count is a whole number of
// 0.0001 lx, and the correction above 1000 lx,
//
//	6.0135e-13 x⁴ − 9.3924e-9 x³ + 8.1488e-5 x² + 1.0023 x,
//
// is evaluated in fractions and rounded once, so that no order of operations can change a digit.
//
// # Errata and traps
//
//   - Up to revision 1.6 the data sheet says 0.0036 lx a count at the finest setting and 120 klx at most; revision 1.7 says
//     0.0042 lx and 140 klx, and Vishay's product change notice calls the former wrongly stated. The chips are the same.
//     What exists in the field reckons with 0.0036, and so does this package unless resolution = "0.0042" is set. A gain
//     calibrated beside a lux meter settles it, and the window above the chip with it.
//   - The correction is not 1 where it begins: just above 1000 lx a reading jumps by 75 lx. That is Vishay's formula.
//   - The result register keeps the old value while gain or integration time change. The chip is shut down for the change,
//     and two integrations long nothing is read.
//   - After power-on the chip is shut down, with other settings; the settings are read back after each measurement, so that
//     a chip that restarted is not taken for darkness.
//   - At gains 1 and 2 bright light is not linear: they are used below 46 lx only.
package veml7700
