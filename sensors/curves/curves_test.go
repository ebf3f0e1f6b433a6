package curves

import (
	"errors"
	"strings"
	"testing"
	"time"

	"loam/sensors"
)

func TestCurves(t *testing.T) {
	for _, c := range All() {
		cal := sensors.Calibration{Certificate: sensors.Certificate{ID: "maker", Date: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
		c.Apply(&cal)
		if err := cal.Validate(); err != nil || c.Title == "" || c.Source == "" {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		kind, err := c.To.Kind()
		if err != nil {
			t.Fatal(err)
		}
		read := func(raw sensors.Decimal) (sensors.Reading, error) {
			return cal.Apply("x", sensors.Sample{Quantity: c.From, Value: raw}, nil)
		}
		if r, err := read(c.Example[0]); err != nil || r.Value.Cmp(c.Example[1]) != 0 {
			t.Errorf("%s: %s is %s, %v; the maker says %s", c.Name, c.Example[0], r.Value, err, c.Example[1])
		}
		for _, raw := range c.Holds { // where it holds, it says what can be
			if r, err := read(raw); err != nil || r.Value.Cmp(kind.Min) < 0 || r.Value.Cmp(kind.Max) > 0 {
				t.Errorf("%s: %s is %s, %v", c.Name, raw, r.Value, err)
			}
		}
		beyond := c.Holds[1]
		beyond.Mantissa++
		if r, err := read(beyond); !errors.Is(err, sensors.ErrUncalibrated) || r.Value != beyond {
			t.Errorf("%s: beyond where it holds: %s, %v", c.Name, r.Value, err)
		}
	}
}

func TestAnUnknownCurveIsSaid(t *testing.T) {
	var n Name
	if err := n.UnmarshalText([]byte("sen9999")); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "sen0189") {
		t.Error(err)
	}
	if err := n.UnmarshalText([]byte("vh400")); err != nil || n != "vh400" {
		t.Error(n, err)
	}
}
