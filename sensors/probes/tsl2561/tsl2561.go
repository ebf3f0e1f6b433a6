package tsl2561

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
)

// Registers, with the command bit; the data with the bit for words.
const (
	regControl  = 0x80
	regTiming   = 0x81
	regID       = 0x8A
	regBoth     = 0xAC
	regInfrared = 0xAE

	off     = 0
	powered = 3
	few     = 100

	partCS = 1 // upper half of the ID
	partT  = 5
)

// What the chip can answer that is no light.
var (
	ErrSaturated = errors.New("brighter than the chip can measure")
	ErrSettings  = errors.New("the chip does not have the settings it was given")
	ErrWrongChip = errors.New("not a TSL2561")
)

// reach is a gain and an integration time.
type reach struct {
	timing          byte
	time            time.Duration // 402 ms and its fractions, by the slowest oscillator (690 of 735 kHz), and a little
	full            uint16
	factor, divisor int64 // to counts at gain 16 and 402 ms
}

// The ranges, from bright to dark.
var (
	sunlight = reach{0x00, 16 * time.Millisecond, 5047, 16 * 322, 11}
	daylight = reach{0x01, 110 * time.Millisecond, 37177, 16 * 322, 81}
	night    = reach{0x12, 435 * time.Millisecond, 0xFFFF, 1, 1}
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "tsl2561", Title: "TAOS TSL2561 light",
		Bus: sensors.I2C, Addresses: []uint64{0x39, 0x29, 0x49}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	return []sensors.Output{chip.Output(sensors.Illuminance, 0, 75_000, -2,
		"not stated in lux", "TAOS059N, full scale count of 5047 at 13.7 ms, without infrared")}
}

// probe is an open TSL2561.
type probe struct {
	*chip.Chip
	pieces []piece
}

// open finds the chip and its kind of package.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	p := &probe{Chip: c}
	if err := p.identify(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *probe) identify(ctx context.Context) error {
	var id [1]byte
	if err := p.Read(ctx, regID, id[:]); err != nil {
		return err
	}
	switch id[0] >> 4 {
	case partCS:
		p.pieces = piecesCS
	case partT:
		p.pieces = piecesT
	default:
		return p.Error(fmt.Errorf("chip id %#x: %w", id[0], ErrWrongChip), "another chip has this address: a TSL2591 or a TSL2560?")
	}
	return nil
}

// Sense implements [sensors.Driver]: one measurement, and another where the first overflowed or was coarse.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken, r := p.Now(), daylight
	c, err := p.measure(ctx, r)
	if err != nil {
		return nil, err
	}
	if other, needed := better(c); needed {
		r = other
		if c, err = p.measure(ctx, r); err != nil {
			return nil, err
		}
	}
	if c.both >= r.full || c.infrared >= r.full {
		return nil, p.Error(fmt.Errorf("%w (%d and %d counts)", ErrSaturated, c.both, c.infrared), "put it behind a diffuser, and calibrate it with that")
	}
	samples, err := chip.Samples(outputs(), taken, centilux(p.pieces, c, r))
	if err != nil {
		return nil, p.Error(err, "check its wiring")
	}
	return samples, nil
}

// better is the range that suits the light, where it is another one than daylight.
func better(c counts) (reach, bool) {
	switch {
	case c.both >= daylight.full || c.infrared >= daylight.full:
		return sunlight, true
	case c.both < few:
		return night, true
	}
	return reach{}, false
}

// measure integrates anew in the given range, and powers the chip down.
func (p *probe) measure(ctx context.Context, r reach) (counts, error) {
	for _, set := range [][2]byte{{regControl, off}, {regTiming, r.timing}, {regControl, powered}} {
		if err := p.Write(ctx, set[:]...); err != nil {
			return counts{}, err
		}
	}
	if err := p.Wait(ctx, r.time); err != nil {
		return counts{}, err
	}
	var both, infrared [2]byte
	var control, timing [1]byte
	for _, read := range []struct {
		register byte
		into     []byte
	}{{regBoth, both[:]}, {regInfrared, infrared[:]}, {regControl, control[:]}, {regTiming, timing[:]}} {
		if err := p.Read(ctx, read.register, read.into); err != nil {
			return counts{}, err
		}
	}
	if control[0]&powered != powered || timing[0] != r.timing {
		return counts{}, p.Error(fmt.Errorf("%w (%#02x %#02x)", ErrSettings, control[0], timing[0]), "it lost its power, or another program uses it")
	}
	c := counts{binary.LittleEndian.Uint16(both[:]), binary.LittleEndian.Uint16(infrared[:])}
	return c, p.Write(ctx, regControl, off)
}
