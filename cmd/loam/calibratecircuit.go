package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"loam/sensors"
	"loam/sensors/logbook"
	"loam/sensors/probes/atlas"
)

// circuit is a probe that keeps its calibration itself, and does it in steps of its own.
type circuit interface {
	sensors.Driver
	Steps() []atlas.Step
	Calibrate(ctx context.Context, s atlas.Step, reference sensors.Decimal) error
}

// stepWords is what a person does for a step, and whether it has a reference whose value counts.
var stepWords = map[atlas.Step]struct {
	words     string
	reference bool
}{
	atlas.Mid:    {"the middle reference (this erases the other points)", true},
	atlas.Low:    {"the low reference", true},
	atlas.High:   {"the high reference", true},
	atlas.Dry:    {"the air, dried off", false},
	atlas.Air:    {"the air, wet and shaded, until it stands still", false},
	atlas.Zero:   {"water without oxygen", false},
	atlas.Single: {"the reference", true},
}

// calibrateCircuit takes the circuit through its steps. The first alone is a calibration too: an empty answer, or no
// further reference, ends it.
func (g *guide) calibrateCircuit(ctx context.Context, c circuit, to sensors.Kind) ([]logbook.Measured, error) {
	g.probe.Source = c // no guard: it is asked by one person, who waits
	var all []logbook.Measured
	references := slices.Clone(g.o.references)
	for i, step := range c.Steps() {
		does := stepWords[step]
		var value sensors.Decimal
		switch {
		case does.reference && len(g.o.references) > 0:
			if len(references) == 0 {
				return all, nil
			}
			var err error
			if value, err = parseReference(references[0], i, to); err != nil {
				return nil, err
			}
			references = references[1:]
		case does.reference:
			text, err := g.answer("", fmt.Sprintf("Put the probe into %s. Its true value in %s (empty: no further step):", does.words, to.Symbol))
			if err != nil {
				return nil, err
			}
			if text == "" && i > 0 {
				return all, nil
			}
			if value, err = parseReference(text, i, to); err != nil {
				return nil, err
			}
		default:
			text, err := g.answer("", fmt.Sprintf("Put the probe into %s. Type yes, or nothing to end here:", does.words))
			if err != nil {
				return nil, err
			}
			if text != "yes" {
				return all, nil
			}
		}
		m, err := g.calibrateStep(ctx, c, step, value, does.reference)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// calibrateStep waits until the probe stands still, has the circuit take it for the reference, and looks at what it says then.
func (g *guide) calibrateStep(ctx context.Context, c circuit, step atlas.Step, value sensors.Decimal, reference bool) (logbook.Measured, error) {
	m, err := g.measure(ctx, value)
	if err != nil {
		return m, err
	}
	if err := c.Calibrate(ctx, step, value); err != nil {
		return m, err
	}
	if !reference {
		g.say("  the circuit took it for %s", step)
		return m, nil
	}
	if m.Before, err = m.Raw.Sub(value); err != nil {
		return m, err
	}
	after, err := g.sample(ctx)
	if err != nil {
		return m, err
	}
	if m.After, err = after.Value.Sub(value); err != nil {
		return m, err
	}
	g.say("  the circuit took it for %s: it was off by %s, and is by %s", step, m.Before, m.After)
	return m, nil
}

// inCircuit is the calibration of a circuit that did its own: what it says is passed on, and now it is vouched for.
func (g *guide) inCircuit(measured []logbook.Measured) (sensors.Calibration, error) {
	if len(measured) == 0 {
		return sensors.Calibration{}, errors.New("nothing was calibrated")
	}
	today := g.clock.Now().Wall.UTC().Truncate(24 * time.Hour)
	return sensors.Calibration{
		Certificate:  sensors.Certificate{ID: "new", Date: today, Due: today.Add(g.o.valid).Truncate(24 * time.Hour)},
		Compensation: g.channel.Calibration.Compensation, Places: g.channel.Calibration.Places,
	}, nil
}
