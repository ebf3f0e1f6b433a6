// Package adc is an input of a Texas Instruments ADS1115 converter on I2C, for probes that have no digital word of their
// own: they are a voltage.
//
// Data sheet: TI SBAS444 (ADS1113/4/5): "Single-shot mode", "Config register", table of full scale and LSB size, and in
// the electrical characteristics the data rate, which is within ±10 % of the nominal.
//
// The converter is used at its fastest rate of 860 samples a second, single-ended. After the longest a conversion may
// take, it is asked whether it is done, since its oscillator may be slow, and whether it still has the settings it was
// given: a converter that restarted, or that another program uses, has others. After power-on the result register holds
// zero, which is no measurement.
//
// periph's ads1x15 sleeps for the nominal 1/rate, for real and without margin, and reads whatever is in the result
// register then. The tests compare against it.
package adc

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

// Registers of the converter and the fields of its configuration.
const (
	regResult = 0
	regConfig = 1

	start     = 1 << 15 // written: begin; read: no conversion is running
	input0    = 4 << 12 // against ground; the next inputs follow
	single    = 1 << 8  // one conversion, then sleep
	rate860   = 7 << 5
	noCompare = 3
)

// Range is how far the converter measures, to both sides.
type Range struct {
	gain uint16
	step int64 // what one bit is, in 0.1 µV
}

// The ranges. An input may never be above the converter's supply, whatever its range.
var (
	Volts6 = Range{0 << 9, 1875} // ±6.144 V
	Volts4 = Range{1 << 9, 1250} // ±4.096 V
	Volts2 = Range{2 << 9, 625}  // ±2.048 V
)

// convertTime is 1/860 s and 10 % for the oscillator, and the 25 µs it takes to wake up. A converter that is not done
// patience later is not going to be.
const (
	convertTime = 1300 * time.Microsecond
	patience    = 20
)

// What the converter can answer that is no voltage.
var (
	ErrSettings = errors.New("the converter does not have the settings it was given")
	ErrBusy     = errors.New("the conversion does not end")
	ErrInput    = errors.New("the converter has inputs 0 to 3")
)

// Addresses are the I2C addresses the converter can have, the default first.
func Addresses() []uint64 { return []uint64{0x48, 0x49, 0x4A, 0x4B} }

// Input is an open input. Several may share the converter, one after the other.
type Input struct {
	*chip.Chip
	number int
	rng    Range
	config uint16
}

// Open opens the input of a wiring and checks that the converter answers.
func Open(ctx context.Context, m sensors.Model, w sensors.Wiring, r Range) (*Input, error) {
	w, at, err := m.Locate(w)
	if err != nil {
		return nil, err
	}
	if w.Input < 0 || w.Input > 3 {
		return nil, at.With(fmt.Errorf("input %d: %w", w.Input, ErrInput), "")
	}
	c, err := chip.Open(m, w)
	if err != nil {
		return nil, err
	}
	in := &Input{Chip: c, number: w.Input, rng: r, config: input0 + uint16(w.Input)<<12 | r.gain | single | rate860 | noCompare}
	if _, err := in.read(ctx, regConfig); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// Volts converts once and returns the voltage with four places, and when it was taken.
func (in *Input) Volts(ctx context.Context) (sensors.Decimal, clock.Instant, error) {
	taken := in.Now()
	if err := in.Tx(ctx, binary.BigEndian.AppendUint16([]byte{regConfig}, in.config|start), nil); err != nil {
		return sensors.Decimal{}, taken, err
	}
	if err := in.wait(ctx); err != nil {
		return sensors.Decimal{}, taken, err
	}
	raw, err := in.read(ctx, regResult)
	if err != nil {
		return sensors.Decimal{}, taken, err
	}
	return volts(int16(raw), in.rng.step), taken, nil
}

// Refuse says that a voltage is not one the probe can give.
func (in *Input) Refuse(v sensors.Decimal, err error, hint string) error {
	return in.Error(fmt.Errorf("input %d: %s V: %w", in.number, v, err), hint)
}

// volts turns a result into volts with four places, rounded half away from zero.
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
func (in *Input) wait(ctx context.Context) error {
	d := convertTime
	for range patience {
		if err := in.Wait(ctx, d); err != nil {
			return err
		}
		config, err := in.read(ctx, regConfig)
		if err != nil {
			return err
		}
		if config&^start != in.config {
			return in.Error(fmt.Errorf("%w (%#04x, not %#04x)", ErrSettings, config&^start, in.config),
				"it lost its power, another program uses it, or it is no ADS1115")
		}
		if config&start != 0 {
			return nil
		}
		d = time.Millisecond
	}
	return in.Error(ErrBusy, "power-cycle the converter")
}

func (in *Input) read(ctx context.Context, register byte) (uint16, error) {
	var b [2]byte
	if err := in.Read(ctx, register, b[:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(b[:]), nil
}
