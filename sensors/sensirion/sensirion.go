// Package sensirion is the language of Sensirion's chips, which others have taken over (Texas Instruments HDC302x, Aosong
// AHT20): 16-bit commands, and 16-bit words each followed by a CRC-8.
//
// Data sheets: SHT3x-DIS version 5 (May 2018), section 4.12 "Checksum Calculation" and table 20; SCD4x version 1.3,
// section 3.11; SCD30 Interface Description 1.4.5, section 1.1.3; SPS30 1.0, section 6.2. The worked example of all of
// them is 0xBEEF → 0x92. The SHT2x's checksum starts from 0 instead ("CRC Checksum Calculation", 2009: 0xDC → 0x79).
package sensirion

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"loam/sensors/chip"
)

// What the checksum's register starts from.
const (
	Initial      = 0xFF
	InitialSHT2x = 0x00
)

// ErrCRC is wrapped where a word and its checksum do not agree: bits were lost on the way.
var ErrCRC = errors.New("wrong checksum")

// CRC8 returns the checksum of data: polynomial x⁸+x⁵+x⁴+1, most significant bit first, not inverted at the end.
func CRC8(initial byte, data ...byte) byte {
	crc := initial
	for _, b := range data {
		crc ^= b
		for range 8 {
			carry := crc & 0x80
			crc <<= 1
			if carry != 0 {
				crc ^= 0x31
			}
		}
	}
	return crc
}

// Command returns a command as it is sent, with its arguments and their checksums.
func Command(code uint16, arguments ...uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, code)
	for _, v := range arguments {
		b = binary.BigEndian.AppendUint16(b, v)
		b = append(b, CRC8(Initial, b[len(b)-2:]...))
	}
	return b
}

// Words returns the words of a frame after checking each. It returns none, and an error that wraps [ErrCRC], where one is
// wrong.
func Words(frame []byte) ([]uint16, error) {
	if len(frame)%3 != 0 {
		return nil, fmt.Errorf("%d bytes are not words of three: %w", len(frame), ErrCRC)
	}
	words := make([]uint16, 0, len(frame)/3)
	for i := 0; i < len(frame); i += 3 {
		if crc := CRC8(Initial, frame[i:i+2]...); crc != frame[i+2] {
			return nil, fmt.Errorf("word %d is % x, its checksum should be %02x: %w", i/3+1, frame[i:i+3], crc, ErrCRC)
		}
		words = append(words, binary.BigEndian.Uint16(frame[i:]))
	}
	return words, nil
}

// Float returns the number whose upper half is in high and lower half in low.
func Float(high, low uint16) float32 { return math.Float32frombits(uint32(high)<<16 | uint32(low)) }

// Steps returns what a 16-bit raw value means, in steps: offset + span·raw/65535, rounded.
func Steps(raw uint16, span, offset int64) int64 {
	return chip.Linear(int64(raw), math.MaxUint16, span, offset)
}

// Read sends what is asked, waits and reads count words. The chip is written to and read from in two transactions, which
// all of the family bear.
func Read(ctx context.Context, c *chip.Chip, ask []byte, wait time.Duration, count int) ([]uint16, error) {
	if err := c.Write(ctx, ask...); err != nil {
		return nil, err
	}
	if err := c.Wait(ctx, wait); err != nil {
		return nil, err
	}
	frame := make([]byte, 3*count)
	if err := c.Tx(ctx, nil, frame); err != nil {
		return nil, err
	}
	words, err := Words(frame)
	if err != nil {
		return nil, c.Error(err, "is the cable too long, or near a motor or pump?")
	}
	return words, nil
}
