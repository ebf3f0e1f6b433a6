package atlas

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"loam/sensors"
	"loam/sensors/chip"
)

// short is how long a circuit takes for anything but reading and calibrating.
const short = 300 * time.Millisecond

// What a circuit can turn out to be.
var (
	ErrWrongCircuit = errors.New("another circuit than configured")
	ErrMedium       = errors.New("what is it put into?")
	ErrSettings     = errors.New("the circuit does not have the settings it was given")
)

// kind is one of the circuits.
type kind struct {
	name, title string
	device      string // what it calls itself, without points
	address     uint64
	outputs     []sensors.Output
	medium      bool          // which of the outputs it is, the wiring says
	reading     time.Duration // how long R takes
	calibrating time.Duration // how long Cal takes
	calibration sensors.CalibrationKind
	steps       []Step
	settings    []sensors.Setting
	compensated []compensation
	prepare     func(context.Context, *Probe) error // once, at opening; may be nil
}

// compensation is a setting that is sent before each reading.
type compensation struct{ setting, command string }

func dec(m int64, e int8) sensors.Decimal { return sensors.Decimal{Mantissa: m, Exponent: e} }

// temperature is the setting of that name.
func temperature(def string) sensors.Setting {
	return sensors.NumberSetting("temperature", "°C of the water that the circuit reckons with", def, dec(-5, 0), dec(50, 0))
}

// kinds is the table of the circuits.
func kinds() []kind {
	return []kind{ph(), conductivity(), oxygen(), redox(), thermometer()}
}

func ph() kind {
	return kind{
		name: "ezo-ph", title: "pH", device: "PH", address: 0x63,
		outputs: []sensors.Output{{Quantity: sensors.WaterPH, Min: dec(1, -3), Max: dec(13999, -3), Accuracy: "±0.002", Source: "Atlas EZO-pH 5.8, page 1"}},
		reading: 900 * time.Millisecond, calibrating: 900 * time.Millisecond,
		calibration: sensors.CalibrationThree, steps: []Step{Mid, Low, High},
		settings: []sensors.Setting{temperature("25")}, compensated: []compensation{{"temperature", "T"}},
	}
}

func conductivity() kind {
	return kind{
		name: "ezo-ec", title: "conductivity", device: "EC", address: 0x64,
		outputs: []sensors.Output{{Quantity: sensors.WaterConductivity, Min: dec(7, -2), Max: dec(50_000_000, -2), Accuracy: "±2 %", Source: "Atlas EZO-EC 6.2, page 1"}},
		reading: 600 * time.Millisecond, calibrating: 600 * time.Millisecond,
		calibration: sensors.CalibrationTwoPoint, steps: []Step{Dry, Low, High},
		settings: []sensors.Setting{temperature("25"), {
			Name: "k", Title: "K of the probe, 0.1 to 10, or \"kept\" where the circuit has it already; calibrate anew after a change",
			Default: kept, Check: checkK,
		}},
		compensated: []compensation{{"temperature", "T"}},
		prepare: func(ctx context.Context, p *Probe) error {
			if err := p.only(ctx, "EC"); err != nil {
				return err
			}
			return p.constant(ctx)
		},
	}
}

func oxygen() kind {
	return kind{
		name: "ezo-do", title: "dissolved oxygen", device: "DO", address: 0x61,
		outputs: []sensors.Output{{Quantity: sensors.DissolvedOxygen, Min: dec(0, -2), Max: dec(10_000, -2), Accuracy: "±0.05 mg/L", Source: "Atlas EZO-DO 5.4, page 1"}},
		reading: 600 * time.Millisecond, calibrating: 1300 * time.Millisecond,
		calibration: sensors.CalibrationOffset, steps: []Step{Air, Zero},
		settings: []sensors.Setting{
			temperature(""),
			sensors.NumberSetting("salinity", "µS/cm of the water; 0 in fresh water", "0", dec(0, 0), dec(60_000, 0)),
			sensors.NumberSetting("pressure", "kPa of the air; 101.3 at sea level, 89.9 at 1000 m", "101.3", dec(50, 0), dec(110, 0)),
		},
		compensated: []compensation{{"temperature", "T"}, {"salinity", "S"}, {"pressure", "P"}},
		prepare:     func(ctx context.Context, p *Probe) error { return p.only(ctx, "mg") },
	}
}

func redox() kind {
	return kind{
		name: "ezo-orp", title: "redox potential", device: "ORP", address: 0x62,
		outputs: []sensors.Output{{Quantity: sensors.OxidationReduction, Min: dec(-10199, -1), Max: dec(10199, -1), Accuracy: "±1 mV", Source: "Atlas EZO-ORP, page 1"}},
		reading: 900 * time.Millisecond, calibrating: 900 * time.Millisecond,
		calibration: sensors.CalibrationOffset, steps: []Step{Single},
	}
}

