package bmp180

import (
	"encoding/binary"
	"errors"
)

// coefficients is what the maker measured of this one chip and stored in it (table 5).
type coefficients struct {
	AC1, AC2, AC3 int16
	AC4, AC5, AC6 uint16
	B1, B2        int16
	MB, MC, MD    int16
}

const coefficientBytes = 22

var errCoefficients = errors.New("the calibration stored in the chip is empty")

// parseCoefficients reads the block of registers from 0xAA on. No word of it may be 0 or 0xFFFF (section 3.4).
func parseCoefficients(b [coefficientBytes]byte) (coefficients, error) {
	var w [coefficientBytes / 2]uint16
	for i := range w {
		if w[i] = binary.BigEndian.Uint16(b[2*i:]); w[i] == 0 || w[i] == 0xFFFF {
			return coefficients{}, errCoefficients
		}
	}
	return coefficients{
		AC1: int16(w[0]), AC2: int16(w[1]), AC3: int16(w[2]), AC4: w[3], AC5: w[4], AC6: w[5],
		B1: int16(w[6]), B2: int16(w[7]), MB: int16(w[8]), MC: int16(w[9]), MD: int16(w[10]),
	}, nil
}

// temperature returns tenths of a degree Celsius and the B5 that the pressure needs (figure 4). It is not ok where the
// formula divides by zero.
func (c coefficients) temperature(ut int64) (deci, b5 int64, ok bool) {
	x1 := (ut - int64(c.AC6)) * int64(c.AC5) >> 15
	if x1+int64(c.MD) == 0 {
		return 0, 0, false
	}
	b5 = x1 + int64(c.MC)<<11/(x1+int64(c.MD))
	return (b5 + 8) >> 4, b5, true
}

// pressure returns pascals, from a conversion with an oversampling of 2^oss (figure 4). It is not ok where the formula
// divides by zero.
func (c coefficients) pressure(up, b5 int64, oss uint) (pascal int64, ok bool) {
	b6 := b5 - 4000
	square := b6 * b6 >> 12
	x3 := int64(c.B2)*square>>11 + int64(c.AC2)*b6>>11
	b3 := ((int64(c.AC1)*4+x3)<<oss + 2) >> 2
	x3 = (int64(c.AC3)*b6>>13 + int64(c.B1)*square>>16 + 2) >> 2
	b4 := int64(c.AC4) * (x3 + 32768) >> 15
	if b4 == 0 {
		return 0, false
	}
	p := (up - b3) * (50000 >> oss) * 2 / b4
	x1 := (p >> 8) * (p >> 8) * 3038 >> 16
	x2 := -7357 * p >> 16
	return p + (x1+x2+3791)>>4, true
}
