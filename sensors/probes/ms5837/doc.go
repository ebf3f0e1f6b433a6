// Package ms5837 reads the TE Connectivity MS5837 on I2C: pressure and temperature of the water it is put into. The 30BA
// goes down to 300 m (Blue Robotics Bar30), the 02BA to 10 m, and is ten times finer (Bar02).
//
// Data sheets: MS5837-30BA revision C2 of December 2019 and MS5837-02BA of September 2017, in both "commands", "PROM read
// sequence" with the memory map, "pressure and temperature calculation" (first order, page 11 and page 7) and "second order
// temperature compensation"; for the CRC-4 application note AN520 ([loam/sensors/ms58]).
//
// Both are read at an oversampling of 8192, 18.08 ms at most for each conversion. The pressure is absolute: the weight of
// the water and that of the air on it. The depth of the water follows with the compensation "barometric" and a barometer
// in air nearby ([sensors.Barometric]); without one, depth moves by some 10 mm for each hPa of weather.
//
// # Errata and traps
//
//   - The worked example of the 30BA data sheet prints OFF = 2381326464. Its own coefficients give 2381323464; the pressure
//     printed beside it, 3999.8 mbar, is that of the right value.
//   - Both models answer at 0x76, as does the BME280, and each other's formulas give plausible pressures. The first word of
//     the coefficients holds the product (bits 11 to 5: 1Ah for 30BA26, 00h and 15h for 02BA01 and 02BA21), so that the one
//     is not read as the other. Other codes are let pass, since the list is not known to be complete.
//   - A conversion that was not started, or is read a second time, is zero.
//   - The gel over the membrane is light-sensitive: shade the probe.
package ms5837
