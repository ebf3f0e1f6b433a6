package scd4x

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
	"loam/sensors/sensirion"
)

// Commands (table 9).
const (
	cmdStart       = 0x21B1
	cmdStartLow    = 0x21AC
	cmdSingleShot  = 0x219D
	cmdReady       = 0xE4B8
	cmdRead        = 0xEC05
	cmdStop        = 0x3F86
	cmdWake        = 0x36F6
	cmdSerial      = 0x3682
	cmdSetOffset   = 0x241D
	cmdSetAltitude = 0x2427

	readyMask = 0x07FF // data is ready where any of these bits is set
)

// How long commands take (table 9), with a little to spare.
const (
	stopTime    = 510 * time.Millisecond
	wakeTime    = 30 * time.Millisecond
	commandTime = 2 * time.Millisecond
	shotTime    = 5*time.Second + 100*time.Millisecond
	period      = 5 * time.Second
	periodLow   = 30 * time.Second
)

// What the chip can answer that is no measurement.
var (
	ErrNotMeasuring = errors.New("no measurement came")
	ErrNoCO2        = errors.New("the chip did not measure carbon dioxide")
)

// Names of the settings and of the modes.
const (
	settingMode     = "mode"
	settingAltitude = "altitude"
	settingOffset   = "temperature_offset"

	modePeriodic = "periodic"
	modeLowPower = "low-power"
	modeSingle   = "single-shot"
)

// Model returns the catalog entry.
func Model() sensors.Model {
	whole := func(n int64) sensors.Decimal { return sensors.Decimal{Mantissa: n} }
	m := sensors.Model{
		Name: "scd4x", Title: "Sensirion SCD40, SCD41 or SCD43 carbon dioxide, air temperature and humidity",
		Bus: sensors.I2C, Addresses: []uint64{0x62}, Outputs: outputs(),
		Calibration: sensors.CalibrationOffset,
		WarmUp:      period,
		Settings: []sensors.Setting{
			sensors.WordSetting(settingMode, "when it measures (single-shot: SCD41 and SCD43 only)", modePeriodic, modePeriodic, modeLowPower, modeSingle),
			sensors.NumberSetting(settingAltitude, "height above sea level in m", "0", whole(0), whole(3000)),
			sensors.NumberSetting(settingOffset, "°C by which the probe warms itself in its housing", "4", whole(0), whole(20)),
		},
	}
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) { return open(ctx, m, w) }
	base := m
	m.Fit = func(w sensors.Wiring) (sensors.Model, error) {
		fitted := base
		if w.Settings[settingMode] == modeLowPower {
			fitted.WarmUp = periodLow
		}
		return fitted, nil
	}
	return m
}

func outputs() []sensors.Output {
	const source = "Sensirion SCD4x version 1.3, September 2022, "
	return []sensors.Output{
		chip.Output(sensors.CarbonDioxide, 1, 40000, 0, "SCD40: ±(50 ppm + 5 %) from 400 to 2000 ppm; SCD41: ±(40 ppm + 5 %) from 400 to 5000 ppm", source+"table 1"),
		chip.Output(sensors.AirTemperature, -10, 60, -2, "±0.8 °C between 15 and 35 °C", source+"table 3"),
		chip.Output(sensors.RelativeHumidity, 0, 100, -2, "±6 % between 15 and 35 °C, 20 and 65 %", source+"table 2"),
	}
}

// probe is an open SCD4x.
type probe struct {
	*chip.Chip
	mode     string
	altitude uint16
	offset   uint16
	interval time.Duration // between measurements, or how long a shot takes
	since    time.Duration // uptime when it was started or last read
	warm     bool          // a measurement was due since it was started
}

