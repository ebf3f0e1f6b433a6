package mhz19

import (
	"context"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
	"loam/sensors/uart"
)

// Frames have nine bytes in both directions.
const (
	start      = 0xFF
	sensor     = 0x01
	cmdRead    = 0x86
	cmdABC     = 0x79 // automatic baseline correction
	abcOn      = 0xA0
	abcOff     = 0x00
	length     = 9
	warmUp     = 3 * time.Minute
	widest     = 10000
	settingABC = "self-calibration"
)

// What a frame can be that is no measurement.
var (
	ErrChecksum    = errors.New("the checksum is wrong")
	ErrNotMeasured = errors.New("the probe has not measured")
	ErrRange       = errors.New("the end of the range: there may be more")
)

var mode = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}

// Model returns the catalog entry.
func Model() sensors.Model {
	return sensors.Model{
		Name: "mhz19", Title: "Winsen MH-Z19, MH-Z19B, MH-Z19C carbon dioxide", Bus: sensors.UART,
		Outputs: []sensors.Output{{
			Quantity: sensors.CarbonDioxide, Max: sensors.Decimal{Mantissa: widest},
			Accuracy: "±(50 ppm + 3 % of the value)", Source: "Winsen MH-Z19B manual V1.5, technical parameters",
		}},
		Calibration: sensors.CalibrationFactory, WarmUp: warmUp,
		Settings: []sensors.Setting{
			sensors.WordSetting("range", "ppm that the probe was sold with", "5000", "2000", "5000", "10000"),
			sensors.WordSetting(settingABC, "on: the lowest value of each day is taken for 400 ppm; off: where the air never becomes that of outdoors", "on", "on", "off"),
		},
		Open: open,
	}
}

// probe is an open MH-Z19.
type probe struct {
	*uart.Port
	duty uart.Duty
	end  int64 // of its range
}

// open finds the probe and says whether it may calibrate itself.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	port, err := uart.Open(ctx, Model(), w, mode)
	if err != nil {
		return nil, err
	}
	p := &probe{Port: port, duty: uart.Duty{WarmUp: warmUp}, end: port.Number("range").Mantissa}
	if err := p.Transact(ctx, p.prepare); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.duty.Began(p.Now())
	return p, nil
}

func (p *probe) prepare(ctx context.Context, c serial.Conn) error {
	abc := byte(abcOn)
	if p.Setting(settingABC) == "off" {
		abc = abcOff
	}
	if err := c.Write(ctx, request(cmdABC, abc)); err != nil { // it has no answer; the reading after it has
		return err
	}
	_, err := p.read(ctx, c)
	return err
}

// request writes a command as it is sent.
func request(cmd, argument byte) []byte {
	b := []byte{start, sensor, cmd, argument, 0, 0, 0, 0}
	return append(b, checksum(b))
}

// checksum is what makes the bytes after the first add up to 0.
func checksum(b []byte) byte {
	var s byte
	for _, v := range b[1:] {
		s -= v
	}
	return s
}

// reader finds replies to cmdRead.
var reader = uart.Reader{
	Format: uart.Format{
		Header: []byte{start, cmdRead},
		Length: uart.Fixed(length),
		Check: func(f []byte) error {
			if want := checksum(f[:length-1]); f[length-1] != want {
				return fmt.Errorf("%w: %#02x, not %#02x", ErrChecksum, f[length-1], want)
			}
			return nil
		},
	},
	Wait: time.Second, Gap: 100 * time.Millisecond, Limit: 128,
}

// Sense implements [sensors.Driver]: the concentration now.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	var frame []byte
	var taken clock.Instant
	err := p.Transact(ctx, func(ctx context.Context, c serial.Conn) (err error) {
		taken = p.Now()
		frame, err = p.read(ctx, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := p.duty.WarmedUp(p.Now()); err != nil {
		return nil, p.Error(err, "")
	}
	ppm := int64(frame[2])<<8 | int64(frame[3])
	switch {
	case ppm == 0:
		return nil, p.Error(fmt.Errorf("0 ppm: %w", ErrNotMeasured), "is it fed with 4.5 to 5.5 V?")
	case ppm >= p.end:
		return nil, p.Error(fmt.Errorf("%d ppm: %w", ppm, ErrRange), `does the setting range say what is printed on the probe?`)
	}
	return []sensors.Sample{{Quantity: sensors.CarbonDioxide, Value: sensors.Decimal{Mantissa: ppm}, At: taken}}, nil
}

// read asks for the concentration.
func (p *probe) read(ctx context.Context, c serial.Conn) ([]byte, error) {
	if err := c.Discard(ctx); err != nil {
		return nil, err
	}
	if err := c.Write(ctx, request(cmdRead, 0)); err != nil {
		return nil, err
	}
	return reader.Next(ctx, c)
}
