package tsl2591

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
)

// Registers, with the command bit and "normal operation".
const (
	regEnable  = 0xA0
	regControl = 0xA1
	regID      = 0xB2
	regStatus  = 0xB3
	regData    = 0xB4

	idTSL2591 = 0x50
	off       = 0
	measuring = 3 // powered, and both channels integrating
	valid     = 1
)

// stepTime is longer than the longest integration step of 108 ms. A chip that is not done patience later is not going to be.
const (
	stepTime = 115 * time.Millisecond
	patience = 5
	few      = 100
)

// What the chip can answer that is no light.
var (
	ErrSaturated   = errors.New("brighter than the chip can measure")
	ErrNotMeasured = errors.New("the chip has not measured")
	ErrSettings    = errors.New("the chip does not have the settings it was given")
	ErrWrongChip   = errors.New("not a TSL2591")
)

// reach is a gain and an integration time.
type reach struct {
	control byte
	gain    int64
	steps   int64 // of 100 ms
}

// The ranges, from bright to dark.
var (
	sunlight = reach{0x00, 1, 1}
	daylight = reach{0x10, 25, 1}
	dusk     = reach{0x20, 428, 1}
	night    = reach{0x25, 428, 6}
)

// full is the count at which the converter ends.
func (r reach) full() uint16 {
	if r.steps == 1 {
		return 36863
	}
	return 0xFFFF
}

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "tsl2591", Title: "ams TSL2591 light",
		Bus: sensors.I2C, Addresses: []uint64{0x29}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	return []sensors.Output{chip.Output(sensors.Illuminance, 0, 88_000, -2,
		"none stated: the formula is not the maker's", "ams DS000338 version 6-00, range; formula of Adafruit_TSL2591_Library")}
}

// probe is an open TSL2591.
type probe struct{ *chip.Chip }

// open finds the chip.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	var id [1]byte
	if err = c.Read(ctx, regID, id[:]); err == nil && id[0] != idTSL2591 {
		err = c.Error(fmt.Errorf("chip id %#x: %w", id[0], ErrWrongChip), "another chip has this address: a TSL2561 or a VL53L0X?")
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &probe{c}, nil
}

// counts is what the two channels counted.
type counts struct{ both, infrared uint16 }

// Sense implements [sensors.Driver]: one measurement for each range that is tried.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	c, r, err := p.count(ctx)
	if err != nil {
		return nil, err
	}
	if c.both >= r.full() || c.infrared >= r.full() {
		return nil, p.Error(fmt.Errorf("%w (%d and %d counts)", ErrSaturated, c.both, c.infrared), "put it behind a diffuser, and calibrate it with that")
	}
	samples, err := chip.Samples(outputs(), taken, centilux(c, r))
	if err != nil {
		return nil, p.Error(fmt.Errorf("%w: %w", ErrSaturated, err), "put it behind a diffuser, and calibrate it with that")
	}
	return samples, nil
}

// count finds the range that suits the light, and the counts in it.
func (p *probe) count(ctx context.Context) (counts, reach, error) {
	r := daylight
	c, err := p.measure(ctx, r)
	switch {
	case err != nil:
	case c.both >= r.full() || c.infrared >= r.full():
		r = sunlight
		c, err = p.measure(ctx, r)
	case c.both < few:
		r = dusk
		if c, err = p.measure(ctx, r); err == nil && c.both < few {
			r = night
			c, err = p.measure(ctx, r)
		}
	}
	return c, r, err
}

// measure integrates anew in the given range, and switches the chip off.
func (p *probe) measure(ctx context.Context, r reach) (counts, error) {
	for _, set := range [][2]byte{{regEnable, off}, {regControl, r.control}, {regEnable, measuring}} {
		if err := p.Write(ctx, set[:]...); err != nil {
			return counts{}, err
		}
	}
	if err := p.wait(ctx, time.Duration(r.steps)*stepTime); err != nil {
		return counts{}, err
	}
	var data [4]byte
	if err := p.Read(ctx, regData, data[:]); err != nil {
		return counts{}, err
	}
	var settings [2]byte
	if err := p.Read(ctx, regEnable, settings[:]); err != nil {
		return counts{}, err
	}
	if settings != [2]byte{measuring, r.control} {
		return counts{}, p.Error(fmt.Errorf("%w (% x)", ErrSettings, settings), "it lost its power, or another program uses it")
	}
	c := counts{binary.LittleEndian.Uint16(data[0:]), binary.LittleEndian.Uint16(data[2:])}
	return c, p.Write(ctx, regEnable, off)
}

// wait sleeps for as long as the integration takes, then asks until its result is valid.
func (p *probe) wait(ctx context.Context, d time.Duration) error {
	for range patience {
		if err := p.Wait(ctx, d); err != nil {
			return err
		}
		var status [1]byte
		if err := p.Read(ctx, regStatus, status[:]); err != nil {
			return err
		}
		if status[0]&valid != 0 {
			return nil
		}
		d = 10 * time.Millisecond
	}
	return p.Error(ErrNotMeasured, "check its power supply and wiring")
}

// centilux is the light in 0.01 lx.
func centilux(c counts, r reach) int64 {
	both, infrared := int64(c.both), int64(c.infrared)
	if infrared >= both {
		return 0
	}
	visible := both - infrared
	return chip.Linear(1, both*100*r.steps*r.gain, visible*visible*408*100, 0)
}
