// Package meter reads the probes of METER Group, formerly Decagon, on SDI-12: TEROS 11 and 12 (soil water content), TEROS
// 21 (soil water potential), HYDROS 21 and its predecessor CTD-10 (depth, temperature and conductivity of water).
//
// Documents: TEROS 11/12 integrator guide (18224) and manual (20587), section 3.1 (ranges, accuracy) and 4.1.1 to 4.1.3
// (equations 5 to 7); TEROS 21 integrator guide (18204); HYDROS 21 integrator
// guide (18281) and CTD manual (13869). All answer aC! with the values in the order of their outputs here; TEROS 11 and 12
// send the count of their oscillator (RAW) instead of a water content, which follows from it by what the probe stands in.
//
// # Soil
//
// The setting soil says which equation of the manual makes water content of RAW: "mineral" (the default, one line for
// most mineral soils up to 8 dS/m saturation extract), "soilless" (peat, perlite, potting soil), or "topp" (permittivity,
// then Topp, Davis and Annan 1980). RAW itself is delivered, too, so that a calibration made in the very soil can be
// applied to it, and old readings can be recomputed. The equations are computed in exact fractions and rounded once.
//
// # Traps
//
//   - A probe that cannot measure sends a code instead of a value, a whole number from −9999 to −9990. The matric potential
//     of a TEROS 21 passes through these numbers in very dry soil, but then with its digit after the point.
//   - Soil as dry as air makes the equations negative. There is no such water content: RAW is delivered without it.
//   - On power-up the probes send a line of another protocol by themselves (DDI); it is thrown away before a command.
//   - How many digits RAW has depends on the firmware: they are passed on as they come.
//   - A HYDROS 21 that has fallen dry says some millimetres below or above zero, as its accuracy allows.
//
// No worked example of the equations is printed in the manuals; the tests compute them a second way.
package meter
