// Package a02yyuw reads the DYP A02YYUW (DFRobot SEN0311): the distance to a surface, such as that of water, by ultrasound,
// on a serial port.
//
// Documents: DFRobot wiki SEN0311, specification (30 to 4500 mm, ±1 cm), "UART Output Form" (9600 8N1; FF, distance high
// and low byte in mm, low byte of the sum; the example FF 07 A1 A7 is 1953 mm) and "Output Communication".
//
// The probe sends a frame every 100 to 300 ms by itself. Everything that came before the question is thrown away, and two
// frames in a row have to be whole before the second is believed: a frame has one header byte, which may also occur within
// it, and one byte of sum, so that one alone can be a chance cut through two others. Keep the probe's RX open or high, as an
// idle serial port does: it then filters its values.
//
// The family has a kind that answers only when its RX falls ("UART controlled", A02YYTW); output = "controlled" asks it
// with one FF byte, whose start bit is the only time the line is low. One frame is then the answer.
//
// # What is no measurement
//
// A value outside 30 to 4500 mm: 0 where there is no echo or the surface is too near, and values at the top of the scale
// that newer firmware uses for errors. No example of these is published.
//
// Surfaces at an angle, foam and condensation on the face give wrong or no distances. What a distance means in depth or
// volume is for the calibration.
package a02yyuw
