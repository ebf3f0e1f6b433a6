package sps30

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"loam/sensors/uart"
)

// Commands of the UART (section 5.3).
const (
	cmdStart  = 0x00 // 01, format
	cmdStop   = 0x01
	cmdRead   = 0x03
	cmdWake   = 0x11
	cmdStatus = 0xD2 // 00: leave it as it is

	formatFloat = 0x03
)

// States of a reply; the top bit says that the status register reports an error.
const (
	stateUnknown    = 0x02
	stateNotAllowed = 0x43
	stateFault      = 0x80
)

const (
	mark   = 0x7E
	escape = 0x7D
)

// What a frame can be that is none.
var (
	ErrChecksum = errors.New("the checksum is wrong")
	ErrFraming  = errors.New("not a whole frame")
)

// checksum is the inverted low byte of the sum.
func checksum(b []byte) byte {
	var s byte
	for _, v := range b {
		s += v
	}
	return ^s
}

// stuff replaces the four bytes that have a meaning on the line (section 5.2, table 5).
func stuff(b []byte) []byte {
	var out []byte
	for _, v := range b {
		switch v {
		case mark, escape, 0x11, 0x13:
			out = append(out, escape, v^0x20)
		default:
			out = append(out, v)
		}
	}
	return out
}

// unstuff undoes stuff. An escape before anything but the four is damage.
func unstuff(b []byte) ([]byte, error) {
	var out []byte
	for i := 0; i < len(b); i++ {
		if b[i] != escape {
			out = append(out, b[i])
			continue
		}
		if i++; i == len(b) || !bytes.Contains([]byte{0x5E, 0x5D, 0x31, 0x33}, b[i:i+1]) {
			return nil, fmt.Errorf("%w: a byte was stuffed that need not be", ErrFraming)
		}
		out = append(out, b[i]^0x20)
	}
	return out, nil
}

// request writes a command as it is sent: mark, address 0, command, length, data, checksum, mark.
func request(cmd byte, data ...byte) []byte {
	b := append([]byte{0, cmd, byte(len(data))}, data...)
	b = stuff(append(b, checksum(b)))
	return append(append([]byte{mark}, b...), mark)
}

// reply is what a frame of the probe says.
type reply struct {
	command byte
	state   byte
	data    []byte
}

// decode reads a whole frame: mark, address, command, state, length, data, checksum, mark.
func decode(frame []byte) (reply, error) {
	if len(frame) < 2 || frame[0] != mark || frame[len(frame)-1] != mark {
		return reply{}, ErrFraming
	}
	b, err := unstuff(frame[1 : len(frame)-1])
	if err != nil {
		return reply{}, err
	}
	end := len(b) - 1
	if end < 4 {
		return reply{}, fmt.Errorf("%w: %d bytes", ErrFraming, len(b))
	}
	if want := checksum(b[:end]); b[end] != want {
		return reply{}, fmt.Errorf("%w: %#02x, not %#02x", ErrChecksum, b[end], want)
	}
	if b[0] != 0 || int(b[3]) != end-4 {
		return reply{}, fmt.Errorf("%w: address %d, length %d with %d bytes of data", ErrFraming, b[0], b[3], end-4)
	}
	return reply{command: b[1], state: b[2], data: b[4:end]}, nil
}

// longest is the longest stuffed reply: everything but the marks doubled.
const longest = 2 + 2*(5+4*values)

// reader finds replies. A reply to anything comes within 50 ms (section 5.3); a USB adapter may add some.
var reader = uart.Reader{
	Format: uart.Format{
		Header: []byte{mark},
		Length: func(b []byte) int {
			end := bytes.IndexByte(b[1:], mark)
			switch {
			case end < 0 && len(b) > longest, end == 0: // two marks beside each other end and begin frames
				return -1
			case end < 0:
				return 0
			}
			return end + 2
		},
		Check: func(frame []byte) error { _, err := decode(frame); return err },
	},
	Wait: 500 * time.Millisecond, Gap: 100 * time.Millisecond, Limit: 512,
}
