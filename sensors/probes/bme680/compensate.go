package bme680

import (
	"encoding/binary"
	"errors"
	"math"
)

// trimming is what the maker measured of this one chip and stored in it.
type trimming struct {
	t1                 uint16
	t2                 int16
	t3                 int8
	p1                 uint16
	p2, p4, p5, p8, p9 int16
	p3, p6, p7         int8
	p10                uint8
	h1, h2             uint16 // 12 bits
	h3, h4, h5, h7     int8
	h6                 uint8
	g1, g3             int8
	g2                 int16
	heatRange          uint8 // 2 bits
	heatValue          int8
	rangeError         int8 // 4 bits, signed
}

// Registers of the three blocks of coefficients, and their lengths.
const (
	regTrimming1, trimming1 = 0x8A, 23
	regTrimming2, trimming2 = 0xE1, 14
	regTrimming3, trimming3 = 0x00, 5
)

var errTrimming = errors.New("the calibration stored in the chip is empty")

// parseTrimming reads the three blocks.
func parseTrimming(a [trimming1]byte, b [trimming2]byte, c [trimming3]byte) (trimming, error) {
	u := binary.LittleEndian.Uint16
	t := trimming{
		t1: u(b[8:]), t2: int16(u(a[0:])), t3: int8(a[2]),
		p1: u(a[4:]), p2: int16(u(a[6:])), p3: int8(a[8]), p4: int16(u(a[10:])), p5: int16(u(a[12:])),
		p7: int8(a[14]), p6: int8(a[15]), p8: int16(u(a[18:])), p9: int16(u(a[20:])), p10: a[22],
		h1: uint16(b[2])<<4 | uint16(b[1]&15), h2: uint16(b[0])<<4 | uint16(b[1]>>4),
		h3: int8(b[3]), h4: int8(b[4]), h5: int8(b[5]), h6: b[6], h7: int8(b[7]),
		g2: int16(u(b[10:])), g1: int8(b[12]), g3: int8(b[13]),
		heatValue: int8(c[0]), heatRange: c[2] >> 4 & 3, rangeError: int8(c[4]) >> 4,
	}
	blank := func(v uint16) bool { return v == 0 || v == 0xFFFF }
	if blank(t.t1) || blank(t.p1) || t.h2 == 0 || t.h2 == 0xFFF {
		return trimming{}, errTrimming
	}
	return t, nil
}

// temperature returns hundredths of a degree Celsius, and the fine temperature the others need.
func (t trimming) temperature(raw int64) (centi, fine int64) {
	d := raw>>3 - int64(t.t1)<<1
	fine = d*int64(t.t2)>>11 + (d>>1)*(d>>1)>>12*int64(t.t3)<<4>>14
	return (fine*5 + 128) >> 8, fine
}

// pressure returns pascals. It is not ok where the formula divides by zero. It is computed in floating point, since the
// maker's integers are 4 Pa off; each product is rounded by itself, so that every machine has the same.
func (t trimming) pressure(raw, fine int64) (pascal int64, ok bool) {
	x := float64(fine)/2 - 64000
	square := float64(x * x)
	offset := float64(square*float64(t.p6))/131072 + float64(x*float64(t.p5)*2)
	offset = offset/4 + float64(t.p4)*65536
	scale := (float64(float64(t.p3)*square)/16384 + float64(float64(t.p2)*x)) / 524288
	scale = float64((1 + scale/32768) * float64(t.p1))
	if scale < 1 {
		return 0, false
	}
	p := float64((1048576-float64(raw)-offset/4096)*6250) / scale
	cube := float64(float64(p/256*(p/256)) * (p / 256))
	sum := float64(float64(float64(t.p9)*p)*p)/2147483648 + float64(p*float64(t.p8))/32768
	sum += float64(cube*float64(t.p10))/131072 + float64(t.p7)*128
	if p += sum / 16; math.Abs(p) > 1e9 {
		return 0, false
	}
	return int64(math.Round(p)), true
}

// humidity returns thousandths of a percent, held within 0 and 100 %.
func (t trimming) humidity(raw, fine int64) int64 {
	centi := (fine*5 + 128) >> 8
	a := raw - int64(t.h1)*16 - centi*int64(t.h3)/100>>1
	b := int64(t.h2) * (centi*int64(t.h4)/100 + centi*(centi*int64(t.h5)/100)>>6/100 + 1<<14) >> 10
	v := a * b
	c := (int64(t.h6)<<7 + centi*int64(t.h7)/100) >> 4
	square := (v >> 14) * (v >> 14) >> 10
	return min(max((v+c*square>>1)>>10*1000>>12, 0), 100_000)
}

// heater returns what register res_heat holds for a temperature of the layer, in air of ambient °C. It is computed in
// floating point, since the maker's integers lose the ambient temperature.
func (t trimming) heater(celsius, ambient int64) byte {
	a := float64(t.g1)/16 + 49
	b := float64(t.g2)/32768*0.0005 + 0.00235
	ohm := float64(a*(1+float64(b*float64(celsius)))) + float64(float64(t.g3)/1024*float64(ambient))
	ohm *= 4 / (4 + float64(t.heatRange)) / (1 + float64(float64(t.heatValue)*0.002))
	return byte(min(max(3.4*(ohm-25), 0), 255))
}

// gasLow returns ohms of the BME680: the range says how much current flows, with the maker's corrections of each.
func (t trimming) gasLow(raw, rng int64) int64 {
	slope := [16]int64{
		2147483647, 2147483647, 2147483647, 2147483647, 2147483647, 2126008810, 2147483647, 2130303777,
		2147483647, 2147483647, 2143188679, 2136746228, 2147483647, 2126008810, 2147483647, 2147483647,
	}[rng&15]
	full := [16]int64{
		4096000000, 2048000000, 1024000000, 512000000, 255744255, 127110228, 64000000, 32258064,
		16016016, 8000000, 4000000, 2000000, 1000000, 500000, 250000, 125000,
	}[rng&15]
	a := (1340 + 5*int64(t.rangeError)) * slope >> 16
	b := raw<<15 - 1<<24 + a
	return (full*a>>9 + b>>1) / b
}

// gasHigh returns ohms of the BME688.
func gasHigh(raw, rng int64) int64 {
	under := 4096 + 3*(raw-512)
	return (1_000_000*(262144>>(rng&15)) + under/2) / under
}
