// Package hdc302x reads the Texas Instruments HDC3020, HDC3021 and HDC3022: temperature and relative humidity of air,
// on I2C.
//
// Data sheet: TI SNAS778D, July 2024: 6.5 (accuracy), the tables of low-power modes (times) and of commands in 7.5.7,
// and the sections on trigger-on demand, soft reset, manufacturer ID and checksum.
//
// Each reading is one measurement on demand in low-power mode 0, which has the lowest noise. When opened, the chip is
// taken out of its automatic mode and reset, so that its heater is off. Offsets that someone stored in the chip stay in
// force.
//
// # Why not periph's
//
// periph's hdc302x keeps the chip measuring by itself and sleeps for real. Read faster than the chip measures, it
// reports a bus error. Its checks and conversion are right, and its test suite's capture is among the vectors here.
package hdc302x
