package bme280

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
)

// Registers and what is written to them (section 5.4).
const (
	regTrimmingLow  = 0x88
	regID           = 0xD0
	regTrimmingHigh = 0xE1
	regCtrlHum      = 0xF2
	regStatus       = 0xF3
	regCtrlMeas     = 0xF4
	regConfig       = 0xF5
	regData         = 0xF7

	idBME280 = 0x60
	idBMP280 = 0x58

	once      = 1 // oversampling ×1
	sleep     = once<<5 | once<<2
	forced    = sleep | 1
	measuring = 1 << 3 // status: a conversion is running
)

// measureTime is the longest a measurement with everything sampled once can take (section 9.1): 1.25 + 2.3 + 2.875 +
// 2.875 ms. A chip that still measures patience later is not going to finish.
const (
	measureTime = 9300 * time.Microsecond
	patience    = 20
	attempts    = 3
)

// What the chip can answer that is no measurement.
var (
	ErrNotMeasured = errors.New("the chip has not measured")
	ErrWrongChip   = errors.New("not a BME280")
	ErrBusy        = errors.New("the measurement does not end")
	ErrImplausible = errors.New("outside what the chip can measure")
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "bme280", Title: "Bosch BME280 air temperature, humidity and pressure",
		Bus: sensors.I2C, Addresses: []uint64{0x76, 0x77}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	return []sensors.Output{
		output(sensors.AirTemperature, -40, 85, -2, "±1.0 °C between 0 and 65 °C, ±0.5 °C at 25 °C", "table 4"),
		output(sensors.RelativeHumidity, 0, 100, -2, "±3 % between 20 and 80 % at 25 °C", "table 2"),
		output(sensors.AirPressure, 30000, 110000, 0, "±100 Pa between 0 and 65 °C", "table 3"),
	}
}

// output writes whole units with as many zeros after the point as the samples have places.
func output(q sensors.Quantity, low, high int64, exponent int8, accuracy, table string) sensors.Output {
	scale := int64(1)
	for range -exponent {
		scale *= 10
	}
	return sensors.Output{
		Quantity: q,
		Min:      sensors.Decimal{Mantissa: low * scale, Exponent: exponent},
		Max:      sensors.Decimal{Mantissa: high * scale, Exponent: exponent},
		Accuracy: accuracy, Source: "Bosch BST-BME280-DS002-15 " + table,
	}
}

// probe is an open BME280. The chip sleeps by itself after each measurement.
type probe struct {
	*chip.Chip
	trimming trimming
}

// open finds the chip, reads its calibration and sets it to measure on demand.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	p := &probe{Chip: c}
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *probe) prepare(ctx context.Context) error {
	var id [1]byte
	if err := p.Read(ctx, regID, id[:]); err != nil {
		return err
	}
	switch id[0] {
	case idBME280:
	case idBMP280:
		return p.Error(fmt.Errorf("chip id 0x58: %w but a BMP280, which cannot measure humidity", ErrWrongChip),
			"boards are often sold under the wrong name: get one with a BME280")
	default:
		return p.Error(fmt.Errorf("chip id %#x: %w", id[0], ErrWrongChip), "another chip has this address: check the address and the wiring")
	}
	var low [trimmingLow]byte
	var high [trimmingHigh]byte
	if err := p.Read(ctx, regTrimmingLow, low[:]); err != nil {
		return err
	}
	if err := p.Read(ctx, regTrimmingHigh, high[:]); err != nil {
		return err
	}
	c, err := parseTrimming(low, high)
	if err != nil {
		return p.Error(err, "the chip is damaged or counterfeit: replace it")
	}
	p.trimming = c
	// Asleep first, or config may be ignored; ctrl_hum takes effect with the ctrl_meas that follows it (5.4.3, 5.4.6).
	return p.Write(ctx, regCtrlMeas, sleep, regConfig, 0, regCtrlHum, once, regCtrlMeas, sleep)
}

// Sense implements [sensors.Driver]: one forced measurement of all three quantities.
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
	taken := p.Now()
	if err := p.Write(ctx, regCtrlMeas, forced); err != nil {
		return nil, err
	}
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	var data [8]byte // in one go, so that all of it is of one measurement (section 4.1)
	if err := p.Read(ctx, regData, data[:]); err != nil {
		return nil, err
	}
	samples, err := p.trimming.samples(data, taken)
	if err != nil {
		return nil, p.Error(err, "check its power supply and wiring")
	}
	return samples, nil
}

// wait sleeps for as long as a measurement takes, then asks until it is done.
func (p *probe) wait(ctx context.Context) error {
	d := measureTime
	for range patience {
		if err := p.Wait(ctx, d); err != nil {
			return err
		}
		var status [1]byte
		if err := p.Read(ctx, regStatus, status[:]); err != nil {
			return err
		}
		if status[0]&measuring == 0 {
			return nil
		}
		d = time.Millisecond
	}
	return p.Error(ErrBusy, "power-cycle the probe")
}

// samples turns the eight data registers into what they mean, or says that they mean nothing.
func (c trimming) samples(data [8]byte, taken clock.Instant) ([]sensors.Sample, error) {
	rawP := int32(data[0])<<12 | int32(data[1])<<4 | int32(data[2])>>4
	rawT := int32(data[3])<<12 | int32(data[4])<<4 | int32(data[5])>>4
	rawH := int32(data[6])<<8 | int32(data[7])
	for _, r := range []struct {
		quantity sensors.Quantity
		raw      int32
		reset    int32
	}{
		{sensors.AirPressure, rawP, 0x80000}, {sensors.AirTemperature, rawT, 0x80000}, {sensors.RelativeHumidity, rawH, 0x8000},
	} {
		if r.raw == r.reset || r.raw == 0 {
			return nil, fmt.Errorf("%w %s (raw %#x)", ErrNotMeasured, r.quantity, r.raw)
		}
	}
	centi, fine := c.temperature(rawT)
	pascal := (c.pressure(rawP, fine) + 128) >> 8
	humidity := (int64(c.humidity(rawH, fine))*100 + 512) >> 10
	samples := []sensors.Sample{
		{Quantity: sensors.AirTemperature, Value: sensors.Decimal{Mantissa: int64(centi), Exponent: -2}, At: taken},
		{Quantity: sensors.RelativeHumidity, Value: sensors.Decimal{Mantissa: humidity, Exponent: -2}, At: taken},
		{Quantity: sensors.AirPressure, Value: sensors.Decimal{Mantissa: pascal}, At: taken},
	}
	for i, o := range outputs() {
		if v := samples[i].Value; v.Cmp(o.Min) < 0 || v.Cmp(o.Max) > 0 {
			return nil, fmt.Errorf("%s %s: %w", o.Quantity, v, ErrImplausible)
		}
	}
	return samples, nil
}
