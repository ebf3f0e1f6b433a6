package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/pelletier/go-toml/v2"
	"periph.io/x/host/v3"

	"loam/gateway/sampler"
	"loam/internal/config"
	"loam/sensors"
	"loam/sensors/catalog"
	"loam/sensors/clock"
	"loam/sensors/logbook"
	"loam/sensors/pulse"
	"loam/sensors/serial"
	"loam/sensors/sim"
)

// probeConfig is one [[probe]]: which model, where it is wired, and what its quantities are called.
type probeConfig struct {
	Name     string                  `toml:"name"`
	Driver   string                  `toml:"driver"`
	Bus      string                  `toml:"bus"`
	Address  probeAddress            `toml:"address"`
	Input    int                     `toml:"input"`
	Medium   string                  `toml:"medium"`
	Every    config.Duration         `toml:"every"` // its own rhythm; empty: each round
	Settings map[string]settingValue `toml:"settings"`
	Channels []channelConfig         `toml:"channel"`
}

// settingValue is a setting of a model as it was written, a word or a number with all its digits.
type settingValue string

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *settingValue) UnmarshalText(text []byte) error {
	*v = settingValue(text)
	return nil
}

// wiring is where the probe is and what it was told; the model says how an address is written on its bus.
func (c probeConfig) wiring(m sensors.Model) (sensors.Wiring, error) {
	w := sensors.Wiring{Probe: c.Name, Bus: c.Bus, Input: c.Input, Medium: c.Medium, Settings: map[string]string{}}
	for name, v := range c.Settings {
		w.Settings[name] = string(v)
	}
	var err error
	w.Address, err = m.Bus.ParseAddress(string(c.Address))
	return w, err
}

// probeAddress is an address as it was written, a number or a word: an I2C or Modbus address, an SDI-12 address such as
// "a", or a 1-wire ROM code, whose 64 bits are too large for a TOML number and are therefore written in quotes.
type probeAddress string

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *probeAddress) UnmarshalText(text []byte) error {
	*a = probeAddress(text)
	return nil
}

// channelConfig gives one quantity of a probe its name and calibration.
type channelConfig struct {
	ID          sensors.Channel  `toml:"id"`
	Quantity    sensors.Quantity `toml:"quantity"` // as the probe delivers it
	Calibration *logbook.Written `toml:"calibration"`
}

// simulateConfig puts simulated chips on virtual buses, to try loam without probes.
type simulateConfig struct {
	Place sim.Place      `toml:"place"`
	Seed  int64          `toml:"seed"`
	Start toml.LocalDate `toml:"start"` // when the simulated world begins
	// Synced takes the clock as synchronised, although this machine's may not be: what is simulated may earn, in a simulation.
	Synced bool `toml:"synced"`
}

// calibration returns the channel's calibration as configured; a chip its maker calibrated needs none from the steward.
func (c channelConfig) calibration(m sensors.Model) sensors.Calibration {
	switch {
	case c.Calibration != nil:
		return c.Calibration.Calibration()
	case m.Calibration == sensors.CalibrationFactory:
		return sensors.Calibration{Certificate: sensors.Certificate{ID: sensors.FactoryCertificate}}
	}
	return sensors.Calibration{}
}

// inForce returns the calibration a channel is read with: the newest of what is configured and what is in the book. On
// the same day it is the book's, which was written later.
func (c channelConfig) inForce(m sensors.Model, book logbook.Book) (sensors.Calibration, error) {
	configured := c.calibration(m)
	e, err := book.Latest(c.ID)
	if errors.Is(err, logbook.ErrNone) {
		return configured, nil
	}
	if err != nil {
		return configured, err
	}
	if recorded := e.Written.Calibration(); !recorded.Date.Before(configured.Date) {
		return recorded, nil
	}
	return configured, nil
}

func day(d toml.LocalDate) time.Time {
	if d == (toml.LocalDate{}) {
		return time.Time{}
	}
	return d.AsTime(time.UTC)
}

