package bme680

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
)

// Registers and what is written to them (section 5.3 of BST-BME680-DS001-00).
const (
	regField    = 0x1D
	regResHeat  = 0x5A
	regGasWait  = 0x64
	regCtrlGas0 = 0x70
	regCtrlGas1 = 0x71
	regCtrlHum  = 0x72
	regCtrlMeas = 0x74
	regConfig   = 0x75
	regID       = 0xD0
	regVariant  = 0xF0

	idBME680 = 0x61

	oversampleHumidity = 2           // ×2
	sleep              = 2<<5 | 3<<2 // temperature ×2, pressure ×4
	forced             = sleep | 1
	gasWait            = 1<<6 | 37 // 4 × 37 ms
	heaterCelsius      = 320

	fieldLength = 17
	fresh       = 1 << 7      // of the field's first byte: new data,
	measuring   = 1<<6 | 1<<5 // gas is, or the rest is being measured
	gasValid    = 1<<5 | 1<<4 // of the gas: measured, and the heater was at its temperature
)

// measureTime is what a measurement with these settings takes: eight samples, switching, and the heater; and a tenth. A
// chip that is not done patience later is not going to finish.
const (
	measureTime = 192 * time.Millisecond
	askAgain    = 5 * time.Millisecond
	patience    = 20
	attempts    = 3
)

// What the chip can answer that is no measurement.
var (
	ErrNotMeasured = errors.New("the chip has not measured")
	ErrWrongChip   = errors.New("neither a BME680 nor a BME688")
	ErrBusy        = errors.New("the measurement does not end")
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "bme680", Title: "Bosch BME680 or BME688 air temperature, humidity, pressure and gas resistance",
		Bus: sensors.I2C, Addresses: []uint64{0x76, 0x77}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

// outputs has the gas resistance last: it may be missing.
func outputs() []sensors.Output {
	const source = "Bosch BST-BME680-DS001-00 section "
	return []sensors.Output{
		chip.Output(sensors.AirTemperature, -40, 85, -2, "±1.0 °C between 0 and 65 °C, ±0.5 °C at 25 °C", source+"1"),
		chip.Output(sensors.RelativeHumidity, 0, 100, -2, "±3 % between 20 and 80 % at 25 °C", source+"1"),
		chip.Output(sensors.AirPressure, 30000, 110000, 0, "±60 Pa between 0 and 65 °C", source+"1"),
		chip.Output(sensors.GasResistance, 100, 110_000_000, 0, "not calibrated: compare a probe with itself only", source+"3.4"),
	}
}

// probe is an open chip. It sleeps by itself after each measurement.
type probe struct {
	*chip.Chip
	trimming trimming
	high     bool  // a BME688
	ambient  int64 // °C at the last measurement, which the heater needs
}

func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	p := &probe{Chip: c, ambient: 25}
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *probe) prepare(ctx context.Context) error {
	var id, variant [1]byte
	if err := p.Read(ctx, regID, id[:]); err != nil {
		return err
	}
	if err := p.Read(ctx, regVariant, variant[:]); err != nil {
		return err
	}
	if id[0] != idBME680 || variant[0] > 1 {
		return p.Error(fmt.Errorf("chip id %#02x, variant %d: %w", id[0], variant[0], ErrWrongChip), "another chip has this address: check the board, the address and the wiring")
	}
	p.high = variant[0] == 1
	var a [trimming1]byte
	var b [trimming2]byte
	var c [trimming3]byte
	if err := p.Read(ctx, regTrimming1, a[:]); err != nil {
		return err
	}
	if err := p.Read(ctx, regTrimming2, b[:]); err != nil {
		return err
	}
	if err := p.Read(ctx, regTrimming3, c[:]); err != nil {
		return err
	}
	t, err := parseTrimming(a, b, c)
	if err != nil {
		return p.Error(err, "the chip is damaged or counterfeit: replace it")
	}
	p.trimming = t
	return nil
}

// Sense implements [sensors.Driver]: one forced measurement of everything.
func (p *probe) Sense(ctx context.Context) (samples []sensors.Sample, err error) {
	// Air can be just what the power-on value stands for; measured again, the noise tells them apart.
	for range attempts {
		if samples, err = p.measure(ctx); !errors.Is(err, ErrNotMeasured) {
			break
		}
	}
	return samples, err
}

func (p *probe) measure(ctx context.Context) ([]sensors.Sample, error) {
	run := byte(1 << 4)
	if p.high {
		run = 2 << 4
	}
	taken := p.Now()
	err := p.Write(ctx, regCtrlMeas, sleep, regConfig, 0, regCtrlHum, oversampleHumidity,
		regResHeat, p.trimming.heater(heaterCelsius, p.ambient), regGasWait, gasWait, regCtrlGas0, 0, regCtrlGas1, run,
		regCtrlMeas, forced)
	if err != nil {
		return nil, err
	}
	field, err := p.wait(ctx)
	if err != nil {
		return nil, err
	}
	samples, err := p.samples(field, taken)
	if err != nil {
		return nil, p.Error(err, "check its power supply and wiring")
	}
	p.ambient = samples[0].Value.Mantissa / 100
	return samples, nil
}

// wait waits for the measurement and returns its field of registers.
func (p *probe) wait(ctx context.Context) (field [fieldLength]byte, err error) {
	d := measureTime
	for range patience {
		if err := p.Wait(ctx, d); err != nil {
			return field, err
		}
		if err := p.Read(ctx, regField, field[:]); err != nil {
			return field, err
		}
		if field[0]&(fresh|measuring) == fresh {
			return field, nil
		}
		d = askAgain
	}
	return field, p.Error(ErrBusy, "cut its power for a moment")
}

// samples turns a field into what it means, or says that it means nothing.
func (p *probe) samples(f [fieldLength]byte, taken clock.Instant) ([]sensors.Sample, error) {
	rawP := int64(f[2])<<12 | int64(f[3])<<4 | int64(f[4])>>4
	rawT := int64(f[5])<<12 | int64(f[6])<<4 | int64(f[7])>>4
	rawH := int64(f[8])<<8 | int64(f[9])
	for _, r := range []struct {
		quantity   sensors.Quantity
		raw, reset int64
	}{
		{sensors.AirPressure, rawP, 0x80000}, {sensors.AirTemperature, rawT, 0x80000}, {sensors.RelativeHumidity, rawH, 0x8000},
	} {
		if r.raw == r.reset || r.raw == 0 {
			return nil, fmt.Errorf("%w %s (raw %#x)", ErrNotMeasured, r.quantity, r.raw)
		}
	}
	centi, fine := p.trimming.temperature(rawT)
	pascal, ok := p.trimming.pressure(rawP, fine)
	if !ok {
		return nil, fmt.Errorf("raw pressure %#x: %w", rawP, chip.ErrImplausible)
	}
	values := []int64{centi, (p.trimming.humidity(rawH, fine) + 5) / 10, pascal}
	if ohm, ok := p.gas(f); ok {
		values = append(values, ohm)
	}
	return chip.Samples(outputs()[:len(values)], taken, values...)
}

// gas returns the resistance, where the heater got to its temperature and the measurement is valid.
func (p *probe) gas(f [fieldLength]byte) (ohm int64, ok bool) {
	at := 13 // BME680
	if p.high {
		at = 15
	}
	raw, rng := int64(f[at])<<2|int64(f[at+1])>>6, int64(f[at+1]&15)
	if f[at+1]&gasValid != gasValid {
		return 0, false
	}
	if p.high {
		return gasHigh(raw, rng), true
	}
	return p.trimming.gasLow(raw, rng), true
}
