package sim

import (
	"encoding/binary"
	"time"
)

// wordChip is a chip that takes commands, some with 16-bit arguments, and answers in 16-bit words, each followed by a
// CRC-8, as Sensirion's and their like. While it works on a command it acknowledges nothing.
type wordChip struct {
	now           func() time.Time
	width         int // bytes of a command
	crc           byte
	repeatedStart bool   // whether it bears to be written to and read from in one transaction
	restart       func() // what a loss of power does to it
	commands      map[uint16]wordCommand

	answer    []byte
	ready     time.Time // when the answer is, and the next command is taken
	measuring bool      // the answer is a measurement
}

// wordCommand is what a chip does on a command.
type wordCommand struct {
	takes    time.Duration
	measures bool
	// do returns the answer's words, and whether the command is acknowledged.
	do func(arguments []uint16) ([]uint16, bool)
}

// says is a command that is always answered with the same.
func says(words ...uint16) func([]uint16) ([]uint16, bool) {
	return func([]uint16) ([]uint16, bool) { return words, true }
}

// exchange implements [i2cChip].
func (c *wordChip) exchange(w, r []byte, powered bool) error {
	if !powered && c.restart != nil {
		c.restart()
	}
	if len(w) > 0 && len(r) > 0 && !c.repeatedStart || c.now().Before(c.ready) {
		return ErrNoAcknowledge
	}
	if len(w) > 0 {
		if err := c.command(w); err != nil {
			return err
		}
	}
	if len(r) == 0 {
		return nil
	}
	if len(c.answer) < len(r) || c.now().Before(c.ready) || c.measuring && !powered {
		return ErrNoAcknowledge
	}
	copy(r, c.answer)
	c.answer = nil
	return nil
}

func (c *wordChip) command(w []byte) error {
	code := uint16(w[0])
	if c.width == 2 && len(w) > 1 {
		code = binary.BigEndian.Uint16(w)
	}
	cmd, known := c.commands[code]
	if !known || len(w) < c.width || (len(w)-c.width)%3 != 0 {
		return ErrNoAcknowledge
	}
	var arguments []uint16
	for b := w[c.width:]; len(b) > 0; b = b[3:] {
		if crc8(0x131, c.crc, b[:2]) != b[2] {
			return ErrNoAcknowledge
		}
		arguments = append(arguments, binary.BigEndian.Uint16(b))
	}
	words, ok := cmd.do(arguments)
	if !ok {
		return ErrNoAcknowledge
	}
	c.answer, c.ready, c.measuring = nil, c.now().Add(cmd.takes), cmd.measures
	for _, v := range words {
		c.answer = binary.BigEndian.AppendUint16(c.answer, v)
		c.answer = append(c.answer, crc8(0x131, c.crc, c.answer[len(c.answer)-2:]))
	}
	return nil
}

// crc8 is what remains of the message, with eight zeros behind it, when it is divided by the polynomial: long division, as
// on paper. The initial value goes into the first byte.
func crc8(polynomial int, initial byte, message []byte) byte {
	rest := 0
	for i := range len(message) + 1 {
		b := byte(0)
		if i < len(message) {
			b = message[i]
		}
		if i == 0 {
			b ^= initial
		}
		for bit := 7; bit >= 0; bit-- {
			if rest = rest<<1 | int(b>>bit)&1; rest&0x100 != 0 {
				rest ^= polynomial
			}
		}
	}
	return byte(rest)
}
