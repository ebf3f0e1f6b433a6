package seesaw

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
)

// Modules and functions of the firmware, as they are written.
var (
	hardwareID = [2]byte{0x00, 0x01}
	touch      = [2]byte{0x0F, 0x10} // channel 0
)

// known are the hardware ids of the microcontrollers that seesaw runs on.
var known = []byte{0x55, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89}

const (
	notYet     = 0xFFFF
	repeats    = 5
	counts     = 3
	idPause    = time.Millisecond
	touchPause = 5 * time.Millisecond // and one more each time it has to be asked again
)

// What can come that is no count.
var (
	ErrNotMeasured = errors.New("the probe does not count")
	ErrWrongChip   = errors.New("no seesaw")
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "seesaw-soil", Title: "Adafruit STEMMA soil moisture (seesaw, product 4026)",
		Bus: sensors.I2C, Addresses: []uint64{0x36, 0x37, 0x38, 0x39}, Outputs: outputs(),
		Calibration: sensors.CalibrationTwoPoint,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	return []sensors.Output{chip.Output(sensors.ProbeCount, 200, 2000, 0,
		"none stated; what it means in water is for the calibration", "Adafruit STEMMA Soil Sensor guide, overview")}
}

// probe is an open seesaw.
type probe struct{ *chip.Chip }

// open finds the firmware.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	p := &probe{c}
	var id [1]byte
	if err = p.ask(ctx, hardwareID, idPause, id[:]); err == nil && !slices.Contains(known, id[0]) {
		err = p.Error(fmt.Errorf("hardware id %#x: %w", id[0], ErrWrongChip), "another chip has this address: a MAX17048 battery gauge is at 0x36 too")
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// ask writes what is meant, gives the firmware time, and reads it.
func (p *probe) ask(ctx context.Context, what [2]byte, pause time.Duration, into []byte) error {
	if err := p.Write(ctx, what[:]...); err != nil {
		return err
	}
	if err := p.Wait(ctx, pause); err != nil {
		return err
	}
	return p.Tx(ctx, nil, into)
}

// Sense implements [sensors.Driver]: the middle one of three counts.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	var all [counts]int64
	for i := range all {
		n, err := p.count(ctx)
		if err != nil {
			return nil, err
		}
		all[i] = n
	}
	slices.Sort(all[:])
	samples, err := chip.Samples(outputs(), taken, all[counts/2])
	if err != nil {
		return nil, p.Error(err, "is it an Adafruit soil sensor, and its fork whole?")
	}
	return samples, nil
}

// count asks for a count until there is one.
func (p *probe) count(ctx context.Context) (int64, error) {
	for i := range repeats {
		var b [2]byte
		if err := p.ask(ctx, touch, touchPause+time.Duration(i)*time.Millisecond, b[:]); err != nil {
			return 0, err
		}
		if n := binary.BigEndian.Uint16(b[:]); n != notYet {
			return int64(n), nil
		}
	}
	return 0, p.Error(fmt.Errorf("%w (%d times 0xFFFF)", ErrNotMeasured, repeats), "check its power supply and wiring")
}
