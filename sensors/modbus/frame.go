package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Function says which registers are read.
type Function byte

// The functions.
const (
	ReadHolding Function = 3 // holding registers
	ReadInput   Function = 4 // input registers
)

// MaxRegisters is how many registers one request may ask for.
const MaxRegisters = 125

// Request asks for registers that follow each other.
type Request struct {
	Function Function
	First    uint16 // address of the first register, from 0
	Count    uint16
}

// Validate says what is wrong with the request, if anything.
func (r Request) Validate() error {
	switch {
	case r.Function != ReadHolding && r.Function != ReadInput:
		return fmt.Errorf("modbus: function %d: use 3 (holding registers) or 4 (input registers)", r.Function)
	case r.Count < 1 || r.Count > MaxRegisters:
		return fmt.Errorf("modbus: %d registers: ask for 1 to %d", r.Count, MaxRegisters)
	case int(r.First)+int(r.Count) > 1<<16:
		return fmt.Errorf("modbus: %d registers from %#x go beyond the last one", r.Count, r.First)
	}
	return nil
}

// String names the registers.
func (r Request) String() string {
	return fmt.Sprintf("%d registers from %#x with function %d", r.Count, r.First, r.Function)
}

// Frame returns the bytes that ask the probe at address.
func (r Request) Frame(address byte) []byte {
	b := []byte{address, byte(r.Function)}
	b = binary.BigEndian.AppendUint16(b, r.First)
	b = binary.BigEndian.AppendUint16(b, r.Count)
	return Seal(b)
}

// What can come instead of registers.
var (
	// ErrChecksum says that a frame was damaged on its way.
	ErrChecksum = errors.New("wrong checksum")
	// ErrNotTheReply says that a frame does not answer the request: another probe's, another function or length.
	ErrNotTheReply = errors.New("not the reply to this request")
	// ErrGarbled says that something came and no reply was in it.
	ErrGarbled = errors.New("no reply in what came")
	// ErrNoise says that the line is never silent, so that nothing can be asked.
	ErrNoise = errors.New("the line is never silent")
)

// Exception is a probe's word that it cannot answer, one of the codes of the standard's section 7.
type Exception byte

// Error implements error.
func (e Exception) Error() string {
	meaning := map[Exception]string{
		1: "it does not know the function", 2: "it does not have these registers", 3: "it takes no such number of registers",
		4: "it failed", 5: "it needs more time", 6: "it is busy", 8: "its memory is damaged",
		10: "the gateway has no path to it", 11: "it does not answer the gateway",
	}[e]
	if meaning == "" {
		meaning = "a code the standard does not have"
	}
	return fmt.Sprintf("the probe answers with exception %d: %s", byte(e), meaning)
}

// frame lengths: address, function, byte count or code, and the checksum.
const (
	overhead        = 5
	exceptionLength = 5
	exceptionBit    = 0x80
)

// length returns how long a right reply is.
func (r Request) length() int { return overhead + 2*int(r.Count) }

// Registers reads one whole reply of the probe at address.
func (r Request) Registers(address byte, frame []byte) ([]uint16, error) {
	if len(frame) < overhead || !sealed(frame) {
		return nil, fmt.Errorf("modbus: % x: %w", frame, ErrChecksum)
	}
	switch {
	case frame[0] != address:
		return nil, fmt.Errorf("modbus: % x: %w: it is from address %d, not %d", frame, ErrNotTheReply, frame[0], address)
	case frame[1] == byte(r.Function)|exceptionBit && len(frame) == exceptionLength:
		return nil, Exception(frame[2])
	case frame[1] != byte(r.Function) || len(frame) != r.length() || int(frame[2]) != 2*int(r.Count):
		return nil, fmt.Errorf("modbus: % x: %w: asked for %s", frame, ErrNotTheReply, r)
	}
	registers := make([]uint16, r.Count)
	for i := range registers {
		registers[i] = binary.BigEndian.Uint16(frame[3+2*i:])
	}
	return registers, nil
}

// find looks for the reply anywhere in what came: there may be noise or other frames before it. Where it is not there,
// or not complete yet, it returns false.
func (r Request) find(address byte, came []byte) ([]uint16, error, bool) {
	for i := range came {
		rest := came[i:]
		if len(rest) < exceptionLength || rest[0] != address {
			continue
		}
		n := exceptionLength
		switch {
		case rest[1] == byte(r.Function) && int(rest[2]) == 2*int(r.Count):
			n = r.length()
		case rest[1] != byte(r.Function)|exceptionBit:
			continue
		}
		if len(rest) >= n && sealed(rest[:n]) {
			registers, err := r.Registers(address, rest[:n])
			return registers, err, true
		}
	}
	return nil, nil, false
}

// CRC is the checksum over b: polynomial 0xA001, least significant bit first, from 0xFFFF.
func CRC(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			odd := crc&1 != 0
			crc >>= 1
			if odd {
				crc ^= 0xA001
			}
		}
	}
	return crc
}

// Seal appends the checksum, low byte first.
func Seal(b []byte) []byte { return binary.LittleEndian.AppendUint16(b, CRC(b)) }

func sealed(frame []byte) bool {
	n := len(frame) - 2
	return CRC(frame[:n]) == binary.LittleEndian.Uint16(frame[n:])
}
