// Package catalog is the table of the indices that a method may use. Being in it pays nothing: only a method does.
package catalog

import (
	"fmt"
	"strings"

	"loam/valuation"
	"loam/valuation/soilmoisture"
	"loam/valuation/temperatureband"
)

// Kinds lists every index, in the order people read them.
func Kinds() []valuation.Kind {
	return []valuation.Kind{
		soilmoisture.Kind(),
		temperatureband.Kind(),
	}
}

// Lookup returns the index of that name.
func Lookup(name string) (valuation.Kind, error) {
	var known []string
	for _, k := range Kinds() {
		if k.Name == name {
			return k, nil
		}
		known = append(known, k.Name)
	}
	return valuation.Kind{}, fmt.Errorf("catalog: no index is called %q: there are %s", name, strings.Join(known, ", "))
}