func open(ctx context.Context, m sensors.Model, w sensors.Wiring) (sensors.Driver, error) {
	c, err := chip.Open(m, w)
	if err != nil {
		return nil, err
	}
	w, _, _ = m.Locate(w) // the settings, complete; chip.Open has checked them
	p := &probe{
		Chip: c, mode: w.Settings[settingMode], interval: period,
		altitude: uint16(w.Number(settingAltitude).Float64()), offset: offset(w.Number(settingOffset)),
	}
	if p.mode == modeLowPower {
		p.interval = periodLow
	}
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// prepare brings the chip to rest, whatever it did before, and has it measure.
func (p *probe) prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return p.Error(err, "")
	}
	_ = p.Write(ctx, sensirion.Command(cmdWake)...) // is never acknowledged
	if err := p.Wait(ctx, wakeTime); err != nil {
		return err
	}
	if err := p.command(ctx, stopTime, cmdStop); err != nil {
		return err
	}
	if _, err := sensirion.Read(ctx, p.Chip, sensirion.Command(cmdSerial), commandTime, 3); err != nil {
		return err
	}
	return p.start(ctx)
}

// start tells the chip where it is, which it forgets without power, and has it measure: once, or from now on.
func (p *probe) start(ctx context.Context) error {
	if err := p.command(ctx, commandTime, cmdSetAltitude, p.altitude); err != nil {
		return err
	}
	if err := p.command(ctx, commandTime, cmdSetOffset, p.offset); err != nil {
		return err
	}
	begin := map[string]uint16{modePeriodic: cmdStart, modeLowPower: cmdStartLow, modeSingle: cmdSingleShot}[p.mode]
	p.since = p.Now().Uptime
	return p.command(ctx, 0, begin)
}

// offset is a temperature offset as the chip takes it: 65536ths of 175 °C, rounded (section 3.6.1).
func offset(celsius sensors.Decimal) uint16 {
	milli := int64(math.Round(float64(celsius.Float64() * 1000)))
	return uint16(chip.Linear(milli, 175_000, 65535, 0))
}

func (p *probe) command(ctx context.Context, wait time.Duration, code uint16, arguments ...uint16) error {
	if err := p.Write(ctx, sensirion.Command(code, arguments...)...); err != nil {
		return err
	}
	return p.Wait(ctx, wait)
}

// Sense implements [sensors.Driver]: it fetches the newest measurement, or has one made.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	if left := p.interval - (p.Now().Uptime - p.since); !p.warm && left > 0 {
		return nil, p.notReady(left)
	}
	p.warm = true
	if p.mode == modeSingle {
		return p.shoot(ctx)
	}
	ready, err := p.ready(ctx)
	if err != nil {
		return nil, err
	}
	if !ready {
		// Chips differ a little in how long an interval is.
		if left := p.interval*3/2 - (p.Now().Uptime - p.since); left > 0 {
			return nil, p.notReady(left)
		}
		return nil, p.silent()
	}
	return p.read(ctx)
}

func (p *probe) notReady(left time.Duration) error {
	return p.Error(fmt.Errorf("%w: a measurement comes within %s", sensors.ErrNotReady, left.Round(time.Millisecond)), "")
}

func (p *probe) silent() error {
	return p.Error(ErrNotMeasuring, "it may have lost its power for a moment: it is started anew when it is next asked")
}

func (p *probe) shoot(ctx context.Context) ([]sensors.Sample, error) {
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	if err := p.Wait(ctx, shotTime); err != nil {
		return nil, err
	}
	switch ready, err := p.ready(ctx); {
	case err != nil:
		return nil, err
	case !ready:
		return nil, p.silent()
	}
	return p.read(ctx)
}

func (p *probe) ready(ctx context.Context) (bool, error) {
	status, err := sensirion.Read(ctx, p.Chip, sensirion.Command(cmdReady), commandTime, 1)
	return err == nil && status[0]&readyMask != 0, err
}

func (p *probe) read(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	raw, err := sensirion.Read(ctx, p.Chip, sensirion.Command(cmdRead), commandTime, 3)
	if err != nil {
		return nil, err
	}
	p.since = p.Now().Uptime
	s, err := samples(raw, taken)
	if err != nil {
		return nil, p.Error(err, "check its power supply: it needs up to 205 mA for moments")
	}
	return s, nil
}

// samples converts the three words of a measurement (section 3.5.2).
func samples(raw []uint16, taken clock.Instant) ([]sensors.Sample, error) {
	if raw[0] == 0 {
		return nil, ErrNoCO2
	}
	return chip.Samples(outputs(), taken, int64(raw[0]), sensirion.Steps(raw[1], 17500, -4500), sensirion.Steps(raw[2], 10000, 0))
}
