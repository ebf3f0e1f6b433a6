package bmp180

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
)

// Registers and what is written to them (figure 6 and table 8).
const (
	regCoefficients = 0xAA
	regID           = 0xD0
	regControl      = 0xF4
	regResult       = 0xF6

	idBMP180 = 0x55

	oversampling       = 3 // eight samples
	convertTemperature = 0x2E
	convertPressure    = 0x34 | oversampling<<6
	converting         = 1 << 5 // of the control register
)

// How long conversions take at the most, and a little (section 3.3.1). One that still runs patience later is not going to
// end.
const (
	temperatureTime = 5 * time.Millisecond
	pressureTime    = 26 * time.Millisecond
	patience        = 20
	attempts        = 3
)

// What the chip can answer that is no measurement.
var (
	ErrNotMeasured = errors.New("the chip has not measured")
	ErrWrongChip   = errors.New("not a BMP180")
	ErrBusy        = errors.New("the measurement does not end")
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "bmp180", Title: "Bosch BMP180 or BMP085 air temperature and pressure",
		Bus: sensors.I2C, Addresses: []uint64{0x77}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	const source = "Bosch BST-BMP180-DS000-09 table 1"
	return []sensors.Output{
		chip.Output(sensors.AirTemperature, -40, 85, -1, "±2.0 °C between 0 and 65 °C, ±1.0 °C at 25 °C", source),
		chip.Output(sensors.AirPressure, 30000, 110000, 0, "±200 Pa (+200, −400) between 0 and 65 °C, ±100 Pa typical", source),
	}
}

type probe struct {
	*chip.Chip
	coefficients coefficients
}

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
	if id[0] != idBMP180 {
		return p.Error(fmt.Errorf("chip id %#02x: %w", id[0], ErrWrongChip), "another chip has this address: check the board, the address and the wiring")
	}
	var b [coefficientBytes]byte
	if err := p.Read(ctx, regCoefficients, b[:]); err != nil {
		return err
	}
	c, err := parseCoefficients(b)
	if err != nil {
		return p.Error(err, "the chip is damaged or counterfeit: replace it")
	}
	p.coefficients = c
	return nil
}

// Sense implements [sensors.Driver]: one conversion of each.
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
	ut, err := p.convert(ctx, convertTemperature, temperatureTime)
	if err != nil {
		return nil, err
	}
	up, err := p.convert(ctx, convertPressure, pressureTime)
	if err != nil {
		return nil, err
	}
	deci, b5, ok := p.coefficients.temperature(ut >> 8)
	pascal, ok2 := p.coefficients.pressure(up>>(8-oversampling), b5, oversampling)
	if !ok || !ok2 {
		return nil, p.Error(fmt.Errorf("raw %#x and %#x: %w", ut, up, chip.ErrImplausible), "check its power supply and wiring")
	}
	samples, err := chip.Samples(outputs(), taken, deci, pascal)
	if err != nil {
		return nil, p.Error(err, "check its power supply and wiring")
	}
	return samples, nil
}

// convert runs one conversion and returns the three bytes of its result.
func (p *probe) convert(ctx context.Context, command byte, wait time.Duration) (int64, error) {
	if err := p.Write(ctx, regControl, command); err != nil {
		return 0, err
	}
	for range patience {
		if err := p.Wait(ctx, wait); err != nil {
			return 0, err
		}
		var b [5]byte // control register, one that is reserved, result
		if err := p.Read(ctx, regControl, b[:]); err != nil {
			return 0, err
		}
		if b[0]&converting != 0 {
			wait = time.Millisecond
			continue
		}
		raw := int64(b[2])<<16 | int64(b[3])<<8 | int64(b[4])
		if raw>>8 == 0x8000 || raw>>8 == 0 {
			return 0, p.Error(fmt.Errorf("%w (raw %#x)", ErrNotMeasured, raw), "check its power supply and wiring")
		}
		return raw, nil
	}
	return 0, p.Error(ErrBusy, "cut its power for a moment")
}
