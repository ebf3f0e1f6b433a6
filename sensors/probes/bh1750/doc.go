// Package bh1750 reads the ROHM BH1750FVI ambient light sensor on I2C.
//
// Data sheet: ROHM BH1750FVI, Technical Note 2009.04, No. 09046EBT01. Used are the instruction set and "measurement mode
// explanation" (page 5), the measurement sequence with its longest times (pages 7 and 10), the conversion raw / 1.2 lx
// (page 10) and "how to change measurement time", that is sensitivity (page 11).
//
// Each sample is a one-time measurement at high resolution, as the data sheet advises, at the usual sensitivity: 0.83 lx a
// count. Where that overflows, which full sun does, it is measured again at the lowest sensitivity, 1.85 lx a count and
// 121 klx at most; where there is little light, at the highest, 0.11 lx a count. An overflow at the lowest sensitivity is
// an error: the light is brighter than can be said.
//
// # Traps
//
//   - The chip has no identity and no status, and its result register is zero after power-on: a chip that restarted between
//     command and answer says just what darkness says. A zero is therefore only believed from a second measurement, at the
//     highest sensitivity. A chip that loses its power every time cannot be told from the night; quality control can, by
//     the neighbours.
//   - A command written while the chip is powered down need not be taken: it is powered on first, and it powers itself down
//     after a measurement.
//   - The typical measurement time is 120 ms, the longest 180 ms. Read earlier, the register has the old value.
//   - The dome of the common boards absorbs light: calibrate with a gain beside a lux meter.
//
// # Why not periph's bh1750
//
// It resets the result register instead of powering on, never powers down, truncates to whole lux, cannot change the
// sensitivity, and takes an overflow for light.
package bh1750
