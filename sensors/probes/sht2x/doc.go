// Package sht2x reads the Sensirion SHT20, SHT21 and SHT25 and the chips made after them (TE HTU21D, Silicon Labs
// Si7021): temperature and relative humidity of air, on I2C.
//
// Data sheet: Sensirion SHT20, version 3, December 2011, and SHT21, version 4, May 2014. Used are tables 1 and 2 (range
// and accuracy), table 6 (commands), 5.4 (no hold master, status bits), table 7 (measurement times), 5.5 and 5.6 (soft
// reset, user register) and 6 (conversion); the checksum is in "CRC Checksum Calculation", 2009.
//
// Temperature and humidity are asked for one after the other. The two lowest bits of an answer are no measurement but
// say which of the two it is, which is checked.
//
// # Errata
//
//   - A soft reset leaves the heater as it was (5.5). A chip whose heater is on is refused: it has to lose its power.
//   - The formula goes below 0 % and above 100 %; such values are cropped, as the maker of the Si7021 says.
//   - The user register comes without a checksum. It is therefore only looked at, never written.
//   - The only worked example is the humidity of figure 15; none has a temperature.
//
// The address is also that of the INA219 current sensor; the two can not share a bus unless that one is moved.
package sht2x
