// Package sds011 reads the Nova Fitness SDS011: fine dust in air, by the light it scatters from a laser, on a serial port.
//
// Documents: "Laser PM2.5 Sensor specification", SDS011, V1.3, 9 October 2015 (technical parameters, service life,
// communication protocol) and "Laser Dust Sensor Control Protocol", V1.3, 20 July 2015 (commands). 9600 8N1; frames of 10
// bytes from the probe, 19 to it; the sum covers the six bytes, or fifteen, between the command and itself.
//
// The probe is set to work, to query mode and to no working period of its own, so that each answer belongs to a question
// and is of that moment. Mode and period are kept in its flash: they are asked for first, and written only where they
// differ. It is learned which device answers; what another one sends is no answer.
//
// # Warm-up and wear
//
// "The data is stable when the sensor works after 30 seconds" (protocol, 4): until then the answer is "not ready yet". The
// laser is made for 8000 h, eleven months of steady work. The setting rest, in minutes, has the probe sleep after each
// reading for so long, and then warm up again: with 5 minutes of rest and a question a minute it works a tenth to a third
// of the time.
//
// # What is no measurement
//
//   - PM2.5 of 999.x or PM10 of 1999.x, the ends of the scale: the fan stands still or the inlet is blocked. The maker does
//     not print this; sensor.community's firmware drops the same values, after they had polluted its map (sensors-software
//     pull request 442).
//   - Both values 0.0: the probe has not measured since it was switched on (as PyPMS reads it, too).
//   - PM10 above 999.9 µg/m³, which nothing vouches for.
//
// # Errata
//
//   - The protocol says that any command wakes a sleeping probe; devices were seen to ignore all but "work". Only that is
//     used.
//   - Above some 70 % of humidity, droplets are counted as dust (the specification's limit for storage and work): use the
//     readings with a hygrometer beside them.
//   - A loss of power between two questions goes unseen, since mode and period outlast it: the values of the first half
//     minute after it may then be passed on.
//   - Firmware before 2015 has no working period and leaves that question unanswered.
package sds011
