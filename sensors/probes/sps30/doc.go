// Package sps30 reads the Sensirion SPS30: fine dust in air, by the light it scatters from a laser, on a serial port
// ("sps30") or on I2C ("sps30-i2c").
//
// Data sheet: Sensirion SPS30, version 1.0 D1, March 2020. Used are table 1 (ranges, precision, start-up time), 4.2 (fan
// cleaning), 4.4 (device status register), 5 (UART and SHDLC: frames, stuffing, state byte, commands) and 6 (I2C). The
// serial port is the one to use with cables longer than 20 cm; the SEL pin chooses (open: UART, to ground: I2C).
//
// The probe measures each second from when it is started, here in the format of ten IEEE 754 floats. The mass
// concentrations of particles up to 1, 2.5, 4 and 10 µm are passed on with two places, rounded once; number
// concentrations and typical size are not. Its reply without values means that it has measured nothing since it was last
// asked; it is then asked again a second later.
//
// # Warm-up
//
// Table 1 gives 8 to 30 s, the less dust the longer; 30 s are kept, and the answer until then is "not ready yet".
//
// # Fan cleaning
//
// Every 168 h of work the probe blows its fan clean for 10 s, during which it has no new values: a question then fails,
// and the next round has them again. The count starts anew when the power is lost, so one that is switched off every week
// is never cleaned by itself: have it cleaned by hand.
//
// # Errata
//
//   - The wake-up command is refused with state 0x43 by a probe that is not asleep, and with 0x02 by firmware before 2.0,
//     which cannot sleep: both mean that it is awake.
//   - Firmware before 2.2 has no status register and refuses the command, or accepts it and returns nothing.
//   - Table 1 sets no upper limit to what the probe says beyond 1000 µg/m³; there it is refused here, since nothing
//     vouches for it.
package sps30
