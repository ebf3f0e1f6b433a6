package veml7700

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

// Registers, of 16 bits, low byte first (table 1).
const (
	regConfig    = 0
	regPowerSave = 3
	regLight     = 4

	shutDown = 1
)

// startTime is what the chip needs after it was switched on.
const startTime = 2500 * time.Microsecond

// Counts at which another range is better, by the application note.
const (
	few  = 100
	many = 10_000
	full = 0xFFFF
)

// What the chip can answer that is no light.
var (
	ErrSaturated = errors.New("brighter than the chip can measure")
	ErrSettings  = errors.New("the chip does not have the settings it was given")
)

// reach is a gain and an integration time.
type reach struct {
	config uint16 // gain in bits 12 and 11, integration time in bits 9 to 6
	time   time.Duration
	coarse int64 // how much coarser than the finest
}

// The ranges, from bright to dark.
var (
	sunlight = reach{2<<11 | 0xC<<6, 25 * time.Millisecond, 512}
	daylight = reach{2 << 11, 100 * time.Millisecond, 128}
	dusk     = reach{1 << 11, 100 * time.Millisecond, 8}
	night    = reach{1<<11 | 3<<6, 800 * time.Millisecond, 1}
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "veml7700", Title: "Vishay VEML7700 light",
		Bus: sensors.I2C, Addresses: []uint64{0x10}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Settings: []sensors.Setting{sensors.WordSetting("resolution",
			"lux of a count at the finest setting: \"0.0036\" as data sheets say up to revision 1.6, \"0.0042\" as they say since", "0.0036", "0.0036", "0.0042")},
		Open: open,
	}
}

func outputs() []sensors.Output {
	return []sensors.Output{chip.Output(sensors.Illuminance, 0, 140_000, -2,
		"±10 % (of sensors among each other)", "Vishay 84286 rev. 1.7, features")}
}

// probe is an open VEML7700.
type probe struct {
	*chip.Chip
	resolution int64 // of the finest range, in 0.0001 lx
}

// open wakes the chip up.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	w, _, err := Model().Locate(w)
	if err != nil {
		return nil, err
	}
	c, err := chip.Open(Model(), w)
	if err != nil {
		return nil, err
	}
	p := &probe{Chip: c, resolution: w.Number("resolution").Mantissa}
	if err := p.write(ctx, regPowerSave, 0); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *probe) write(ctx context.Context, register byte, v uint16) error {
	return p.Write(ctx, register, byte(v), byte(v>>8))
}

func (p *probe) read(ctx context.Context, register byte) (uint16, error) {
	var b [2]byte
	err := p.Read(ctx, register, b[:])
	return binary.LittleEndian.Uint16(b[:]), err
}

// Sense implements [sensors.Driver]: one measurement for each range that is tried.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	raw, r, err := p.count(ctx)
	if err != nil {
		return nil, err
	}
	if raw == full {
		return nil, p.Error(fmt.Errorf("%w (%d counts)", ErrSaturated, raw), "put it behind a diffuser, and calibrate it with that")
	}
	v, err := sensors.ParseDecimal(lux(raw, r, p.resolution).FloatString(2)) // half away from zero
	if err != nil {
		return nil, p.Error(err, "")
	}
	samples, err := chip.Samples(outputs(), taken, v.Mantissa)
	if err != nil {
		return nil, p.Error(fmt.Errorf("%w: %w", ErrSaturated, err), "put it behind a diffuser, and calibrate it with that")
	}
	return samples, nil
}

// count finds the range that suits the light, and the count in it.
func (p *probe) count(ctx context.Context) (uint16, reach, error) {
	raw, err := p.measure(ctx, daylight)
	switch {
	case err != nil || raw > few && raw <= many:
		return raw, daylight, err
	case raw > many:
		raw, err = p.measure(ctx, sunlight)
		return raw, sunlight, err
	}
	if raw, err = p.measure(ctx, dusk); err != nil || raw > few {
		return raw, dusk, err
	}
	raw, err = p.measure(ctx, night)
	return raw, night, err
}

// measure integrates anew in the given range.
func (p *probe) measure(ctx context.Context, r reach) (uint16, error) {
	for _, v := range []uint16{r.config | shutDown, r.config} {
		if err := p.write(ctx, regConfig, v); err != nil {
			return 0, err
		}
	}
	if err := p.Wait(ctx, startTime+2*r.time); err != nil {
		return 0, err
	}
	raw, err := p.read(ctx, regLight)
	if err != nil {
		return 0, err
	}
	config, err := p.read(ctx, regConfig)
	if err != nil {
		return 0, err
	}
	if config != r.config {
		return 0, p.Error(fmt.Errorf("%w (%#04x, not %#04x)", ErrSettings, config, r.config), "it lost its power, another program uses it, or it is no VEML7700")
	}
	return raw, nil
}

// lux is what a count means.
func lux(raw uint16, r reach, resolution int64) *big.Rat {
	return corrected(big.NewRat(int64(raw)*r.coarse*resolution, 10_000))
}

// corrected straightens bright light.
func corrected(x *big.Rat) *big.Rat {
	if x.Cmp(big.NewRat(1000, 1)) <= 0 {
		return x
	}
	y := new(big.Rat)
	for _, k := range []*big.Rat{big.NewRat(60135, 1e17), big.NewRat(-93924, 1e13), big.NewRat(81488, 1e9), big.NewRat(10023, 1e4)} {
		y.Add(y, k).Mul(y, x)
	}
	return y
}
