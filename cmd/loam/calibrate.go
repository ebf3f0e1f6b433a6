package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loam/gateway/sampler"
	"loam/sensors"
	"loam/sensors/catalog"
	"loam/sensors/clock"
	"loam/sensors/logbook"
	"loam/sensors/stability"
)

// calibrateOptions is what can be said beforehand; what is not said is asked.
type calibrateOptions struct {
	config     string
	channel    sensors.Channel
	references []string
	operator   string
	against    string
	to         string
	method     string
	places     int
	valid      time.Duration
	every      time.Duration
	patience   time.Duration
}

func calibrateCommand() *cobra.Command {
	var o calibrateOptions
	cmd := &cobra.Command{
		Use:   "calibrate CHANNEL --config gateway.toml",
		Short: "Measure references with a probe, and keep what its readings mean",
		Long: "Measure references with a probe, and keep what its readings mean.\n\n" +
			"You are asked to put the probe into one reference after the other. Each is measured until the probe stands still.\n" +
			"The gateway must not be running meanwhile, since it would ask the same probe; started again, it reads with the new\n" +
			"calibration. Earlier calibrations are kept.",
		Example: "  loam calibrate soil-10cm --config /etc/loam/gateway.toml\n" +
			"  loam calibrate soil-10cm --config gateway.toml --reference 0.05 --reference 0.40 --operator Ana --against \"weighed soil of bed 3\"",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.channel = sensors.Channel(args[0])
			return calibrate(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout(), warnings(cmd))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "the gateway's configuration")
	f.StringArrayVar(&o.references, "reference", nil, "true value of a reference, in the order they are measured; none: you are asked")
	f.StringVar(&o.operator, "operator", "", "who calibrates")
	f.StringVar(&o.against, "against", "", "what the references are: solution, lot, how the soil was weighed")
	f.StringVar(&o.to, "to", "", "the quantity that comes out, where it is not the probe's own")
	f.StringVar(&o.method, "method", "", "offset, gain, line or table (default: by the number of references)")
	f.IntVar(&o.places, "places", -1, "digits after the point of calibrated values (default: one more than people read)")
	f.DurationVar(&o.valid, "valid", 365*24*time.Hour, "for how long it holds")
	f.DurationVar(&o.every, "every", 2*time.Second, "time between two samples")
	f.DurationVar(&o.patience, "patience", 10*time.Minute, "how long a probe may take to stand still")
	_ = cmd.MarkFlagRequired("config") // the flag was just made
	return cmd
}

