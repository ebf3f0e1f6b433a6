// Package atlas reads the EZO circuits of Atlas Scientific in water: pH, conductivity, dissolved oxygen, redox potential
// and temperature, on I2C or on a serial port.
//
// Data sheets: Atlas Scientific EZO-pH 5.8, EZO-EC 6.2, EZO-DO 5.4, EZO-ORP and EZO-RTD. Used are, of each, the first page
// (range, resolution, accuracy), "requesting data" and "response codes" (EZO-pH pages 45 and 46), "taking reading" (51),
// "calibration" (52), "slope" (55), "temperature compensation" (57), "device information" (59), for EC "K value" and
// "enable/disable parameters", for DO salinity and pressure compensation too, and the same commands in the chapters on
// UART. Worked examples of a reply exist for pH only; EC, DO and ORP are tested against the formats printed.
//
// A command is plain text. On I2C its reply is a code, text and a NUL, after a pause that depends on the command; a circuit
// that is not done yet (code 254) is asked again. On UART the text and *OK are lines that end with CR; the circuit is told
// to stop talking by itself. Circuits are shipped in UART mode, I2C is chosen once by the maker's procedure. Any I2C
// address can have been set: 0x08 to 0x77.
//
// # Temperature
//
// What pH, conductivity and dissolved oxygen mean depends on the temperature of the water. The circuit reckons with the
// setting temperature, in °C; it forgets it with its power, so it is sent before every reading, 300 ms each.
//
//   - Conductivity: 25, the default, is no compensation. The channel's calibration can refer it to 25 °C by a thermometer
//     nearby ([sensors.ConductivityTemperature]); then leave the setting alone.
//   - pH: 25, the default, likewise, with [sensors.PHTemperature].
//   - Dissolved oxygen: mg/L follow from the temperature that is set, some 2 % for each degree, and nothing else compensates
//     them. The setting has no default: say what the water has, and mind the seasons. Salinity (µS/cm) and air pressure
//     (kPa) default to fresh water and sea level: at 1000 m, 89.9 kPa, oxygen is 11 % less.
//
// # Calibration
//
// A circuit keeps its calibration itself, and readings are as the circuit calibrated them. [Probe.Steps] to [Probe.Forget]
// are its commands. For pH the middle point comes first: it forgets the others.
//
// # Errata and traps
//
//   - What else a circuit can print (TDS, salinity, specific gravity, percent saturation) changes its replies. At opening,
//     the outputs are asked for and only what is measured here is left on. Its reply begins "?,O," where others begin "?O,".
//   - A probe that is dry or not plugged in: conductivity 0.00 is below what the circuit can measure, -1023 °C is an RTD
//     without a probe, and pH 0.000 and 14.000 are ends of the scale. They are refused.
//   - A Raspberry Pi's I2C can set the highest bit of characters after clock stretching; the maker's own code for it clears
//     that bit, and so does this package. There is no checksum: text that is not exactly a number is refused.
//   - After a restart there is nothing to read: code 255. A calibration survives it, the temperature does not.
//   - Temperatures above 50 are refused as settings: 77 is a Fahrenheit that would halve a conductivity.
//   - The EZO-DO shares 0x61 with the SCD30, the EZO-ORP 0x62 with the SCD4x. The circuit is asked what it is.
package atlas
