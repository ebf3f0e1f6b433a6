package mlx90614

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

// Commands (section 8.4.5): RAM cells as they are, EEPROM cells with bit 5.
const (
	cmdObject  = 0x07
	cmdAddress = 0x20 | 0x0E
)

// startTime is how long after power-on the first temperature is right (section 8.4.7: 0.25 s; longer with other filters).
const startTime = 650 * time.Millisecond

// What the chip can answer that is no measurement.
var (
	ErrPEC       = errors.New("wrong packet error code")
	ErrFlagged   = errors.New("the chip marks its value as wrong")
	ErrWrongChip = errors.New("not an MLX90614")
)

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "mlx90614", Title: "Melexis MLX90614 surface temperature by infrared",
		Bus: sensors.I2C, Addresses: []uint64{0x5A, 0x5B, 0x5C, 0x5D}, Outputs: outputs(),
		Calibration: sensors.CalibrationFactory,
		Open:        open,
	}
}

func outputs() []sensors.Output {
	return []sensors.Output{{
		Quantity: sensors.SurfaceTemperature,
		Min:      sensors.Decimal{Mantissa: -7001, Exponent: -2},
		Max:      sensors.Decimal{Mantissa: 38219, Exponent: -2},
		Accuracy: "±0.5 °C for chip and surface between 0 and 50 °C",
		Source:   "Melexis 3901090614 revision 008, 8.6.1 and 12.1",
	}}
}

type probe struct {
	*chip.Chip
	address byte
}

func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	m := Model()
	c, err := chip.Open(m, w)
	if err != nil {
		return nil, err
	}
	w, _, _ = m.Locate(w) // the address; chip.Open has checked it
	p := &probe{Chip: c, address: byte(w.Address)}
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// prepare asks the chip for its own address, and lets it start in case it just got power.
func (p *probe) prepare(ctx context.Context) error {
	own, err := p.word(ctx, cmdAddress)
	if err != nil {
		return err
	}
	if byte(own) != p.address {
		return p.Error(fmt.Errorf("it calls itself %#02x: %w", byte(own), ErrWrongChip), "another chip has this address: check the address and the wiring")
	}
	return p.Wait(ctx, startTime)
}

// Sense implements [sensors.Driver]: the newest of the temperatures that the chip measures by itself.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	raw, err := p.word(ctx, cmdObject)
	if err != nil {
		return nil, err
	}
	samples, err := samples(raw, taken)
	if err != nil {
		return nil, p.Error(err, "cut its power for a moment; if that does not help, replace it")
	}
	return samples, nil
}

// word reads a word of the chip's memory (section 8.4.3.1.1), with a repeated start as SMBus wants it.
func (p *probe) word(ctx context.Context, command byte) (uint16, error) {
	var answer [3]byte
	if err := p.Read(ctx, command, answer[:]); err != nil {
		return 0, err
	}
	raw, err := parse(p.address, command, answer)
	if err != nil {
		return 0, p.Error(err, "is the cable too long, or near a motor or pump?")
	}
	return raw, nil
}

// parse checks the answer to a command: a word, low byte first, and the code over all that went over the bus.
func parse(address, command byte, answer [3]byte) (uint16, error) {
	if pec := crc(address<<1, command, address<<1|1, answer[0], answer[1]); pec != answer[2] {
		return 0, fmt.Errorf("% x, the code should be %02x: %w", answer, pec, ErrPEC)
	}
	return binary.LittleEndian.Uint16(answer[:]), nil
}

// crc is the packet error code: polynomial x⁸+x²+x+1, from 0 (System Management Bus specification 2.0, 5.4).
func crc(message ...byte) byte {
	rest := byte(0)
	for _, b := range message {
		rest ^= b
		for range 8 {
			carry := rest & 0x80
			rest <<= 1
			if carry != 0 {
				rest ^= 0x07
			}
		}
	}
	return rest
}

// samples converts a temperature: 0.02 K per count, and a bit that says it is wrong.
func samples(raw uint16, taken clock.Instant) ([]sensors.Sample, error) {
	if raw&0x8000 != 0 {
		return nil, fmt.Errorf("raw %#04x: %w", raw, ErrFlagged)
	}
	return chip.Samples(outputs(), taken, 2*int64(raw)-27315)
}
