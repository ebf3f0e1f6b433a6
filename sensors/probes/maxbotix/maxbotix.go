package maxbotix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
	"loam/sensors/uart"
)

// What a line can be that is no measurement.
var (
	ErrNoTarget = errors.New("no surface within reach")
	ErrTooNear  = errors.New("the surface is at the nearest distance, or nearer")
	errDigits   = errors.New("not the digits of this series")
)

// series is what the digits of a line mean.
type series struct {
	name    string
	digits  int
	tenths  int64 // of a mm in one step
	nearest int64 // in steps; this and less is no distance
	end     int64 // in steps; this and more is none
}

var known = []series{
	{"hrxl-5m", 4, 10, 300, 4999},
	{"hrxl-10m", 4, 10, 500, 9999},
	{"xl", 3, 100, 20, 765},
	{"lv", 3, 254, 6, 254},
}

// mm returns a number of steps in whole millimetres, rounded half up.
func (s series) mm(steps int64) int64 { return (steps*s.tenths + 5) / 10 }

var mode = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}

// Model returns the catalog entry.
func Model() sensors.Model {
	var names []string
	for _, s := range known {
		names = append(names, s.name)
	}
	m := sensors.Model{
		Name: "maxbotix", Title: "MaxBotix MaxSonar distance by ultrasound (HRXL, XL, LV)", Bus: sensors.UART,
		Calibration: sensors.CalibrationOffset,
		Settings: []sensors.Setting{
			sensors.WordSetting("series", "hrxl-5m: MB7360, 7369, 7380, 7389; hrxl-10m: MB7363, 7366, 7383, 7386; xl: MB7060, 7070; lv: MB1000 to 1040", known[0].name, names...),
		},
		Open: open,
	}
	m.Fit = func(w sensors.Wiring) (sensors.Model, error) {
		s, err := find(w.Settings["series"])
		m.Outputs = []sensors.Output{s.output()}
		return m, err
	}
	return m
}

func find(name string) (series, error) {
	for _, s := range known {
		if s.name == name {
			return s, nil
		}
	}
	return series{}, fmt.Errorf("no series %q", name)
}

func (s series) output() sensors.Output {
	o := sensors.Output{
		Quantity: sensors.Distance,
		Min:      sensors.Decimal{Mantissa: s.mm(s.nearest + 1)}, Max: sensors.Decimal{Mantissa: s.mm(s.end - 1)},
		Accuracy: "1 % or better", Source: "MaxBotix PD11500y, HRXL-MaxSonar-WR, features",
	}
	switch s.name {
	case "xl":
		o.Accuracy, o.Source = "1 cm steps", "MaxBotix XL-MaxSonar-WR/WRC data sheet (MB7060), features"
	case "lv":
		o.Accuracy, o.Source = "1 in steps", "MaxBotix PD11832f, LV-MaxSonar-EZ, features"
	}
	return o
}

// probe is an open rangefinder.
type probe struct {
	*uart.Port
	series series
}

// open finds the probe.
func open(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
	port, err := uart.Open(ctx, Model(), w, mode)
	if err != nil {
		return nil, err
	}
	s, err := find(port.Setting("series"))
	if err != nil {
		return nil, errors.Join(port.Error(err, ""), port.Close())
	}
	p := &probe{Port: port, series: s}
	if _, _, err := p.listen(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// reader finds whole lines: the end of the one before, R, digits, and an end. Some models put a space before it.
func (s series) reader() uart.Reader {
	return uart.Reader{
		Format: uart.Format{
			Header: []byte("\rR"),
			Length: func(b []byte) int {
				end := bytes.IndexByte(b[1:], '\r')
				switch {
				case end >= 0:
					return end + 2
				case len(b) > s.digits+4:
					return -1
				}
				return 0
			},
			Check: func(line []byte) error { _, err := s.steps(line); return err },
		},
		Wait: 2 * time.Second, Gap: 2 * time.Second, Limit: 512,
	}
}

// steps reads a whole line.
func (s series) steps(line []byte) (n int64, err error) {
	digits := bytes.TrimSuffix(bytes.TrimSuffix(bytes.TrimPrefix(line, []byte("\rR")), []byte("\r")), []byte(" "))
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, fmt.Errorf("%q: %w", line, errDigits)
		}
		n = 10*n + int64(d-'0')
	}
	if len(digits) != s.digits {
		return 0, fmt.Errorf("%q: %w", line, errDigits)
	}
	return n, nil
}

// listen returns what the next whole line says, in steps.
func (p *probe) listen(ctx context.Context) (n int64, taken clock.Instant, err error) {
	err = p.Transact(ctx, func(ctx context.Context, c serial.Conn) error {
		if err := c.Discard(ctx); err != nil {
			return err
		}
		line, err := p.series.reader().Next(ctx, c)
		if err != nil {
			return err
		}
		taken = p.Now()
		n, err = p.series.steps(line)
		return err
	})
	return n, taken, err
}

// Sense implements [sensors.Driver]: the distance now.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	n, taken, err := p.listen(ctx)
	switch {
	case err != nil:
		return nil, err
	case n >= p.series.end:
		return nil, p.Error(fmt.Errorf("line R%d: %w", n, ErrNoTarget), "is its face clean and level with the surface, and the setting series right?")
	case n <= p.series.nearest:
		return nil, p.Error(fmt.Errorf("line R%d: %w", n, ErrTooNear), "is something in its way, and the setting series right?")
	}
	return []sensors.Sample{{Quantity: sensors.Distance, Value: sensors.Decimal{Mantissa: p.series.mm(n)}, At: taken}}, nil
}
