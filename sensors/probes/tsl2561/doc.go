// Package tsl2561 reads the TAOS (ams) TSL2561 light sensor on I2C: two photodiodes, one for visible light and infrared,
// one for infrared, from which the light as eyes see it is reckoned.
//
// Data sheet: TAOS059N, TSL2560, TSL2561, March 2009: command, control, timing, ID and ADC channel data registers, the full
// scale counts of the operating characteristics, and "calculating lux" with its straight pieces for the two kinds of
// package:
//
//	lux = B · C0 − M · C1, with B and M by the ratio C1/C0, of counts at gain 16 and 402 ms
//
// The pieces are exact decimals here, not the 2^-14 of the data sheet's sample code, so that the result has hundredths of a
// lux; other gains and times are scaled by 16, 322/81 and 322/11 as there. Which package it is, the chip's ID says.
//
// The light is measured at gain 1 for 101 ms, and then, where that overflows or is coarse, again for 13.7 ms, or at gain
// 16 for 402 ms.
//
// # Errata and traps
//
//   - A count of 65535 is full only at 402 ms. The converter ends at 37177 after 101 ms and at 5047 after 13.7 ms.
//   - There is no status: the chip is given the longest time its oscillator may take. Examples that wait 400 ms for the 402
//     read zero from slow chips.
//   - After power-on it is powered down and its data are zero, which would be darkness. Control and timing are read back
//     with every measurement.
//   - Above a ratio of 1.3 the data sheet says 0: what there is, is infrared.
//   - 0x29 is the TSL2591's address too, whose registers differ; 0x39 is where the pin floats, which is how boards are sold.
package tsl2561
