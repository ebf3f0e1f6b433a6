// Package soilcap reads a capacitive soil moisture probe (DFRobot SEN0193 and the "v1.2" boards made after it) through an
// input of a Texas Instruments ADS1115 converter on I2C.
//
// What it delivers is the voltage of the probe: what that means in water depends on the soil, the probe and the depth of
// the cut edge, so it becomes volumetric water content by a two-point calibration made in the soil it stands in
// ([sensors.Calibration]). Air as 0 % and water as 100 % is no calibration of a soil.
//
// Data sheets: TI SBAS444 (ADS1113/4/5): "Single-shot mode", "Config register", table of full scale and LSB size, and in
// the electrical characteristics the data rate, which is within ±10 % of the nominal. DFRobot SEN0193: output 0 to 3.0 V.
//
// The converter is set to ±4.096 V, 0.125 mV a step, at its fastest rate of 860 samples a second, single-ended. After the
// longest a conversion may take, the converter is asked whether it is done, since its oscillator may be slow, and whether
// it still has the settings it was given: a converter that restarted, or that another program uses, has others.
//
// # Traps
//
//   - An input that nothing is connected to floats at some 0.6 V, which would calibrate to soaking wet soil. A probe in
//     water stays above 1 V, so less than 0.8 V is refused.
//   - An input at the rail (7FFFh) or above what the probe's regulator can give (3.1 V) is wired to the supply.
//   - After power-on the result register holds zero.
//
// # Why not periph's ads1x15
//
// It sleeps for the nominal 1/rate, for real and without margin, and reads whatever is in the result register then. The
// tests compare against it.
package soilcap
