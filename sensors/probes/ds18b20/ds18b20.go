package ds18b20

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewirereg"

	"loam/sensors"
	"loam/sensors/clock"
)

// Function commands, sent after the ROM code of the probe that is meant.
const (
	convert        = 0x44
	readScratchpad = 0xBE
)

// family is the lowest byte of the ROM code of every DS18B20.
const family = 0x28

// What can be wrong with where a probe is said to be.
var (
	ErrMedium  = errors.New("what is it put into?")
	ErrROMCode = errors.New("not the ROM code of a DS18B20")
	ErrChoice  = errors.New("there is not exactly one DS18B20 on the bus")
)

// Model returns the catalog entry.
func Model() sensors.Model {
	output := func(q sensors.Quantity) sensors.Output {
		return sensors.Output{
			Quantity: q,
			Min:      sensors.Decimal{Mantissa: -550000, Exponent: -4},
			Max:      sensors.Decimal{Mantissa: 1250000, Exponent: -4},
			Accuracy: "±0.5 °C between −10 and 85 °C, else ±2 °C",
			Source:   "Maxim 19-7487 rev. 6, DC electrical characteristics",
		}
	}
	return sensors.Model{
		Name: "ds18b20", Title: "Maxim DS18B20 temperature of water or soil",
		Bus:         sensors.OneWire,
		Outputs:     []sensors.Output{output(sensors.WaterTemperature), output(sensors.SoilTemperature)},
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

// quantity says what the probe measures, by what it is put into.
func quantity(medium string) (sensors.Quantity, bool) {
	switch medium {
	case "water":
		return sensors.WaterTemperature, true
	case "soil":
		return sensors.SoilTemperature, true
	}
	return "", false
}

// probe is an open DS18B20.
type probe struct {
	at       sensors.ProbeError
	bus      onewire.BusCloser // nil when closed
	dev      onewire.Dev
	clock    clock.Clock
	quantity sensors.Quantity
	wait     time.Duration // longest conversion at the probe's resolution
}

// open finds the probe and asks for its resolution. Address 0 means the only DS18B20 on the bus. Nothing is written.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	w, at, err := Model().Locate(w)
	if err != nil {
		return nil, err
	}
	q, ok := quantity(w.Medium)
	if !ok {
		return nil, at.With(fmt.Errorf("medium %q: %w", w.Medium, ErrMedium), `write medium = "water" or medium = "soil"`)
	}
	if w.Address != 0 && !isROMCode(w.Address) {
		return nil, at.With(ErrROMCode, "copy it from the probe's label or leave it out where there is only one: it ends in 28, and its first byte is a checksum")
	}
	bus, err := onewirereg.Open(w.Bus)
	if err != nil {
		return nil, at.With(err, "is 1-Wire enabled (raspi-config) and the bus name right?")
	}
	p := &probe{at: at, bus: bus, clock: w.Clock, quantity: q}
	if err := p.find(ctx, w.Address); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// isROMCode checks family and checksum, so that a mistyped code is not looked for in the field.
func isROMCode(address uint64) bool {
	return address&0xFF == family && onewire.CheckCRC(binary.LittleEndian.AppendUint64(nil, address))
}

// find settles which probe on the bus is meant, and how long it takes to convert.
func (p *probe) find(ctx context.Context, address uint64) error {
	if err := ctx.Err(); err != nil {
		return p.at.With(err, "")
	}
	if address == 0 {
		found, err := p.bus.Search(false)
		if err != nil {
			return p.at.With(fmt.Errorf("search the bus: %w", err), wiringHint)
		}
		if address, err = only(found); err != nil {
			return p.at.With(err, "set address to the one that is meant")
		}
		p.at.Address = address
	}
	p.dev = onewire.Dev{Bus: p.bus, Addr: onewire.Address(address)}
	pad, err := p.scratchpad(ctx)
	if err != nil {
		return err
	}
	p.wait = 750 * time.Millisecond >> (12 - pad.bits()) // table 2
	return nil
}

// only returns the one DS18B20 among what was found on the bus.
func only(found []onewire.Address) (uint64, error) {
	var codes []string
	var address uint64
	for _, a := range found {
		if a&0xFF == family {
			codes = append(codes, sensors.OneWire.FormatAddress(uint64(a)))
			address = uint64(a)
		}
	}
	switch len(codes) {
	case 1:
		return address, nil
	case 0:
		return 0, fmt.Errorf("%w: none among %d devices", ErrChoice, len(found))
	}
	return 0, fmt.Errorf("%w: found %s", ErrChoice, strings.Join(codes, ", "))
}

const wiringHint = "is the probe connected, with 4.7 kΩ between its data line and 3.3 V?"

// Sense implements [sensors.Driver]: one conversion.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	if p.bus == nil {
		return nil, p.at.With(sensors.ErrClosed, "")
	}
	taken := p.clock.Now()
	if err := p.dev.TxPower([]byte{convert}, nil); err != nil { // strong pull-up, where the bus can, feeds two-wire probes
		return nil, p.at.With(err, wiringHint)
	}
	if err := p.clock.Sleep(ctx, p.wait); err != nil {
		return nil, p.at.With(err, "")
	}
	pad, err := p.scratchpad(ctx)
	if err != nil {
		return nil, err
	}
	v, err := pad.temperature()
	if err != nil {
		return nil, p.at.With(err, "it lost its power or gets too little: check supply and cable length")
	}
	return []sensors.Sample{{Quantity: p.quantity, Value: v, At: taken}}, nil
}

// scratchpad reads the probe's memory, a second time where the checksum is wrong: on long cables single bits do fall over.
func (p *probe) scratchpad(ctx context.Context) (pad scratchpad, err error) {
	for range 2 {
		if err := ctx.Err(); err != nil {
			return pad, p.at.With(err, "")
		}
		if err := p.dev.Tx([]byte{readScratchpad}, pad[:]); err != nil {
			return pad, p.at.With(err, wiringHint)
		}
		if err = pad.check(); !errors.Is(err, ErrChecksum) {
			break
		}
	}
	if err != nil {
		return pad, p.at.With(err, wiringHint)
	}
	return pad, nil
}

// Close implements [sensors.Driver].
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
