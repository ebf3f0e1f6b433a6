package atlas

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"loam/sensors"
)

// kept says that a setting is left as the circuit has it.
const kept = "kept"

// Limits of the K of a probe.
var lowK, highK = dec(1, -1), dec(10, 0)

func checkK(v string) error {
	if v == kept {
		return nil
	}
	d, err := sensors.ParseDecimal(v)
	if err != nil {
		return err
	}
	if d.Cmp(lowK) < 0 || d.Cmp(highK) > 0 {
		return fmt.Errorf("use %s to %s, or %q", lowK, highK, kept)
	}
	return nil
}

// query asks for a setting of the circuit.
func (p *Probe) query(ctx context.Context, name string) ([]string, error) {
	text, err := p.ask(ctx, name+",?", short)
	if err != nil {
		return nil, err
	}
	words, err := parseQuery(text, name)
	if err != nil {
		return nil, p.Error(err, "is it this circuit, and its firmware recent?")
	}
	return words, nil
}

// ensure makes a setting of the circuit what it should be. The circuit keeps it in a memory that wears out, so it is
// written only where it differs, and asked for again.
func (p *Probe) ensure(ctx context.Context, name string, fine func(words []string) bool, commands func(words []string) []string) error {
	words, err := p.query(ctx, name)
	if err != nil || fine(words) {
		return err
	}
	for _, c := range commands(words) {
		if _, err := p.ask(ctx, c, short); err != nil {
			return err
		}
	}
	if words, err = p.query(ctx, name); err == nil && !fine(words) {
		err = p.Error(fmt.Errorf("%s is %q: %w", name, strings.Join(words, ","), ErrSettings), "power-cycle the circuit")
	}
	return err
}

// only leaves one of the circuit's outputs switched on. It is switched on first, since the circuit wants to have one.
func (p *Probe) only(ctx context.Context, output string) error {
	return p.ensure(ctx, "O",
		func(on []string) bool { return len(on) == 1 && strings.EqualFold(on[0], output) },
		func(on []string) []string {
			commands := []string{"O," + output + ",1"}
			for _, other := range on {
				if !strings.EqualFold(other, output) && other != "" {
					commands = append(commands, "O,"+other+",0")
				}
			}
			return commands
		})
}

// constant gives the circuit the K of its probe, where one is set.
func (p *Probe) constant(ctx context.Context) error {
	if p.wiring.Settings["k"] == kept {
		return nil
	}
	k := p.wiring.Number("k")
	return p.ensure(ctx, "K",
		func(words []string) bool {
			has, err := sensors.ParseDecimal(strings.Join(words, ","))
			return err == nil && has.Cmp(k) == 0
		},
		func([]string) []string { return []string{"K," + k.String()} })
}

// celsius makes the thermometer speak in °C.
func (p *Probe) celsius(ctx context.Context) error {
	return p.ensure(ctx, "S",
		func(words []string) bool { return len(words) == 1 && strings.EqualFold(words[0], "c") },
		func([]string) []string { return []string{"S,c"} })
}

// Step is one step of a calibration that the circuit keeps.
type Step string

// The steps.
const (
	Mid    Step = "mid"    // pH: the middle reference; forgets the others
	Low    Step = "low"    // pH, conductivity
	High   Step = "high"   // pH, conductivity
	Dry    Step = "dry"    // conductivity: the dry probe, without a reference
	Air    Step = "air"    // dissolved oxygen: the probe in air, without a reference
	Zero   Step = "zero"   // dissolved oxygen: water without oxygen, without a reference
	Single Step = "single" // redox, temperature: the one reference
)

// ErrStep says that a calibration cannot be done so.
var ErrStep = errors.New("calibration step")

// Steps returns the steps of the circuit's calibration in the order they have to be done. The first alone is one, too.
func (p *Probe) Steps() []Step { return slices.Clone(p.kind.steps) }

// Calibrate does one step: the circuit takes what its probe says now for the reference. The probe has to stand still in it.
// reference is looked at by the steps that have one.
func (p *Probe) Calibrate(ctx context.Context, s Step, reference sensors.Decimal) error {
	command, err := p.calibration(s, reference)
	if err != nil {
		return p.Error(err, "")
	}
	if s != p.kind.steps[0] && p.kind.steps[0] == Mid {
		points, err := p.Points(ctx)
		if err != nil {
			return err
		}
		if points == 0 {
			return p.Error(fmt.Errorf("%w %s: %s has to come first", ErrStep, s, Mid), "begin with the middle reference: it forgets the others")
		}
	}
	_, err = p.ask(ctx, command, p.kind.calibrating)
	return err
}

// calibration is the command of a step.
func (p *Probe) calibration(s Step, reference sensors.Decimal) (string, error) {
	if !slices.Contains(p.kind.steps, s) {
		return "", fmt.Errorf("%w %q: there are %q", ErrStep, s, p.kind.steps)
	}
	switch s {
	case Air:
		return "Cal", nil
	case Dry:
		return "Cal,dry", nil
	case Zero:
		return "Cal,0", nil
	}
	if o := p.output; reference.Cmp(o.Min) < 0 || reference.Cmp(o.Max) > 0 {
		return "", fmt.Errorf("%w %s: reference %s: use %s to %s", ErrStep, s, reference, o.Min, o.Max)
	}
	if s == Single {
		return "Cal," + reference.String(), nil
	}
	return "Cal," + string(s) + "," + reference.String(), nil
}

// Points returns how many points the circuit's calibration has; 0 is none.
func (p *Probe) Points(ctx context.Context) (int, error) {
	words, err := p.query(ctx, "Cal")
	if err != nil {
		return 0, err
	}
	if len(words) != 1 || len(words[0]) != 1 || words[0] < "0" || words[0] > "3" {
		return 0, p.Error(fmt.Errorf("calibration points %q: %w", words, ErrReply), "")
	}
	return int(words[0][0] - '0'), nil
}

// Slope is how steep a pH probe is on both sides of neutral, in % of an ideal one, by its last calibration. It falls as
// the probe ages.
type Slope struct{ Acid, Base sensors.Decimal }

// Slope asks for the slope of a pH probe.
func (p *Probe) Slope(ctx context.Context) (Slope, error) {
	words, err := p.query(ctx, "Slope")
	if err != nil {
		return Slope{}, err
	}
	if len(words) < 2 { // newer firmware adds the zero point, in mV
		return Slope{}, p.Error(fmt.Errorf("slope %q: %w", words, ErrReply), "")
	}
	acid, err := sensors.ParseDecimal(words[0])
	base, err2 := sensors.ParseDecimal(words[1])
	if err = errors.Join(err, err2); err != nil {
		return Slope{}, p.Error(fmt.Errorf("slope %q: %w: %w", words, ErrReply, err), "")
	}
	return Slope{Acid: acid, Base: base}, nil
}

// Forget makes the circuit forget its calibration.
func (p *Probe) Forget(ctx context.Context) error {
	_, err := p.ask(ctx, "Cal,clear", short)
	return err
}
