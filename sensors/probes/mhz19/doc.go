// Package mhz19 reads the Winsen MH-Z19, MH-Z19B and MH-Z19C: carbon dioxide in air, by the infrared light it swallows, on
// a serial port.
//
// Data sheets: Zhengzhou Winsen MH-Z19B user's manual V1.5 (July 2019), technical parameters, "UART output" (9600 8N1,
// commands 0x86 and 0x79, checksum) and preheat time. The manual's example, 02 20 → 544 ppm, is among the tests.
//
// # Warm-up
//
// The manual gives 3 min of preheat time (the C model 1 min); until then the answer is "not ready yet". A probe that
// warms up shows made-up values, such as 400, 410 or 500 ppm, that cannot be told from air. A loss of power between two
// questions therefore goes unseen: feed it from where the gateway is fed.
//
// # Self-calibration
//
// The probe takes the lowest value of each 24 h for 400 ppm (command 0x79). The manual says what for: rooms that are
// aired, not greenhouses, farms or refrigerators. Whether the choice outlasts a loss of power differs between makes, so it
// is sent each time the probe is opened: the setting self-calibration is "on" as from the factory, right for open air, and
// has to be "off" where the air never becomes that of outdoors.
//
// # Range
//
// The probe is sold with a range of 2000, 5000 or 10000 ppm and stays at its end when there is more; the setting range
// says which, and the end itself is refused. The command that changes the range (0x99) is printed in two ways and is not
// used.
//
// # Errata
//
//   - 0x79 has "no return value", yet some makes answer it; what came before a question is thrown away.
//   - Bytes 4 to 7 of the reply are zero in the manual; probes put a temperature (less 40) and raw values there. They are
//     not passed on.
//   - 0 ppm is no air on Earth; makes that say it while they warm up are refused.
package mhz19
