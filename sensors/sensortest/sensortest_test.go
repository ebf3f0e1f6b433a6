package sensortest

import (
	"testing"

	"loam/sensors/catalog"
)

func TestEveryModelOfTheCatalogKeepsTheRules(t *testing.T) {
	for _, m := range catalog.Models() {
		t.Run(m.Name, func(t *testing.T) { Run(t, m) })
	}
}