// calibrate guides through the calibration of one channel.
func calibrate(ctx context.Context, o calibrateOptions, in io.Reader, out io.Writer, log *slog.Logger) (err error) {
	cfg, err := readGatewayConfig(o.config)
	if err != nil {
		return err
	}
	probe, channel, model, err := cfg.findChannel(o.channel)
	if err != nil {
		return err
	}
	lock, err := lockFolder(cfg.StateDir, "gateway")
	if err != nil {
		return fmt.Errorf("stop the gateway first (systemctl stop loam-gateway): %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	clk, err := cfg.clock()
	if err != nil {
		return err
	}
	b, err := openBuses(cfg.Simulate, clk)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	probe.Channels = []channelConfig{channel}
	opened, err := openProbes([]probeConfig{probe}, cfg.book(), b, cfg.timeout(), clk, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened[0].Source.Close()) }()
	wiring, err := probe.wiring(model)
	if err != nil {
		return err
	}
	wiring.Clock, wiring.Serial, wiring.Pulses = clk, b.serial, b.pulses
	g := guide{
		o: o, model: model, wiring: wiring, probe: opened[0], channel: opened[0].Channels[0], clock: clk,
		ask: bufio.NewScanner(in), out: out,
	}
	return g.run(ctx, cfg.book())
}

// findChannel returns a channel with its probe and model.
func (c gatewayConfig) findChannel(id sensors.Channel) (probeConfig, channelConfig, sensors.Model, error) {
	var known []string
	for _, p := range c.Probes {
		for _, ch := range p.Channels {
			if ch.ID == id {
				m, err := catalog.Find(p.Driver)
				return p, ch, m, err
			}
			known = append(known, string(ch.ID))
		}
	}
	return probeConfig{}, channelConfig{}, sensors.Model{}, fmt.Errorf("this gateway has no channel %q: it has %s", id, strings.Join(known, ", "))
}

// guide is a calibration under way.
type guide struct {
	o       calibrateOptions
	model   sensors.Model
	wiring  sensors.Wiring
	probe   sampler.Probe
	channel sampler.Channel
	clock   clock.Clock
	ask     *bufio.Scanner
	out     io.Writer
}

func (g *guide) say(format string, args ...any) { fmt.Fprintf(g.out, format+"\n", args...) }

func (g *guide) run(ctx context.Context, book logbook.Book) error {
	to, err := g.to()
	if err != nil {
		return err
	}
	g.say("%s: %s of probe %s (%s)", g.channel.ID, to.Title, g.probe.Name, g.model.Title)
	if old := g.channel.Calibration; old.ID == "" {
		g.say("It has no calibration yet.")
	} else {
		g.say("Its calibration is %s.", old.ID)
	}
	entry := logbook.Entry{Channel: g.channel.ID, Probe: g.probe.Name, Model: g.model.Name, Operator: g.o.operator, Reference: g.o.against}
	if entry.Operator, err = g.answer(entry.Operator, "Who calibrates?"); err != nil {
		return err
	}
	if entry.Reference, err = g.answer(entry.Reference, "What are the references (solution and lot, how the soil was weighed)?"); err != nil {
		return err
	}
	made, err := g.make(ctx, to, &entry)
	if err != nil {
		return err
	}
	entry.Written = logbook.Write(made)
	kept, err := book.Add(entry)
	if err != nil {
		return err
	}
	g.say("Kept as %s. Start the gateway again to read with it.", kept.Written.ID)
	return nil
}

// make measures, and returns what follows.
func (g *guide) make(ctx context.Context, to sensors.Kind, entry *logbook.Entry) (made sensors.Calibration, err error) {
	driver, err := g.model.Open(ctx, g.wiring)
	if err != nil {
		return made, err
	}
	if c, ok := driver.(circuit); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
		if entry.Measured, err = g.calibrateCircuit(ctx, c, to); err != nil {
			return made, err
		}
		return g.inCircuit(entry.Measured)
	}
	if err := driver.Close(); err != nil { // it is opened anew, behind a guard
		return made, err
	}
	if entry.Measured, err = g.measureAll(ctx, to); err != nil {
		return made, err
	}
	if made, err = g.calibration(to, entry.Measured); err != nil {
		return made, err
	}
	return made, g.compare(made, entry.Measured)
}

// to is the quantity that comes out.
func (g *guide) to() (sensors.Kind, error) {
	q := g.channel.Quantity
	if c := g.channel.Calibration; c.To != "" {
		q = c.To
	}
	if g.o.to != "" {
		q = sensors.Quantity(g.o.to)
	}
	return q.Kind()
}

// answer is what was said beforehand, or what the person says now.
func (g *guide) answer(said, question string) (string, error) {
	if said != "" {
		return said, nil
	}
	g.say("%s", question)
	if !g.ask.Scan() {
		return "", errors.Join(errors.New("no answer came: give it as a flag, or answer at the prompt"), g.ask.Err())
	}
	return strings.TrimSpace(g.ask.Text()), nil
}

// order is how many references a kind of calibration has, and what to say of each.
var order = map[sensors.CalibrationKind][]string{
	sensors.CalibrationOffset:   {"the reference"},
	sensors.CalibrationTwoPoint: {"the first reference", "the second reference, far from the first"},
	sensors.CalibrationThree:    {"the middle reference", "the low reference", "the high reference"},
}

