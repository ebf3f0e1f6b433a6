// Package gnss reads any satellite receiver that speaks NMEA 0183 on a serial port: latitude, longitude and altitude.
//
// NMEA 0183 is not free to read; what is used here is in the u-blox protocol specifications (u-blox 8/M8, UBX-13003221
// R29, sections 31.1 and 31.2: sentence form, checksum, GGA, RMC) and in gpsd's "NMEA Revealed". Sentences are taken apart
// and their checksums verified by github.com/adrianmo/go-nmea; coordinates are read from their digits, since its floats
// would round twice.
//
// A reading takes the first GGA and RMC that follow the question and are of the same moment. Both have to vouch for it:
//
//   - GGA fix quality 1 (GNSS), 2 (differential), 3 (PPS), 4 or 5 (RTK); 0 is no fix, 6 is dead reckoning, 7 and 8 are
//     typed in or simulated;
//   - RMC status A, and where it has a mode (NMEA 2.3 and later), not E (estimated), M (manual), N (not valid) or S
//     (simulator).
//
// Anything else is "no fix". A receiver whose time stands still while the gateway's goes on repeats itself: that is an
// error too.
//
// ddmm.mmmm becomes degrees by exact arithmetic and one rounding, to 7 places (1.1 cm), which is what receivers with five
// digits of minutes mean. Altitude is above mean sea level by the receiver's own model of it, to 0.1 m.
//
// The time of a fix is not offered to the gateway's clock: over a serial port it is late by up to a second. chrony with
// gpsd, or with the receiver's pulse (PPS), sets the clock properly, and the gateway asks chrony.
package gnss
