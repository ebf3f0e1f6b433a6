// Package catalog is the table of every kind of probe that loam can read. A driver is listed here and nowhere else.
package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"loam/internal/name"
	"loam/sensors"
)

// Models returns every model, in alphabetical order. The lists stand in a file for each kind of bus.
func Models() []sensors.Model {
	models := slices.Concat(chips(), uarts(), fieldbuses(), lines())
	slices.SortFunc(models, func(a, b sensors.Model) int { return strings.Compare(a.Name, b.Name) })
	return models
}

// ErrUnknown is wrapped when no model has the name.
var ErrUnknown = errors.New("no such probe")

// Find returns the model of a name as written in a configuration; the error of an unknown one says which may be meant.
func Find(wanted string) (sensors.Model, error) {
	var names []string
	nearest, distance := "", 4
	for _, m := range Models() {
		if m.Name == wanted {
			return m, nil
		}
		names = append(names, m.Name)
		if d := name.Distance(strings.ToLower(wanted), m.Name); d < distance && d < len(m.Name) {
			nearest, distance = m.Name, d
		}
	}
	if nearest != "" {
		return sensors.Model{}, fmt.Errorf("catalog: %w %q: did you mean %q?", ErrUnknown, wanted, nearest)
	}
	return sensors.Model{}, fmt.Errorf("catalog: %w %q: there are %s", ErrUnknown, wanted, strings.Join(names, ", "))
}
