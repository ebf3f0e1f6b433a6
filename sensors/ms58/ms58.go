// Package ms58 is the pressure chips that Measurement Specialties (now TE Connectivity) makes to one pattern: MS5611,
// MS5637, MS5837 and their kin. They share commands, coefficients with a CRC-4, and a compensation of which only shifts
// and the terms of second order differ.
//
// Sources: TE application note AN520 (the CRC-4), and of each model its data sheet's "commands", "PROM read sequence" and
// "pressure and temperature calculation".
//
// A division in the data sheets' formulas is a shift: it rounds towards minus infinity, also below zero. Only so do their
// own printed examples come out to the last digit.
package ms58

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
)

// Commands.
const (
	cmdReset    = 0x1E
	cmdRead     = 0x00
	cmdPressure = 0x40 // oversampling is added
	cmdTemp     = 0x50
	cmdPROM     = 0xA0 // twice the word is added
)

// resetTime is how long the chip takes to reload its coefficients: 2.8 ms.
const resetTime = 10 * time.Millisecond

// What the chip can answer that is no measurement.
var (
	ErrCRC         = errors.New("the checksum of the coefficients is wrong")
	ErrNotMeasured = errors.New("the chip has not measured")
)

// PROM is the eight words of coefficients. A chip with seven has zero in the last.
type PROM [8]uint16

// Layout says where a model keeps its checksum.
type Layout struct {
	words    int
	crcWord  int
	crcShift uint
}

// The layouts.
var (
	Seven = Layout{words: 7, crcWord: 0, crcShift: 12} // high four bits of the first word: MS5637, MS5837
	Eight = Layout{words: 8, crcWord: 7, crcShift: 0}  // low four bits of the last word: MS5611
)

// Check says whether the checksum is right, and the coefficients are any.
func (l Layout) Check(p PROM) error {
	at := l.crcShift
	said := p[l.crcWord] >> at & 0xF
	bare := p
	bare[l.crcWord] &^= 0xF << at
	if l.crcWord == 7 {
		bare[7] &= 0xFF00 // AN520: the low byte does not count
	}
	if crc := CRC4(bare); crc != said {
		return fmt.Errorf("%w (%#x, not %#x)", ErrCRC, said, crc)
	}
	for i := 1; i <= 6; i++ {
		if p[i] == 0 || p[i] == 0xFFFF { // a dead bus reads as zeros, whose checksum is right
			return fmt.Errorf("%w (C%d is %#x)", ErrCRC, i, p[i])
		}
	}
	return nil
}

// CRC4 is the checksum of AN520: polynomial x⁴ + x + 1 over all sixteen bytes, from a remainder of zero. The checksum's
// own bits have to be zero.
func CRC4(p PROM) uint16 {
	rest := uint16(0)
	for i := range 16 {
		b := p[i/2] >> 8
		if i%2 == 1 {
			b = p[i/2] & 0xFF
		}
		rest ^= b
		for range 8 {
			carry := rest & 0x8000
			rest <<= 1
			if carry != 0 {
				rest ^= 0x3000
			}
		}
	}
	return rest >> 12
}

// Chip is an open chip with its coefficients.
type Chip struct {
	*chip.Chip
	PROM PROM

	oversampling byte // added to the commands
	convertTime  time.Duration
}

// Open finds the chip, resets it and reads its coefficients. oversampling is 256, 512, 1024, 2048, 4096 or 8192, as far as
// the model has it, and convertTime the longest it takes then.
func Open(ctx context.Context, m sensors.Model, w sensors.Wiring, l Layout, oversampling int, convertTime time.Duration) (*Chip, error) {
	c, err := chip.Open(m, w)
	if err != nil {
		return nil, err
	}
	k := &Chip{Chip: c, convertTime: convertTime}
	for osr := 256; osr < oversampling; osr *= 2 {
		k.oversampling += 2
	}
	if err := k.prepare(ctx, l); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *Chip) prepare(ctx context.Context, l Layout) error {
	if err := k.Write(ctx, cmdReset); err != nil {
		return err
	}
	if err := k.Wait(ctx, resetTime); err != nil {
		return err
	}
	for i := range l.words {
		var b [2]byte
		if err := k.Read(ctx, cmdPROM+byte(2*i), b[:]); err != nil {
			return err
		}
		k.PROM[i] = binary.BigEndian.Uint16(b[:])
	}
	if err := l.Check(k.PROM); err != nil {
		return k.Error(err, "another chip has this address, the cable is too long, or the probe is damaged")
	}
	return nil
}

// Measure returns the raw pressure D1 and the raw temperature D2, and when they were taken.
func (k *Chip) Measure(ctx context.Context) (d1, d2 uint32, taken clock.Instant, err error) {
	taken = k.Now()
	if d1, err = k.convert(ctx, cmdPressure); err != nil {
		return 0, 0, taken, err
	}
	d2, err = k.convert(ctx, cmdTemp)
	return d1, d2, taken, err
}

// convert runs one conversion. A result that was not converted, or is read twice, is zero.
func (k *Chip) convert(ctx context.Context, command byte) (uint32, error) {
	if err := k.Write(ctx, command+k.oversampling); err != nil {
		return 0, err
	}
	if err := k.Wait(ctx, k.convertTime); err != nil {
		return 0, err
	}
	var b [4]byte
	if err := k.Read(ctx, cmdRead, b[1:]); err != nil {
		return 0, err
	}
	d := binary.BigEndian.Uint32(b[:])
	if d == 0 || d == 0xFFFFFF {
		return 0, k.Error(fmt.Errorf("%w (raw %#x)", ErrNotMeasured, d), "check its power supply and wiring")
	}
	return d, nil
}
