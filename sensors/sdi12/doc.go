// Package sdi12 speaks SDI-12 with probes through a serial adapter: 1200 baud, seven bits, even parity.
//
// Standard: SDI-12, a Serial-Digital Interface Standard for Microprocessor-Based Sensors, version 1.4, SDI-12 Support
// Group. Used are chapter 4.4 (commands and their replies: 4.4.1 to 4.4.12, CRC in 4.4.12) and chapter 7 (timing).
//
// The adapter only has to bring the levels of the data line to those of the port, and to take its driver off the line
// when the port is silent. Whether what is sent comes back as an echo does not matter.
//
// # Timing
//
// Every command begins with a break of at least 12 ms and marking of at least 8.33 ms, which wakes the probes. A probe
// begins its reply within 15 ms, and leaves no more than 1.66 ms between characters; an adapter on USB adds some tens of
// milliseconds of its own, so that is what is waited for. A command that is not answered, or not rightly, is sent three
// times. The standard also has retries without a break, but only while the probe is still awake, 100 ms after it last
// heard something; behind USB that cannot be kept, and a break is always allowed between commands.
//
// # Concurrent measurement
//
// The port belongs to one probe for one exchange only. Between the start of a concurrent measurement (aC!, aCC!) and the
// collection of its data the others have their turn, so several probes measure at the same time. An ordinary measurement
// (aM!, aMC!) is given up by the probe when anybody else is addressed: the port is then kept, until the probe requests
// service or its time is over.
//
// # Errata
//
//   - A probe that knows no such measurement answers that it will deliver no values (atttn with n = 0), and one whose
//     measurement was given up answers with its address alone: both are errors here, not empty measurements.
//   - The standard allows seven digits to a value. More are accepted, as probes do send them.
package sdi12
