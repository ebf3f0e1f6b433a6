// Package catalog is the table of every kind of probe that loam can read. A driver is listed here and nowhere else.
package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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
func Find(name string) (sensors.Model, error) {
	var names []string
	nearest, distance := "", 4
	for _, m := range Models() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
		if d := edits(strings.ToLower(name), m.Name); d < distance && d < len(m.Name) {
			nearest, distance = m.Name, d
		}
	}
	if nearest != "" {
		return sensors.Model{}, fmt.Errorf("catalog: %w %q: did you mean %q?", ErrUnknown, name, nearest)
	}
	return sensors.Model{}, fmt.Errorf("catalog: %w %q: there are %s", ErrUnknown, name, strings.Join(names, ", "))
}

// edits counts the letters to change, insert or delete to get from a to b (Levenshtein).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
