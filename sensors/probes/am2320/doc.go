// Package am2320 reads the Aosong AM2320 and AM2321: temperature and relative humidity of air, on I2C. It also knows
// the frame of their relatives on one wire, DHT22 (AM2302) and AM2301.
//
// Data sheet: Aosong AM2320 Product Manual, version 1.0 (2014): tables 1 and 2 (range and accuracy), 8.2 (I2C: wake-up,
// times, function code 03, CRC-16). DHT22: Aosong AM2302 Product Manual, section 7 (frame).
//
// # How it is asked
//
//   - The sensor sleeps to stay cool. It wakes when it is addressed, and does not acknowledge that; it is ready 0.8 ms
//     later and sleeps again after 3 ms, so that the question has to follow at once.
//   - The answer is what it measured when it was last asked, however long ago; asking makes it measure anew. It is
//     therefore asked twice, two seconds apart, and the first answer is thrown away. A reading takes a little over two
//     seconds.
//
// # Errata
//
//   - The manual writes the address as 0xB8, which is 0x5C and the write bit.
//   - Below zero the temperature is sign and magnitude, not two's complement.
//   - The CRC is that of Modbus, low byte first. The manual's example is 03 04 03 39 01 15 → E1 FE, 82.5 % and 27.7 °C;
//     the sum of its example of a single-wire frame is wrong on purpose.
//   - In the two seconds after it got power, the sensor must not be asked; a reading then may fail.
//   - On a Raspberry Pi, a bus that is faster than 100 kHz is too fast for it.
//
// # Why not periph's
//
// periph's am2320 sleeps for real, tries ten times two seconds apart, passes on the stale answer, and takes
// temperatures below zero as two's complement: −10.1 °C becomes −3266.7 °C.
//
// # DHT22
//
// A bit of the DHT22 lasts 50 to 120 µs, which a program on Linux cannot time. [ParseDHT22] is for whoever got the five
// bytes from something that can.
package am2320
