// Package ds18b20 reads the Maxim DS18B20, the waterproof 1-Wire thermometer, in water or soil.
//
// Data sheet: Maxim 19-7487, revision 6. Used are table 1 (temperature and data), figure 9 (scratchpad and its power-up
// state), table 2 (conversion time), "64-bit lasered ROM code", "CRC generation", and the function commands 44h and BEh.
//
// # Errata and traps
//
//   - The temperature register is 85 °C after power-on. A probe that lost its power, or had too little of it to convert,
//     answers with that and a right checksum. Byte 6 is 0Ch then; it is refused together with 0550h only, since clones
//     show 0Ch in good readings too, and water may truly have 85 °C.
//   - A bus shorted to ground reads as zeros, whose checksum is zero and right: 0 °C. The configuration register cannot
//     be zero, so it is looked at.
//   - A bus nobody answers on reads as ones.
//   - The low bits are undefined at less than 12 bits of resolution (table 1) and are cleared.
//   - Linux cannot hold the data line up strongly while a probe converts: with more than one probe on two wires only
//     (parasite power), connect the third.
//
// The resolution is left as the probe has it stored; probes are sold with 12 bits. Samples have four places after the
// point, which is what 1/16 °C needs; the accuracy is another matter.
//
// # Why not periph's ds18b20
//
// Its constructor may write the probe's EEPROM, its wait of 750 ms cannot be cancelled, and its guard against 85 °C
// compares with 85 K and never fires. The protocol is short; here it is read with a clock that can be cancelled.
package ds18b20
