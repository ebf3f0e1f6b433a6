package ina219

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
)

// Registers, and what is written into the configuration (section 8.6.2).
const (
	regConfig = 0
	regShunt  = 1
	regBus    = 2

	range32V   = 1 << 13
	range320mV = 3 << 11
	bus128     = 15 << 7
	shunt128   = 15 << 3
	triggered  = 3 // shunt and bus, once
	config     = range32V | range320mV | bus128 | shunt128 | triggered

	ready     = 1 << 1 // of the bus voltage register
	fullShunt = 32000  // 320 mV
)

// measureTime is what 128 samples of both take, 136.2 ms, and a tenth for the oscillator.
const (
	measureTime = 150 * time.Millisecond
	askAgain    = 10 * time.Millisecond
	patience    = 20
)

// What the chip can answer that is no measurement.
var (
	ErrSettings = errors.New("the chip does not have the settings it was given")
	ErrBusy     = errors.New("the measurement does not end")
	ErrOverload = errors.New("more current than the shunt can measure")
)

const settingShunt = "shunt_milliohm"

// Model returns the catalog entry. The range of the current is that of the usual shunt; [sensors.Model.For] has that of
// another.
func Model() sensors.Model {
	usual := sensors.Decimal{Mantissa: 100}
	m := sensors.Model{
		Name: "ina219", Title: "TI INA219 voltage and current of a battery or panel",
		Bus: sensors.I2C, Addresses: addresses(), Outputs: outputs(usual),
		Calibration: sensors.CalibrationOffset,
		Settings: []sensors.Setting{
			sensors.NumberSetting(settingShunt, "resistance of the shunt in mΩ, as printed on it (R100: 100)", usual.String(),
				sensors.Decimal{Mantissa: 1, Exponent: -1}, sensors.Decimal{Mantissa: 10000}),
		},
	}
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) { return open(ctx, m, w) }
	base := m
	m.Fit = func(w sensors.Wiring) (sensors.Model, error) {
		fitted := base
		fitted.Outputs = outputs(w.Number(settingShunt))
		return fitted, nil
	}
	return m
}

// addresses are 0x40 to 0x4F (section 8.5.5.1).
func addresses() []uint64 {
	var all []uint64
	for a := range uint64(16) {
		all = append(all, 0x40+a)
	}
	return all
}

func outputs(shunt sensors.Decimal) []sensors.Output {
	const source = "TI SBOS448G, 7.5"
	limit, _ := current(fullShunt, shunt) // fits: shunts are at least 0.1 mΩ
	return []sensors.Output{
		{
			Quantity: sensors.SupplyVoltage, Min: sensors.Decimal{Exponent: -3}, Max: sensors.Decimal{Mantissa: 26000, Exponent: -3},
			Accuracy: "±0.5 % (INA219A), steps of 4 mV", Source: source,
		},
		{
			Quantity: sensors.SupplyCurrent, Min: sensors.Decimal{Mantissa: -limit.Mantissa, Exponent: -1}, Max: limit,
			Accuracy: "±0.5 % (INA219A) ±100 µV over the shunt, and the shunt's own", Source: source,
		},
	}
}

// current is the shunt's voltage, in steps of 10 µV, divided by its resistance in mΩ: in mA, rounded to tenths.
func current(raw int16, shunt sensors.Decimal) (sensors.Decimal, error) {
	µV := big.NewRat(10*int64(raw), 1)
	return sensors.DecimalFromRat(µV.Quo(µV, shunt.Rat()), 1)
}

// probe is an open INA219.
type probe struct {
	*chip.Chip
	shunt   sensors.Decimal
	outputs []sensors.Output
}

func open(ctx context.Context, m sensors.Model, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(m, w)
	if err != nil {
		return nil, err
	}
	w, _, _ = m.Locate(w) // the settings, complete; chip.Open has checked them
	p := &probe{Chip: c, shunt: w.Number(settingShunt)}
	p.outputs = outputs(p.shunt)
	if err = p.trigger(ctx); err == nil {
		err = p.same(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// trigger has the chip measure once.
func (p *probe) trigger(ctx context.Context) error {
	return p.Tx(ctx, binary.BigEndian.AppendUint16([]byte{regConfig}, config), nil)
}

// same checks that the chip still has its settings.
func (p *probe) same(ctx context.Context) error {
	v, err := p.register(ctx, regConfig)
	if err == nil && v != config {
		return p.Error(fmt.Errorf("configuration %#04x, not %#04x: %w", v, config, ErrSettings), "it lost its power, another program uses it, or another chip has this address")
	}
	return err
}

func (p *probe) register(ctx context.Context, register byte) (uint16, error) {
	var b [2]byte
	err := p.Read(ctx, register, b[:])
	return binary.BigEndian.Uint16(b[:]), err
}

// Sense implements [sensors.Driver]: one measurement of both.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	if err := p.trigger(ctx); err != nil {
		return nil, err
	}
	bus, err := p.bus(ctx)
	if err != nil {
		return nil, err
	}
	shunt, err := p.register(ctx, regShunt)
	if err != nil {
		return nil, err
	}
	if err := p.same(ctx); err != nil {
		return nil, err
	}
	if raw := int16(shunt); raw >= fullShunt || raw <= -fullShunt {
		return nil, p.Error(fmt.Errorf("raw %d: %w", raw, ErrOverload), "use a shunt of less resistance")
	}
	mA, err := current(int16(shunt), p.shunt)
	if err != nil {
		return nil, p.Error(err, "")
	}
	samples, err := chip.Samples(p.outputs, taken, 4*int64(bus>>3), mA.Mantissa)
	if err != nil {
		return nil, p.Error(err, "the chip bears 26 V: check what it is connected to")
	}
	return samples, nil
}

// bus waits for the measurement and returns the register of the bus voltage.
func (p *probe) bus(ctx context.Context) (uint16, error) {
	wait := measureTime
	for range patience {
		if err := p.Wait(ctx, wait); err != nil {
			return 0, err
		}
		v, err := p.register(ctx, regBus)
		if err != nil {
			return 0, err
		}
		if v&ready != 0 {
			return v, nil
		}
		wait = askAgain
	}
	if err := p.same(ctx); err != nil { // a chip that restarted is ready as soon
		return 0, err
	}
	return 0, p.Error(ErrBusy, "cut its power for a moment")
}
