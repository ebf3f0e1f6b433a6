// Package scd4x reads the Sensirion SCD40, SCD41 and SCD43: carbon dioxide, temperature and relative humidity of air,
// on I2C.
//
// Data sheet: Sensirion SCD4x, version 1.3, September 2022. Used are tables 1 to 3 (range and accuracy), table 9
// (commands and their times), 3.5 (periodic measurement), 3.6 (temperature offset and altitude), 3.8 (low power), 3.9.2
// (serial number), 3.10 (single shot) and 3.11 (checksum).
//
// # How it measures
//
//   - mode "periodic": every 5 s, the most accurate, 18 mA. "low-power": every 30 s, 3.2 mA. The newest measurement is
//     fetched when asked; the chip keeps it until then.
//   - mode "single-shot" (SCD41 and SCD43): only when asked, which takes 5 s. The shot that is made when the probe is
//     opened is thrown away, as section 3.10 advises.
//
// Until the first interval has passed, and while the next measurement is not due, the answer is "not ready yet".
//
// Altitude and temperature offset are kept in the chip's RAM only, since its EEPROM bears but 2000 writes; they are
// told whenever the chip is started, single shots included. The automatic self-calibration stays as the chip has it
// (on, from the factory): it takes the lowest value of a week to be fresh air of 400 ppm. That fits a meadow, not a
// stable or a greenhouse.
//
// # Errata
//
//   - The example of read_measurement (table 11) has 7B as the checksum of 01F4. 33 is right.
//   - A chip that lost its power forgets that it was measuring. It then answers "no data" for ever, which looks like a
//     measurement that is not ready yet. Where none is ready one interval and a half after the last, that is an error,
//     and the probe is opened anew and started again.
//   - 0 ppm is what a chip says that measured humidity and temperature only; it is refused.
//   - EZO ORP circuits have the same address, 0x62.
//
// # Why not periph's
//
// periph's scd4x remembers that it had started the chip and never looks again: after a brown-out every reading fails.
// It sleeps for real and has no single shot. Its checksum and conversion are right; its captures are replayed in the
// tests.
package scd4x
