package main

import (
	"bufio"
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"loam/gateway/sampler"
	"loam/sensors"
	"loam/sensors/catalog"
	"loam/sensors/clock"
	"loam/sensors/logbook"
	"loam/sensors/probes/atlas"
)

// beaker is a circuit whose probe is off by a little until a step puts it right.
type beaker struct {
	clock clock.Clock
	off   int64
	is    []int64 // what it stands in, in thousandths: a value for each step
	steps []atlas.Step
	done  []string
}

func (b *beaker) Sense(context.Context) ([]sensors.Sample, error) {
	v := b.is[min(len(b.done), len(b.is)-1)]
	return []sensors.Sample{{Quantity: sensors.WaterPH, Value: sensors.Decimal{Mantissa: v + b.off, Exponent: -3}, At: b.clock.Now()}}, nil
}

func (b *beaker) Close() error        { return nil }
func (b *beaker) Steps() []atlas.Step { return b.steps }
func (b *beaker) Calibrate(_ context.Context, s atlas.Step, reference sensors.Decimal) error {
	b.done, b.off = append(b.done, string(s)+" "+reference.String()), 0
	b.is = append([]int64{b.is[0]}, b.is...) // it still stands in the same reference when it is asked again
	return nil
}

// guided takes a circuit through its steps with a person's answers.
func guided(t *testing.T, b *beaker, references []string, answers string) ([]logbook.Measured, string, error) {
	t.Helper()
	var out bytes.Buffer
	m, err := catalog.Find("ezo-ph")
	if err != nil {
		t.Fatal(err)
	}
	g := guide{
		o:     calibrateOptions{references: references, every: time.Second, patience: time.Minute, valid: 90 * 24 * time.Hour},
		model: m, clock: b.clock, ask: bufio.NewScanner(strings.NewReader(answers)), out: &out,
		probe: sampler.Probe{Name: "pond"}, channel: sampler.Channel{ID: "pond-ph", Quantity: sensors.WaterPH},
	}
	kind, err := sensors.WaterPH.Kind()
	if err != nil {
		t.Fatal(err)
	}
	measured, err := g.calibrateCircuit(t.Context(), b, kind)
	if err == nil {
		c, err := g.inCircuit(measured)
		if err != nil || c.Validate() != nil || c.Method != sensors.Unchanged || c.Due.Sub(c.Date) != 90*24*time.Hour {
			t.Errorf("%+v, %v", c, err)
		}
	}
	return measured, out.String(), err
}

// A circuit that keeps its calibration is taken through its own steps, in its own order, until nobody has a reference.
func TestACircuitCalibratesItself(t *testing.T) {
	ph := []atlas.Step{atlas.Mid, atlas.Low, atlas.High}
	for name, c := range map[string]struct {
		steps      []atlas.Step
		references []string
		answers    string
		want       []string
	}{
		"asked":              {ph, nil, "7.00\n4.00\n\n", []string{"mid 7.00", "low 4.00"}},
		"all three":          {ph, nil, "7.00\n4.00\n10.0\n", []string{"mid 7.00", "low 4.00", "high 10.0"}},
		"given":              {ph, []string{"7"}, "", []string{"mid 7"}},
		"without references": {[]atlas.Step{atlas.Air, atlas.Zero}, nil, "yes\n\n", []string{"air 0"}},
	} {
		b := &beaker{clock: clock.NewVirtual(time.Unix(1780000000, 0), clock.BootID{1}), off: 120, is: []int64{7000, 4000, 10000}, steps: c.steps}
		measured, said, err := guided(t, b, c.references, c.answers)
		if err != nil || !slices.Equal(b.done, c.want) || len(measured) != len(c.want) {
			t.Errorf("%s: did %q, %v\n%s", name, b.done, err, said)
		}
		if first := measured[0]; first.Samples != 12 || first.Raw.String() != "7.1200" {
			t.Errorf("%s: measured %+v", name, first)
		}
		if name == "asked" && !strings.Contains(said, "the circuit took it for mid: it was off by 0.1200, and is by 0.000") {
			t.Errorf("%s: said\n%s", name, said)
		}
	}
	b := &beaker{clock: clock.NewVirtual(time.Unix(1780000000, 0), clock.BootID{1}), is: []int64{7000}, steps: ph}
	if _, _, err := guided(t, b, []string{"15"}, ""); err == nil || !strings.Contains(err.Error(), "reference 1: 15") || len(b.done) != 0 {
		t.Errorf("pH 15: %v, did %q", err, b.done)
	}
	if _, _, err := guided(t, b, nil, ""); err == nil || !strings.Contains(err.Error(), "no answer came") {
		t.Errorf("nobody there: %v", err)
	}
}
