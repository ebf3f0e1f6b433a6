// Package maxbotix reads the ultrasonic rangefinders of MaxBotix that send text: the distance to a surface, such as that of
// water or snow, on a serial port.
//
// Data sheets: HRXL-MaxSonar-WR/WRC (PD11500y: MB7360 to MB7389), XL-MaxSonar-WR/WRC (MB7060 to MB7076) and
// LV-MaxSonar-EZ (PD11832f: MB1000 to MB1040); in each "pin 5, serial output", the range table and the sections on minimum
// and maximum distance. 9600 8N1; "R", three or four digits and a carriage return, several times a second.
//
// The setting series says what the digits are:
//
//	hrxl-5m    MB7360, MB7369, MB7380, MB7389 …   four digits, mm      300 to 4998
//	hrxl-10m   MB7363, MB7366, MB7368, MB7383 …   four digits, mm      500 to 9998
//	xl         MB7060, MB7070 (7.65 m)            three digits, cm     20 to 764
//	lv         MB1000 to MB1040                   three digits, inches 6 to 253
//
// Centimetres and inches become whole millimetres (1 in = 25.4 mm, rounded once); the step stays that of the probe.
//
// Everything that came before the question is thrown away, and a line counts only where another line's end was seen
// before it: half a line ("34\r" of "R1234\r") is no distance. Lines have no checksum; a damaged digit is a wrong
// distance, which only quality control can find. After power-on the probes send a few lines of text about themselves, which
// are no frames.
//
// # What is no measurement
//
//   - The end of the scale (4999 and more, 9999, 765, 254 and more): no surface answered.
//   - The beginning of the scale (300 mm, 500 mm, 20 cm, 6 in) and less: what is nearer is said to be there too, and so are
//     too many echoes.
//
// # Wiring
//
// MB736x, MB706x and LV-EZ speak inverted (RS232 at the supply's voltage): they need an inverter, or an RS232 adapter.
// MB738x speak TTL. HRXL with a thermometer on a wire (MB7955) are right in the sun, those without are some percent off.
package maxbotix