func thermometer() kind {
	output := func(q sensors.Quantity) sensors.Output {
		return sensors.Output{Quantity: q, Min: dec(-126_000, -3), Max: dec(1_254_000, -3), Accuracy: "±(0.1 °C + 0.0017 of the value)", Source: "Atlas EZO-RTD, page 1"}
	}
	return kind{
		name: "ezo-rtd", title: "temperature", device: "RTD", address: 0x66, medium: true,
		outputs: []sensors.Output{output(sensors.WaterTemperature), output(sensors.SoilTemperature), output(sensors.AirTemperature)},
		reading: 600 * time.Millisecond, calibrating: 600 * time.Millisecond,
		calibration: sensors.CalibrationOffset, steps: []Step{Single},
		prepare: func(ctx context.Context, p *Probe) error { return p.celsius(ctx) },
	}
}

// Models returns the catalog entries: each circuit on I2C, and on a serial port.
func Models() []sensors.Model {
	var models []sensors.Model
	for _, k := range kinds() {
		models = append(models, k.model(sensors.I2C), k.model(sensors.UART))
	}
	return models
}

func (k kind) model(bus sensors.BusKind) sensors.Model {
	m := sensors.Model{
		Name: k.name, Title: "Atlas Scientific EZO " + k.title, Bus: bus,
		Outputs: k.outputs, Calibration: k.calibration, Settings: k.settings,
	}
	if bus == sensors.I2C {
		m.Default = k.address
	} else {
		m.Name, m.Title = m.Name+"-uart", m.Title+" on a serial port"
	}
	bare := m
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) { return k.open(ctx, bare, w) }
	return m
}

// output is the one output that the circuit has where it is put.
func (k kind) output(medium string) (sensors.Output, error) {
	if !k.medium {
		return k.outputs[0], nil
	}
	for i, m := range []string{"water", "soil", "air"} {
		if m == medium {
			return k.outputs[i], nil
		}
	}
	return sensors.Output{}, fmt.Errorf("medium %q: %w", medium, ErrMedium)
}

// Probe is an open circuit.
type Probe struct {
	line
	kind   kind
	output sensors.Output
	wiring sensors.Wiring
}

func (k kind) open(ctx context.Context, m sensors.Model, w sensors.Wiring) (sensors.Driver, error) {
	w, at, err := m.Locate(w)
	if err != nil {
		return nil, err
	}
	out, err := k.output(w.Medium)
	if err != nil {
		return nil, at.With(err, `write medium = "water", "soil" or "air"`)
	}
	var l line
	if m.Bus == sensors.I2C {
		l, err = openWire(m, w)
	} else {
		l, err = openPort(ctx, m, w)
	}
	if err != nil {
		return nil, err
	}
	p := &Probe{line: l, kind: k, output: out, wiring: w}
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// prepare asks the circuit what it is, and makes sure of what it prints.
func (p *Probe) prepare(ctx context.Context) error {
	text, err := p.ask(ctx, "i", short)
	if err != nil {
		return err
	}
	words, err := parseQuery(text, "i")
	if err != nil || len(words) < 1 {
		return p.Error(fmt.Errorf("%q: %w", text, errors.Join(ErrWrongCircuit, err)), "another chip has this address")
	}
	device := strings.ToUpper(strings.ReplaceAll(words[0], ".", ""))
	if device != p.kind.device && (device != "OR" || p.kind.device != "ORP") { // some firmware of the ORP says OR
		return p.Error(fmt.Errorf("it says that it is an EZO-%s: %w", words[0], ErrWrongCircuit), "change driver or address in the configuration")
	}
	if p.kind.prepare == nil {
		return nil
	}
	return p.kind.prepare(ctx, p)
}

// Sense implements [sensors.Driver]: what is compensated for, and one reading.
func (p *Probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	for _, c := range p.kind.compensated {
		if _, err := p.ask(ctx, c.command+","+p.wiring.Number(c.setting).String(), short); err != nil {
			return nil, err
		}
	}
	taken := p.Now()
	text, err := p.ask(ctx, "R", p.kind.reading)
	if err != nil {
		return nil, err
	}
	v, err := parseValue(text, p.output)
	if err != nil {
		return nil, p.Error(err, "are other outputs switched on, or is it another circuit?")
	}
	samples, err := chip.Samples([]sensors.Output{p.output}, taken, v)
	if err != nil {
		return nil, p.Error(err, "is the probe plugged in, wet, and whole?")
	}
	return samples, nil
}
