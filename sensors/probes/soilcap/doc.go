// Package soilcap reads a capacitive soil moisture probe (DFRobot SEN0193 and the "v1.2" boards made after it) through an
// input of a Texas Instruments ADS1115 converter on I2C.
//
// What it delivers is the voltage of the probe: what that means in water depends on the soil, the probe and the depth of
// the cut edge, so it becomes volumetric water content by a two-point calibration made in the soil it stands in
// ([sensors.Calibration]). Air as 0 % and water as 100 % is no calibration of a soil.
//
// Data sheet: DFRobot SEN0193: output 0 to 3.0 V. The converter is set to ±4.096 V, 0.125 mV a step; [adc] has its sheet.
//
// # Traps
//
//   - An input that nothing is connected to floats at some 0.6 V, which would calibrate to soaking wet soil. A probe in
//     water stays above 1 V, so less than 0.8 V is refused.
//   - An input at the rail (7FFFh) or above what the probe's regulator can give (3.1 V) is wired to the supply.
package soilcap
