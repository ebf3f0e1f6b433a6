// Package tsl2591 reads the ams TSL2591 light sensor on I2C: two photodiodes, one for visible light and infrared, one for
// infrared, from which the light as eyes see it is reckoned.
//
// Data sheet: ams DS000338 (TSL2591), version 6-00: command register, enable, control (gain and integration time, and the
// largest count), status (ALS valid), device id, channel data; operating characteristics (integration time of a step, 108
// ms at most). The data sheet has no formula for lux. The one used is that of Adafruit's library, which nearly everyone
// uses (Adafruit_TSL2591_Library, calculateLux, after a proposal in its issue 14):
//
//	lux = (C0 − C1) · (1 − C1/C0) · 408 / (time in ms · gain), gain 1, 25 or 428
//
// 408 is their device factor; the gains are theirs too, 2 to 7 % above the data sheet's typical 24.5 and 400. No worked
// example of it is printed anywhere, and no accuracy: calibrate a gain beside a lux meter. The formula is evaluated in
// integers and rounded once.
//
// The light is measured at gain 25 for 100 ms, and then, where that overflows or is coarse, again at gain 1, or at gain
// 428 for 100 or 600 ms. The gain of 9876 is left alone: it is for starlight.
//
// # Errata and traps
//
//   - A count of 65535 is full only from 200 ms on. At 100 ms the converter ends at 36863, as the data sheet says; up to
//     37889 has been seen. Either channel at its end is an error, not light.
//   - Near darkness noise can make C1 the larger; the formula, a square, then rises again. It is 0 there.
//   - After power-on all data are zero, which would be darkness. The chip says when data are valid; that, and its settings,
//     are read with every measurement.
//   - Old examples use other formulas (coefficients 1.64, 0.59, 0.86): their lux differ.
package tsl2591
