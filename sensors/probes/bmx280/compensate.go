package bmx280

import (
	"encoding/binary"
	"errors"
)

// trimming is what the maker measured of this one chip and stored in it (section 4.2.2, table 16).
type trimming struct {
	t1                             uint16
	t2, t3                         int16
	p1                             uint16
	p2, p3, p4, p5, p6, p7, p8, p9 int16
	h1, h3                         uint8
	h2, h4, h5                     int16
	h6                             int8
}

// lengths of the two register blocks the trimming is in: 0x88 to 0xA1, and 0xE1 to 0xE7.
const (
	trimmingLow  = 0xA2 - 0x88
	trimmingHigh = 0xE8 - 0xE1
)

var errTrimming = errors.New("the calibration stored in the chip is empty")

// parseTrimming reads the register blocks of the calibration; the second is of humidity only.
func parseTrimming(low [trimmingLow]byte, high [trimmingHigh]byte, humid bool) (trimming, error) {
	u := func(i int) uint16 { return binary.LittleEndian.Uint16(low[2*i:]) }
	s := func(i int) int16 { return int16(u(i)) }
	c := trimming{
		t1: u(0), t2: s(1), t3: s(2),
		p1: u(3), p2: s(4), p3: s(5), p4: s(6), p5: s(7), p6: s(8), p7: s(9), p8: s(10), p9: s(11),
		h1: low[25],
		h2: int16(binary.LittleEndian.Uint16(high[0:])),
		h3: high[2],
		h4: int16(int8(high[3]))<<4 | int16(high[4]&0x0F), // 12 bits, signed: the sign is in the high byte
		h5: int16(int8(high[5]))<<4 | int16(high[4]>>4),
		h6: int8(high[6]),
	}
	blank := func(v uint16) bool { return v == 0 || v == 0xFFFF }
	if blank(c.t1) || blank(c.p1) || humid && blank(uint16(c.h2)) {
		return trimming{}, errTrimming
	}
	return c, nil
}

// temperature returns hundredths of a degree Celsius, and the fine temperature the other two need (section 4.2.3).
func (c trimming) temperature(raw int32) (centi, fine int32) {
	a := ((raw>>3 - int32(c.t1)<<1) * int32(c.t2)) >> 11
	d := raw>>4 - int32(c.t1)
	b := (((d * d) >> 12) * int32(c.t3)) >> 14
	fine = a + b
	return (fine*5 + 128) >> 8, fine
}

// pressure returns 256ths of a pascal (section 4.2.3, 64 bit). It returns 0 where the formula would divide by zero.
func (c trimming) pressure(raw, fine int32) int64 {
	x := int64(fine) - 128000
	offset := x*x*int64(c.p6) + (x*int64(c.p5))<<17 + int64(c.p4)<<35
	scale := (x*x*int64(c.p3))>>8 + (x*int64(c.p2))<<12
	scale = ((1<<47 + scale) * int64(c.p1)) >> 33
	if scale == 0 {
		return 0
	}
	p := ((1048576-int64(raw))<<31 - offset) * 3125 / scale
	a := (int64(c.p9) * (p >> 13) * (p >> 13)) >> 25
	b := (int64(c.p8) * p) >> 19
	return (p+a+b)>>8 + int64(c.p7)<<4
}

// humidity returns 1024ths of a percent, held within 0 and 100 % (section 4.2.3).
func (c trimming) humidity(raw, fine int32) int32 {
	x := fine - 76800
	a := (raw<<14 - int32(c.h4)<<20 - int32(c.h5)*x + 16384) >> 15
	b := (x * int32(c.h6)) >> 10
	b = (b*((x*int32(c.h3))>>11+32768))>>10 + 2097152
	b = (b*int32(c.h2) + 8192) >> 14
	v := a * b
	v -= (((v >> 15) * (v >> 15)) >> 7 * int32(c.h1)) >> 4
	return min(max(v, 0), 419430400) >> 12
}
