package soilcap

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"

	"loam/sensors"
	"loam/sensors/clock"
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
	at     sensors.ProbeError
	bus    i2c.BusCloser // nil when closed
	dev    i2c.Dev
	clock  clock.Clock
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
	bus, err := i2creg.Open(w.Bus)
	if err != nil {
		return nil, at.With(err, "is I2C enabled (raspi-config) and the bus name right? ls /dev/i2c-* shows the buses")
	}
	p := &probe{
		at: at, bus: bus, dev: i2c.Dev{Bus: bus, Addr: uint16(w.Address)}, clock: w.Clock,
		input: w.Input, config: configOnce + uint16(w.Input)<<12,
	}
	if _, err := p.read(ctx, regConfig); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Sense implements [sensors.Driver]: one conversion.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	if p.bus == nil {
		return nil, p.at.With(sensors.ErrClosed, "")
	}
	taken := p.clock.Now()
	order := binary.BigEndian.AppendUint16([]byte{regConfig}, p.config|start)
	if err := p.tx(ctx, order, nil); err != nil {
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
		return nil, p.at.With(fmt.Errorf("input %d: %s V: %w", p.input, v, ErrSaturated), "is its output wired to the supply, or is another kind of probe connected?")
	case v.Mantissa < lowest:
		return nil, p.at.With(fmt.Errorf("input %d: %s V: %w", p.input, v, ErrFloating), "is the probe unplugged, without power, or on another input?")
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
		if err := p.clock.Sleep(ctx, d); err != nil {
			return p.at.With(err, "")
		}
		config, err := p.read(ctx, regConfig)
		if err != nil {
			return err
		}
		if config&^start != p.config {
			return p.at.With(fmt.Errorf("%w (%#04x, not %#04x)", ErrSettings, config&^start, p.config),
				"it lost its power, another program uses it, or it is no ADS1115")
		}
		if config&start != 0 {
			return nil
		}
		d = time.Millisecond
	}
	return p.at.With(ErrBusy, "power-cycle the converter")
}

// Close implements [sensors.Driver]. The converter sleeps by itself after each conversion.
func (p *probe) Close() error {
	if p.bus == nil {
		return nil
	}
	bus := p.bus
	p.bus = nil
	if err := bus.Close(); err != nil {
		return p.at.With(err, "")
	}
	return nil
}

func (p *probe) read(ctx context.Context, register byte) (uint16, error) {
	var b [2]byte
	if err := p.tx(ctx, []byte{register}, b[:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(b[:]), nil
}

func (p *probe) tx(ctx context.Context, w, r []byte) error {
	if err := ctx.Err(); err != nil {
		return p.at.With(err, "")
	}
	if err := p.dev.Tx(w, r); err != nil {
		return p.at.With(err, "does the converter have power, and are SDA and SCL not swapped?")
	}
	return nil
}
