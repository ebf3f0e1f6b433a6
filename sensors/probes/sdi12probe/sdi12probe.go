package sdi12probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"loam/sensors"
	"loam/sensors/sdi12"
)

// ErrValues is wrapped by everything that is wrong with the setting values.
var ErrValues = errors.New("values")

// maxValues is how many a measurement can have (the standard's nn).
const maxValues = 99

// units are what people and probes use beside the quantities' own, and which power of ten lies between.
var units = map[string]map[string]int8{ // by the quantity's own unit
	"m3/m3": {"%": -2},
	"uS/cm": {"mS/cm": 3, "dS/m": 3, "S/m": 4},
	"Pa":    {"hPa": 2, "mbar": 2, "kPa": 3, "bar": 5},
	"kPa":   {"Pa": -3, "hPa": -1, "bar": 2, "MPa": 3},
	"mm":    {"cm": 1, "m": 3},
	"L":     {"m3": 3},
	"V":     {"mV": -3},
	"mV":    {"V": 3},
	"mA":    {"A": 3},
	"m/s":   {"cm/s": -2, "mm/s": -3},
	"mg/L":  {"ug/L": -3},
}

// Model returns the catalog entry.
func Model() sensors.Model {
	m := sensors.Model{
		Name: "sdi12", Title: "Any SDI-12 probe, its values named by you", Bus: sensors.SDI12, Default: '0',
		Calibration: sensors.CalibrationFactory,
		Settings: []sensors.Setting{
			{Name: "values", Title: "the quantities of the probe's values in their order, as \"soil_temperature, -, volumetric_water_content in %\"", Check: func(v string) error {
				_, err := parse(v)
				return err
			}},
			{Name: "command", Title: "the measurement: M, MC, C or CC, each also with 1 to 9, or R0 to R9, RC0 to RC9", Default: "C", Check: func(v string) error {
				return sdi12.Command(v).Validate()
			}},
			{Name: "none", Title: "values the probe sends for no measurement", Default: "-9999", Check: func(v string) error {
				_, err := numbers(v)
				return err
			}},
		},
	}
	bare := m
	m.Fit = func(w sensors.Wiring) (sensors.Model, error) { return fit(bare, w) }
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
		w, at, err := bare.Locate(w)
		if err != nil {
			return nil, err
		}
		fitted, err := fit(bare, w)
		if err != nil {
			return nil, at.With(err, "")
		}
		return fitted.Open(ctx, w)
	}
	return m
}

// fit returns the model with the outputs that the settings name.
func fit(m sensors.Model, w sensors.Wiring) (sensors.Model, error) {
	values, err := parse(w.Settings["values"])
	if err != nil {
		return m, err
	}
	none, err := numbers(w.Settings["none"])
	if err != nil {
		return m, err
	}
	l := sdi12.Layout{Command: sdi12.Command(w.Settings["command"]), Values: values}
	l.None = func(d sensors.Decimal) bool {
		return slices.ContainsFunc(none, func(n sensors.Decimal) bool { return n.Cmp(d) == 0 })
	}
	for _, v := range values {
		if v.Quantity != "" {
			m.Outputs = append(m.Outputs, sensors.Output{
				Quantity: v.Quantity, Min: v.Min, Max: v.Max,
				Accuracy: "as the probe's manual says", Source: "the settings of the probe",
			})
		}
	}
	bare := m
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
		return sdi12.OpenProbe(ctx, bare, w, l)
	}
	return m, nil
}

// parse reads the setting values.
func parse(text string) ([]sdi12.Value, error) {
	entries := strings.Split(text, ",")
	if len(entries) > maxValues {
		return nil, fmt.Errorf("sdi12probe: %w: %d of them: a measurement has up to %d", ErrValues, len(entries), maxValues)
	}
	var values []sdi12.Value
	seen := map[sensors.Quantity]bool{}
	for i, e := range entries {
		v, err := entry(strings.TrimSpace(e))
		if err == nil && v.Quantity != "" && seen[v.Quantity] {
			err = fmt.Errorf("%s is there twice: a probe delivers each quantity once; write - for the one that is not wanted", v.Quantity)
		}
		if err != nil {
			return nil, fmt.Errorf("sdi12probe: %w: number %d: %w", ErrValues, i+1, err)
		}
		seen[v.Quantity] = true
		values = append(values, v)
	}
	delete(seen, "")
	if len(seen) == 0 {
		return nil, fmt.Errorf("sdi12probe: %w: none of them is wanted", ErrValues)
	}
	return values, nil
}

// entry reads one of the values: "quantity", "quantity in unit" or "-".
func entry(text string) (sdi12.Value, error) {
	if text == "-" {
		return sdi12.Value{}, nil
	}
	name, unit, given := strings.Cut(text, " in ")
	k, err := sensors.Quantity(strings.TrimSpace(name)).Kind()
	if err != nil {
		return sdi12.Value{}, err
	}
	v := sdi12.Value{Quantity: k.Name, Min: k.Min, Max: k.Max}
	if unit = strings.TrimSpace(unit); given && unit != k.Unit && unit != k.Symbol {
		shift, known := units[k.Unit][unit]
		if !known {
			return sdi12.Value{}, fmt.Errorf("%s in %q: use %q or one of %q", k.Name, unit, k.Unit, slices.Sorted(maps.Keys(units[k.Unit])))
		}
		v.Shift = shift
	}
	return v, nil
}

// numbers reads the setting none.
func numbers(text string) (all []sensors.Decimal, err error) {
	for _, e := range strings.Split(text, ",") {
		d, err := sensors.ParseDecimal(strings.TrimSpace(e))
		if err != nil {
			return nil, fmt.Errorf("sdi12probe: none: %w", err)
		}
		all = append(all, d)
	}
	return all, nil
}
