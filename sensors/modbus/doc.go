// Package modbus reads registers of probes that speak Modbus RTU on a serial line, usually RS485.
//
// Standards: MODBUS Application Protocol Specification V1.1b3, sections 6.3, 6.4 (functions 3 and 4) and 7 (exceptions);
// MODBUS over Serial Line Specification and Implementation Guide V1.02, sections 2.4 and 2.5 (request and reply, RTU
// frames, silence of 3.5 characters) and 6.2.2 (CRC).
//
// # Whose reply it is
//
// A reply carries no number that ties it to its request. It is taken only if its checksum is right and it echoes the
// address, the function and the length that were asked for; anything else on the line is passed over: noise where the
// transceivers turn around, a request that the adapter echoes, a reply of another probe that comes late. A request and its
// reply are one transaction of the port, and every request begins with silence: what was late until then is thrown away.
// What remains is a reply of the same probe to an earlier request, so late that it comes after the next one of the same
// length: a probe is therefore never sent two requests of one length that mean different registers (the register maps are
// checked for it).
//
// Nothing is ever written to a probe.
//
// # Why not simonvetter/modbus, grid-x/modbus or goburrow/modbus
//
// They open the serial device themselves, so two probes of different kinds on one RS485 pair cannot share it, nor can a
// simulation take its place. They take no context: a read ends by its own timeout only. They sleep on the wall clock.
// And they give up at the first byte that is not the reply's, where a field line has noise before it. What is left of
// them for reading registers is the frame, which is this package.
package modbus
