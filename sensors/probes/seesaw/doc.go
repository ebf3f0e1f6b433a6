// Package seesaw reads the Adafruit STEMMA soil sensor (product 4026) on I2C: a capacitive fork with a microcontroller that
// runs Adafruit's seesaw firmware.
//
// Sources: Adafruit learning guide "Adafruit STEMMA Soil Sensor" (range of the count, addresses), guide "Adafruit seesaw"
// (module and function addresses: status 00h with hardware id 01h, touch 0Fh with channel 0 at 10h), and
// Adafruit_Seesaw (Adafruit_seesaw.cpp, touchRead: pauses and repetition). There is no data sheet, and no worked example.
//
// What it delivers is a count of its capacitance, about 200 in dry air and up to 2000 in wet soil. What that means in water
// depends on the soil, the probe and how deep the fork stands, so it becomes volumetric water content by a two-point
// calibration made in the soil it stands in ([sensors.Calibration]).
//
// The firmware also gives the temperature of its microcontroller, ±2 °C, from above the ground and warmed by the sun on the
// board. It is neither that of the soil nor that of the air, so it is not passed on.
//
// # Traps
//
//   - FFFFh is "no count yet": it comes when the firmware is asked while it counts. It is asked again, with a longer pause.
//   - Between writing what is meant and reading it there is a stop and a pause: the firmware needs the time.
//   - There is no checksum. A count outside of 200 to 2000 is refused, and three counts are taken, of which the middle one
//     is passed on, so that a single wrong bit is not a drought.
//   - The microcontroller differs by lot (SAMD09, ATtiny 8x6, 8x7, 16x6, 16x7): each has its own hardware id.
package seesaw