// measureAll measures the references one after the other.
func (g *guide) measureAll(ctx context.Context, to sensors.Kind) ([]logbook.Measured, error) {
	var all []logbook.Measured
	for i := 0; ; i++ {
		value, more, err := g.next(i, to)
		if err != nil || !more {
			return all, err
		}
		m, err := g.measure(ctx, value)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
}

// next is the true value of the next reference; false where there is no further one.
func (g *guide) next(i int, to sensors.Kind) (sensors.Decimal, bool, error) {
	text, words := "", order[g.model.Calibration]
	switch {
	case len(g.o.references) > 0 && i == len(g.o.references):
		return sensors.Decimal{}, false, nil
	case len(g.o.references) > 0:
		text = g.o.references[i]
	case len(words) > 0 && i == len(words):
		return sensors.Decimal{}, false, nil
	default:
		what := "the next reference; an empty line ends"
		if i < len(words) {
			what = words[i]
		}
		answer, err := g.answer("", fmt.Sprintf("Put the probe into %s. Its true value in %s:", what, to.Symbol))
		if err != nil {
			return sensors.Decimal{}, false, err
		}
		if text = answer; text == "" && i >= len(words) {
			return sensors.Decimal{}, false, nil
		}
	}
	v, err := parseReference(text, i, to)
	return v, err == nil, err
}

// parseReference reads the true value of the reference i.
func parseReference(text string, i int, to sensors.Kind) (sensors.Decimal, error) {
	v, err := sensors.ParseDecimal(text)
	if err != nil {
		return v, fmt.Errorf("reference %d: %w", i+1, err)
	}
	if v.Cmp(to.Min) < 0 || v.Cmp(to.Max) > 0 {
		return v, fmt.Errorf("reference %d: %s %s is no %s: it lies between %s and %s", i+1, v, to.Symbol, to.Title, to.Min, to.Max)
	}
	return v, nil
}

// measure asks the probe until it stands still.
func (g *guide) measure(ctx context.Context, value sensors.Decimal) (logbook.Measured, error) {
	ctx, cancel := context.WithTimeout(ctx, g.o.patience)
	defer cancel()
	var d stability.Detector
	var failed error
	for {
		sample, err := g.sample(ctx)
		if err == nil {
			var v stability.Verdict
			if v, err = d.Add(sample); err != nil {
				return logbook.Measured{}, err
			}
			g.say("  %s says %s; %d of %d samples, drift %s", g.probe.Name, sample.Value, v.Samples, stability.Window, v.Drift)
			if v.Stable {
				return logbook.Measured{True: value, Raw: v.Mean, Spread: v.Spread, Samples: v.Samples, At: sample.At.Wall}, nil
			}
		} else if ctx.Err() == nil {
			failed = err
			g.say("  no sample: %v", err)
		}
		if err := g.clock.Sleep(ctx, g.o.every); err != nil {
			if failed != nil {
				return logbook.Measured{}, fmt.Errorf("the probe did not stand still within %s: %w: %w", g.o.patience, err, failed)
			}
			return logbook.Measured{}, fmt.Errorf("the probe did not stand still within %s: %w: is it in the reference, and the reference at rest?", g.o.patience, err)
		}
	}
}

func (g *guide) sample(ctx context.Context) (sensors.Sample, error) {
	samples, err := g.probe.Source.Sense(ctx)
	if err != nil {
		return sensors.Sample{}, err
	}
	for _, s := range samples {
		if s.Quantity == g.channel.Quantity {
			return s, nil
		}
	}
	return sensors.Sample{}, fmt.Errorf("probe %s gave no %s", g.probe.Name, g.channel.Quantity)
}

// calibration is what follows from the references. What the calibration before compensated for, this one does too.
func (g *guide) calibration(to sensors.Kind, measured []logbook.Measured) (sensors.Calibration, error) {
	today := g.clock.Now().Wall.UTC().Truncate(24 * time.Hour)
	w := logbook.Write(sensors.Calibration{
		Certificate: sensors.Certificate{ID: "new", Date: today, Due: today.Add(g.o.valid).Truncate(24 * time.Hour)},
		Method:      sensors.Method(g.o.method), Places: g.o.places, Compensation: g.channel.Calibration.Compensation,
	})
	if g.o.places < 0 {
		w.Places = to.Places + 1
	}
	if to.Name != g.channel.Quantity {
		w.To = to.Name
	}
	for _, m := range measured {
		w.Points = append(w.Points, [2]sensors.Decimal{m.Raw, m.True})
	}
	c := w.Calibration()
	return c, c.Validate()
}

// compare works out how far each reference is off, before and after. What compensation would do is left out of both: it
// is about the water, not about the probe.
func (g *guide) compare(made sensors.Calibration, measured []logbook.Measured) error {
	old := g.channel.Calibration
	old.Compensation, made.Compensation = nil, nil
	for i := range measured {
		m := &measured[i]
		after, err := off(made, *m)
		if err != nil {
			return err
		}
		m.After = after
		line := fmt.Sprintf("At %s it will be off by %s", m.True, after)
		if old.ID != "" && old.To == made.To {
			if before, err := off(old, *m); err == nil {
				m.Before = before
				line += fmt.Sprintf(", and was by %s", before)
			}
		}
		g.say("%s.", line)
	}
	return nil
}

// off is what a calibration makes of a measured reference, less what it truly is.
func off(c sensors.Calibration, m logbook.Measured) (sensors.Decimal, error) {
	r, err := c.Apply("calibration", sensors.Sample{Value: m.Raw}, nil)
	if err != nil {
		return sensors.Decimal{}, err
	}
	return r.Value.Sub(m.True)
}
