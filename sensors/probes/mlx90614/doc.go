// Package mlx90614 reads the Melexis MLX90614: the temperature of what it looks at, by its infrared radiation, on
// SMBus, which is I2C with rules of its own.
//
// Data sheet: Melexis 3901090614, revision 008, February 2013: 8.3.3 and 8.3.4 (EEPROM and RAM), 8.4.3 (SMBus: read
// word), 8.4.5 (commands), 8.6 (RAM values) and the tables of accuracy; application note 390119061402 "SMBus
// communication with MLX90614", revision 004 (error flag, checksum examples).
//
// The first object temperature is passed on, as temperature of a surface. The temperature of the chip itself is not: in
// a housing it is not that of air.
//
//   - The chip takes what it sees for black (emissivity 1, from the factory). Leaves, soil and water are 0.95 to 0.98:
//     under a clear, cold sky they are warmer than they look, by a degree or two.
//   - What counts is everything in its field of view, often 90°: close to the ground it sees ground.
//   - The factory's address is 0x5A. It can be changed, to tell several on one bus apart: 0x5A to 0x5D are known here.
//   - The bus must not be faster than 100 kHz.
//
// # Checks
//
// Every word comes with a packet error code (CRC-8 over the whole transaction, addresses included), and an error bit.
// When opened, the chip is asked for its own address. In the first quarter of a second after it got power, its values
// are not right.
//
// periph and tinygo have no driver that checks either.
package mlx90614
