// Package curves is what makers print of their analog probes' curves, as data: see curves.toml.
package curves

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"loam/internal/config"
	"loam/sensors"
)

//go:embed curves.toml
var file []byte

// Curve is one maker's curve.
type Curve struct {
	Name         string               `toml:"name"`
	Title        string               `toml:"title"`
	From         sensors.Quantity     `toml:"from"`
	To           sensors.Quantity     `toml:"to"`
	Method       sensors.Method       `toml:"method"`
	Points       [][2]sensors.Decimal `toml:"points"`
	Coefficients []sensors.Decimal    `toml:"coefficients"`
	Holds        [2]sensors.Decimal   `toml:"holds"` // the raw values it is good for
	Places       int                  `toml:"places"`
	Source       string               `toml:"source"`
	Example      [2]sensors.Decimal   `toml:"example"` // a raw value and what it means, for the tests
}

// all reads the table once: it is part of the program.
var all = sync.OnceValue(func() []Curve {
	var t struct {
		Curve []Curve `toml:"curve"`
	}
	if err := config.Decode("curves.toml", file, &t); err != nil {
		panic(err)
	}
	return t.Curve
})

// All returns every curve.
func All() []Curve { return append([]Curve(nil), all()...) }

// ErrUnknown is wrapped where no curve has a name.
var ErrUnknown = errors.New("no such curve")

// Find returns the curve of a name.
func Find(name string) (Curve, error) {
	var names []string
	for _, c := range all() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Curve{}, fmt.Errorf("curves: %w %q: there are %s", ErrUnknown, name, strings.Join(names, ", "))
}

// Apply puts the curve into a calibration.
func (c Curve) Apply(to *sensors.Calibration) {
	to.To, to.Method, to.Coefficients, to.Places = c.To, c.Method, c.Coefficients, c.Places
	to.Domain = &sensors.Domain{Low: c.Holds[0], High: c.Holds[1]}
	to.Points = nil
	for _, p := range c.Points {
		to.Points = append(to.Points, sensors.Point{Raw: p[0], True: p[1]})
	}
}

// Name is the name of a curve in a file. One that does not exist is refused where the file is read.
type Name string

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Name) UnmarshalText(text []byte) error {
	c, err := Find(string(text))
	if err != nil {
		return err
	}
	*n = Name(c.Name)
	return nil
}