// checkProbes says everything that is wrong with the probes, without touching a bus.
func checkProbes(probes []probeConfig, interval time.Duration) error {
	var problems config.Problems
	names, channels := map[string]bool{}, map[sensors.Channel]bool{}
	for i, p := range probes {
		say := func(format string, args ...any) {
			problems.Add(fmt.Errorf("[[probe]] %d (%s): %w", i+1, p.Name, fmt.Errorf(format, args...)))
		}
		if p.Name == "" || names[p.Name] {
			say("give it a name no other probe has")
		}
		names[p.Name] = true
		if every := time.Duration(p.Every); every < 0 || every%interval != 0 {
			say("every %s: use a multiple of the sampling interval, %s", every, interval)
		}
		model, err := catalog.Find(p.Driver)
		if err != nil {
			say("%w", err)
			continue
		}
		wiring, err := p.wiring(model)
		if err != nil {
			say("%w", err)
		}
		model, err = model.For(wiring)
		if err != nil {
			say("%w", err)
		}
		if len(p.Channels) == 0 {
			say("no [[probe.channel]]: nothing it says would be kept")
		}
		for _, c := range p.Channels {
			if err := c.ID.Validate(); err != nil {
				say("%w", err)
			}
			if channels[c.ID] {
				say("channel %q is used twice on this gateway", c.ID)
			}
			channels[c.ID] = true
			if _, err := c.Quantity.Kind(); err != nil {
				say("channel %q: %w", c.ID, err)
			} else if !delivers(model, c.Quantity) {
				say("channel %q: a %s delivers no %s: `loam sensors list` shows what it does", c.ID, model.Name, c.Quantity)
			}
			if err := c.calibration(model).Validate(); err != nil {
				say("channel %q: %w", c.ID, err)
			} else if c.calibration(model).Foreign() != "" {
				say("channel %q: calibration %q: such ids are for what other systems measured", c.ID, c.calibration(model).ID)
			}
		}
	}
	for _, p := range probes {
		for _, c := range p.Channels {
			if c.Calibration == nil || c.Calibration.Compensate == nil {
				continue
			}
			if with := c.Calibration.Compensate.With; !channels[with] || with == c.ID {
				problems.Add(fmt.Errorf("channel %q is compensated with %q: name another channel of this gateway", c.ID, with))
			}
		}
	}
	return problems.Err()
}

// delivers says whether a probe of the model can have a channel of the quantity. Of a model whose settings are wrong nobody
// knows.
func delivers(m sensors.Model, q sensors.Quantity) bool {
	return len(m.Outputs) == 0 || slices.ContainsFunc(m.Outputs, func(o sensors.Output) bool { return o.Quantity == q })
}

// lane names the probes that are asked one after the other: those on one bus. On SDI-12 each has its own, since several
// measure at the same time there and the line is theirs for moments only.
func (c probeConfig) lane(kind sensors.BusKind) string {
	if kind == sensors.SDI12 {
		return fmt.Sprintf("%s %s at %s (%s)", kind, c.Bus, c.Address, c.Name)
	}
	return string(kind) + " " + c.Bus
}

// buses is what probes can be wired to: periph's registries know I2C and 1-wire by name, the rest is opened through here.
type buses struct {
	serial serial.Opener
	pulses pulse.Opener
	Close  func() error
}

// openBuses brings up the machine's buses, or simulated ones.
func openBuses(simulate *simulateConfig, clk clock.Clock) (buses, error) {
	if simulate == nil {
		if _, err := host.Init(); err != nil {
			return buses{}, fmt.Errorf("bring up the machine's buses: %w: are I2C and 1-Wire enabled (raspi-config)?", err)
		}
		var (
			ports serial.Host
			lines pulse.Host
		)
		return buses{serial: ports.Open, pulses: lines.Open, Close: func() error { return nil }}, nil
	}
	world := sim.NewWorld(simulate.Seed, day(simulate.Start))
	site, err := sim.NewSite(world, simulate.Place, func() time.Time { return clk.Now().Wall })
	if err != nil {
		return buses{}, err
	}
	return buses{serial: site.OpenSerial, pulses: site.OpenPulses, Close: site.Close}, nil
}

// openProbes attaches every probe. None is asked yet: one that does not answer stops nothing and is asked again in every
// round.
func openProbes(configs []probeConfig, book logbook.Book, b buses, timeout time.Duration, clk clock.Clock, log *slog.Logger) ([]sampler.Probe, error) {
	var probes []sampler.Probe
	for _, c := range configs {
		model, err := catalog.Find(c.Driver)
		if err != nil {
			return probes, err
		}
		wiring, err := c.wiring(model)
		if err != nil {
			return probes, err
		}
		if model, err = model.For(wiring); err != nil {
			return probes, err
		}
		wiring.Clock, wiring.Serial, wiring.Pulses = clk, b.serial, b.pulses
		p := sampler.Probe{Name: c.Name, Bus: c.lane(model.Bus), Every: time.Duration(c.Every), Source: sensors.Attach(model, wiring, timeout)}
		for _, ch := range c.Channels {
			calibration, err := ch.inForce(model, book)
			if err != nil {
				return probes, err
			}
			p.Channels = append(p.Channels, sampler.Channel{ID: ch.ID, Quantity: ch.Quantity, Calibration: calibration})
		}
		probes = append(probes, p)
		log.Debug("probe", "name", c.Name, "driver", c.Driver, "bus", c.Bus, "address", string(c.Address))
	}
	return probes, nil
}
