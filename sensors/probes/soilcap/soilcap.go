package soilcap

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
)

// Registers of the converter and the fields of its configuration.
const (
	regResult = 0
	regConfig = 1

	start      = 1 << 15 // written: begin; read: no conversion is running
	input0     = 4 << 12 // against ground; the next inputs follow
	scale4096  = 1 << 9  // ±4.096 V
	single     = 1 << 8  // one conversion, then sleep
	rate860    = 7 << 5
	noCompare  = 3
	step4096   = 1250 // one bit is 125 µV then
	configOnce = input0 | scale4096 | single | rate860 | noCompare
)

// convertTime is 1/860 s and 10 % for the oscillator, and the 25 µs it takes to wake up. A converter that is not done
// patience later is not going to be.
const (
	convertTime = 1300 * time.Microsecond
	patience    = 20
)

// What can come out that is not a probe in soil.
var (
	ErrSaturated = errors.New("the voltage is higher than the probe can give")
	ErrFloating  = errors.New("the voltage is lower than the probe can give")
	ErrSettings  = errors.New("the converter does not have the settings it was given")
	ErrBusy      = errors.New("the conversion does not end")
	ErrInput     = errors.New("the converter has inputs 0 to 3")
)

// Limits of what a probe in air, soil or water can give, in 0.1 mV.
const (
	lowest  = 8000
	highest = 31000
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "soilcap", Title: "Capacitive soil moisture probe (SEN0193, v1.2) on an ADS1115",
		Bus: sensors.I2C, Addresses: []uint64{0x48, 0x49, 0x4A, 0x4B},
		Outputs: []sensors.Output{{
			Quantity: sensors.ProbeVoltage,
			Min:      sensors.Decimal{Mantissa: lowest, Exponent: -4},
			Max:      sensors.Decimal{Mantissa: highest, Exponent: -4},
			Accuracy: "converter: 0.01 % typical, 0.15 % at most; what it means in water is for the calibration",
			Source:   "TI SBAS444, gain error; DFRobot SEN0193, output",
		}},
		Calibration: sensors.CalibrationTwoPoint,
		Open:        open,
	}
}

// probe is an open input of a converter. Several may share the converter, one after the other.
type probe struct {
	*chip.Chip
	input  int
	config uint16
}

// open checks that the converter answers.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	w, at, err := Model().Locate(w)
	if err != nil {
		return nil, err
	}
	if w.Input < 0 || w.Input > 3 {
		return nil, at.With(fmt.Errorf("input %d: %w", w.Input, ErrInput), "")
	}
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	p := &probe{Chip: c, input: w.Input, config: configOnce + uint16(w.Input)<<12}
	if _, err := p.read(ctx, regConfig); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Sense implements [sensors.Driver]: one conversion.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	if err := p.Tx(ctx, binary.BigEndian.AppendUint16([]byte{regConfig}, p.config|start), nil); err != nil {
		return nil, err
	}
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	raw, err := p.read(ctx, regResult)
	if err != nil {
		return nil, err
	}
	v := volts(int16(raw), step4096)
	switch {
	case v.Mantissa > highest:
		return nil, p.Error(fmt.Errorf("input %d: %s V: %w", p.input, v, ErrSaturated), "is its output wired to the supply, or is another kind of probe connected?")
	case v.Mantissa < lowest:
		return nil, p.Error(fmt.Errorf("input %d: %s V: %w", p.input, v, ErrFloating), "is the probe unplugged, without power, or on another input?")
	}
	return []sensors.Sample{{Quantity: sensors.ProbeVoltage, Value: v, At: taken}}, nil
}

// volts turns a result into volts with four places, rounded half away from zero. step is what one bit means, in 0.1 µV.
func volts(raw int16, step int64) sensors.Decimal {
	n := int64(raw) * step
	if n < 0 {
		n -= 500
	} else {
		n += 500
	}
	return sensors.Decimal{Mantissa: n / 1000, Exponent: -4}
}

// wait sleeps for as long as a conversion takes, then asks until it is done.
func (p *probe) wait(ctx context.Context) error {
	d := convertTime
	for range patience {
		if err := p.Wait(ctx, d); err != nil {
			return err
		}
		config, err := p.read(ctx, regConfig)
		if err != nil {
			return err
		}
		if config&^start != p.config {
			return p.Error(fmt.Errorf("%w (%#04x, not %#04x)", ErrSettings, config&^start, p.config),
				"it lost its power, another program uses it, or it is no ADS1115")
		}
		if config&start != 0 {
			return nil
		}
		d = time.Millisecond
	}
	return p.Error(ErrBusy, "power-cycle the converter")
}

func (p *probe) read(ctx context.Context, register byte) (uint16, error) {
	var b [2]byte
	if err := p.Read(ctx, register, b[:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(b[:]), nil
}
