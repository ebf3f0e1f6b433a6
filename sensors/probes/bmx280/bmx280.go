package bmx280

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
	idBME680 = 0x61
	idBMP180 = 0x55

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
	ErrWrongChip   = errors.New("another chip")
	ErrBusy        = errors.New("the measurement does not end")
)

// kind is one of the two models.
type kind struct {
	name    string
	title   string
	id      byte
	humid   bool // measures humidity, too
	outputs []sensors.Output
}

// Models returns the catalog entries.
func Models() []sensors.Model { return []sensors.Model{bme280().model(), bmp280().model()} }

func bme280() kind {
	const source = "Bosch BST-BME280-DS002-15 "
	return kind{
		name: "bme280", title: "Bosch BME280 air temperature, humidity and pressure", id: idBME280, humid: true,
		outputs: []sensors.Output{
			chip.Output(sensors.AirTemperature, -40, 85, -2, "±1.0 °C between 0 and 65 °C, ±0.5 °C at 25 °C", source+"table 4"),
			chip.Output(sensors.RelativeHumidity, 0, 100, -2, "±3 % between 20 and 80 % at 25 °C", source+"table 2"),
			chip.Output(sensors.AirPressure, 30000, 110000, 0, "±100 Pa between 0 and 65 °C", source+"table 3"),
		},
	}
}

func bmp280() kind {
	const source = "Bosch BST-BMP280-DS001-11 table 2"
	return kind{
		name: "bmp280", title: "Bosch BMP280 air temperature and pressure", id: idBMP280,
		outputs: []sensors.Output{
			chip.Output(sensors.AirTemperature, -40, 85, -2, "±1.0 °C between 0 and 65 °C, ±0.5 °C at 25 °C", source),
			chip.Output(sensors.AirPressure, 30000, 110000, 0, "±100 Pa between 0 and 65 °C", source),
		},
	}
}

func (k kind) model() sensors.Model {
	m := sensors.Model{
		Name: k.name, Title: k.title,
		Bus: sensors.I2C, Addresses: []uint64{0x76, 0x77}, Outputs: k.outputs,
		Calibration: sensors.CalibrationFactory,
	}
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) { return k.open(ctx, m, w) }
	return m
}

// probe is an open chip. It sleeps by itself after each measurement.
type probe struct {
	*chip.Chip
	kind     kind
	trimming trimming
}

// open finds the chip, reads its calibration and sets it to measure on demand.
func (k kind) open(ctx context.Context, m sensors.Model, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(m, w)
	if err != nil {
		return nil, err
	}
	p := &probe{Chip: c, kind: k}
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *probe) prepare(ctx context.Context) error {
	if err := p.identify(ctx); err != nil {
		return err
	}
	var low [trimmingLow]byte
	var high [trimmingHigh]byte
	if err := p.Read(ctx, regTrimmingLow, low[:]); err != nil {
		return err
	}
	if p.kind.humid {
		if err := p.Read(ctx, regTrimmingHigh, high[:]); err != nil {
			return err
		}
	}
	c, err := parseTrimming(low, high, p.kind.humid)
	if err != nil {
		return p.Error(err, "the chip is damaged or counterfeit: replace it")
	}
	p.trimming = c
	// Asleep first, or config may be ignored; ctrl_hum takes effect with the ctrl_meas that follows it (5.4.3, 5.4.6).
	if p.kind.humid {
		return p.Write(ctx, regCtrlMeas, sleep, regConfig, 0, regCtrlHum, once, regCtrlMeas, sleep)
	}
	return p.Write(ctx, regCtrlMeas, sleep, regConfig, 0)
}

// identify refuses other chips, by name where Bosch made them.
func (p *probe) identify(ctx context.Context) error {
	var id [1]byte
	if err := p.Read(ctx, regID, id[:]); err != nil {
		return err
	}
	if id[0] == p.kind.id {
		return nil
	}
	wrong := fmt.Errorf("chip id %#02x: %w", id[0], ErrWrongChip)
	hint := "another chip has this address: check the address and the wiring"
	if driver := map[byte]string{idBME280: "bme280", idBMP280: "bmp280", idBME680: "bme680", idBMP180: "bmp180"}[id[0]]; driver != "" {
		hint = fmt.Sprintf("boards are often sold under the wrong name: this one is for driver = %q", driver)
	}
	return p.Error(wrong, hint)
}

// Sense implements [sensors.Driver]: one forced measurement of all quantities.
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
	data := make([]byte, pressureAndTemperature, withHumidity)
	if p.kind.humid {
		data = data[:withHumidity]
	}
	if err := p.Read(ctx, regData, data); err != nil { // in one go, so that all of it is of one measurement (section 4.1)
		return nil, err
	}
	samples, err := p.kind.samples(p.trimming, data, taken)
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

// Lengths of the data registers.
const (
	pressureAndTemperature = 6
	withHumidity           = 8
)

// samples turns the data registers into what they mean, or says that they mean nothing.
func (k kind) samples(c trimming, data []byte, taken clock.Instant) ([]sensors.Sample, error) {
	rawP := int32(data[0])<<12 | int32(data[1])<<4 | int32(data[2])>>4
	rawT := int32(data[3])<<12 | int32(data[4])<<4 | int32(data[5])>>4
	if err := errors.Join(measured(sensors.AirPressure, rawP, 0x80000), measured(sensors.AirTemperature, rawT, 0x80000)); err != nil {
		return nil, err
	}
	centi, fine := c.temperature(rawT)
	values := []int64{int64(centi)}
	if k.humid {
		rawH := int32(data[6])<<8 | int32(data[7])
		if err := measured(sensors.RelativeHumidity, rawH, 0x8000); err != nil {
			return nil, err
		}
		values = append(values, (int64(c.humidity(rawH, fine))*100+512)>>10)
	}
	values = append(values, (c.pressure(rawP, fine)+128)>>8)
	return chip.Samples(k.outputs, taken, values...)
}

// measured says whether a raw value is neither zero nor what the register holds after a reset.
func measured(q sensors.Quantity, raw, reset int32) error {
	if raw == reset || raw == 0 {
		return fmt.Errorf("%w %s (raw %#x)", ErrNotMeasured, q, raw)
	}
	return nil
}
