package modbusprobe

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"loam/sensors"
	"loam/sensors/modbus"
)

//go:embed maps/*.toml
var maps embed.FS

// Models returns a catalog entry for each map of this package, and modbus-map, which takes one from its settings.
func Models() []sensors.Model {
	models := []sensors.Model{fromSettings()}
	files, _ := maps.ReadDir("maps") // embedded: cannot fail
	for _, f := range files {
		raw, _ := maps.ReadFile("maps/" + f.Name()) // embedded: cannot fail
		m, err := parse(f.Name(), raw)
		if err != nil {
			models = append(models, broken(f.Name(), err))
			continue
		}
		models = append(models, m.model())
	}
	return models
}

// broken is the entry of a map of this package that is not valid: it says so wherever it is used. A test sees that there
// is none.
func broken(file string, err error) sensors.Model {
	return sensors.Model{
		Name: strings.TrimSuffix(file, ".toml"), Bus: sensors.Modbus,
		Fit:  func(sensors.Wiring) (sensors.Model, error) { return sensors.Model{}, err },
		Open: func(context.Context, sensors.Wiring) (sensors.Driver, error) { return nil, err },
	}
}

// model returns the catalog entry of a map.
func (m *registerMap) model() sensors.Model {
	model := sensors.Model{
		Name: m.Name, Title: m.Title, Bus: sensors.Modbus, Default: uint64(m.Address), Calibration: m.Calibration,
	}
	for _, o := range m.Outputs {
		out := sensors.Output{Quantity: o.Quantity, Min: o.Min, Max: o.Max, Accuracy: o.Accuracy, Source: o.Source}
		if out.Source == "" {
			out.Source = m.Source
		}
		model.Outputs = append(model.Outputs, out)
	}
	plain := model
	model.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) { return open(ctx, plain, m, w) }
	return model
}

// fromSettings is the model that takes its map from a setting.
func fromSettings() sensors.Model {
	model := sensors.Model{
		Name: "modbus-map", Title: "Any Modbus RTU probe, by a register map of your own", Bus: sensors.Modbus,
		Calibration: sensors.CalibrationFactory,
		Settings: []sensors.Setting{{
			Name: "map", Title: "the file that says which registers the probe has, by its whole path; or that text itself",
			Check: isPlace, // what it says is for Fit to read
		}},
	}
	plain := model
	model.Fit = func(w sensors.Wiring) (sensors.Model, error) {
		m, err := load(w.Settings["map"])
		if err != nil {
			return plain, err
		}
		fitted := m.model()
		named := plain
		named.Title, named.Default, named.Outputs, named.Calibration = fitted.Title, fitted.Default, fitted.Outputs, fitted.Calibration
		bare := named
		named.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) { return open(ctx, bare, m, w) }
		return named, nil
	}
	fit := model.Fit
	model.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
		w, at, err := plain.Locate(w)
		if err != nil {
			return nil, err
		}
		fitted, err := fit(w)
		if err != nil {
			return nil, at.With(err, "")
		}
		return fitted.Open(ctx, w)
	}
	return model
}

// isPlace says whether a map can be had from the setting: it is a whole path, or the text of more than one line.
func isPlace(setting string) error {
	if !isText(setting) && !filepath.IsAbs(setting) {
		return fmt.Errorf("modbusprobe: %w: give the whole path, as /etc/loam/maps/my-probe.toml", ErrMap)
	}
	return nil
}

func isText(setting string) bool { return strings.Contains(setting, "\n") }

// load reads the map.
func load(setting string) (*registerMap, error) {
	if isText(setting) {
		return parse("map", []byte(setting))
	}
	f, err := os.Open(setting)
	if err != nil {
		return nil, fmt.Errorf("modbusprobe: %w: %w", ErrMap, err)
	}
	defer func() { _ = f.Close() }() // only read
	raw, err := io.ReadAll(io.LimitReader(f, maxMapBytes+1))
	if err != nil {
		return nil, fmt.Errorf("modbusprobe: %w: %w", ErrMap, err)
	}
	return parse(setting, raw)
}

// probe is an open probe.
type probe struct {
	*modbus.Client
	registers *registerMap
}

// open opens the port. The probe is not asked: one that is not there yet comes by itself.
func open(ctx context.Context, model sensors.Model, m *registerMap, w sensors.Wiring) (sensors.Driver, error) {
	c, err := modbus.Open(ctx, model, w, m.Mode)
	if err != nil {
		return nil, err
	}
	return &probe{Client: c, registers: m}, nil
}

// Sense implements [sensors.Driver]: every group once.
func (p *probe) Sense(ctx context.Context) ([]sensors.Sample, error) {
	taken := p.Now()
	var samples []sensors.Sample
	var left []error
	zero := true
	for i, g := range p.registers.Groups {
		registers, err := p.Read(ctx, p.registers.request(g))
		if err != nil {
			return nil, err
		}
		if err := p.registers.stop(i, registers); err != nil {
			return nil, p.Error(err, "")
		}
		zero = zero && p.registers.zero(i, registers)
		s, l := p.registers.values(i, registers)
		samples, left = append(samples, s...), append(left, l...)
	}
	switch {
	case zero:
		return nil, p.Error(ErrZero, "is it freshly powered, or is it another model?")
	case len(samples) == 0:
		return nil, p.Error(errors.Join(left...), "is it this model, and is it in what it measures?")
	}
	for i := range samples {
		samples[i].At = taken
	}
	return samples, nil
}
