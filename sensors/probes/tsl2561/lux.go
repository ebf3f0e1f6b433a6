package tsl2561

import "loam/sensors/chip"

// counts is what the two channels counted.
type counts struct{ both, infrared uint16 }

// piece is a straight piece of the formula: for ratios up to upTo, in thousandths, with B and M in 0.00001 lx.
type piece struct{ upTo, b, m int64 }

// The pieces for the packages T, FN and CL, and for the chip scale package CS. Beyond the last it is dark.
var (
	piecesT = []piece{
		{125, 3040, 2720}, {250, 3250, 4400}, {375, 3510, 5440}, {500, 3810, 6240}, {610, 2240, 3100}, {800, 1280, 1530}, {1300, 146, 112},
	}
	piecesCS = []piece{
		{130, 3150, 2620}, {260, 3370, 4300}, {390, 3630, 5290}, {520, 3920, 6050}, {650, 2290, 2910}, {800, 1570, 1800}, {1300, 338, 260},
	}
)

// centilux is the light in 0.01 lx.
func centilux(pieces []piece, c counts, r reach) int64 {
	both, infrared := int64(c.both), int64(c.infrared)
	for _, p := range pieces {
		if 1000*infrared <= p.upTo*both {
			return chip.Linear(p.b*both-p.m*infrared, 1000*r.divisor, r.factor, 0)
		}
	}
	return 0
}
