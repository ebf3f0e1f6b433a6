package sim

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// Probe is a probe of a site: what a gateway's configuration has to say to read it.
type Probe struct {
	Name     string
	Driver   string // model in the catalog
	Bus      string
	Address  uint64
	Input    int
	Medium   string
	Settings map[string]string
	Channels []Channel
}

// Wired returns how the probe is wired on its site. The clock has to be the one whose time the site was given.
func (s *Site) Wired(p Probe, clk clock.Clock) sensors.Wiring {
	return sensors.Wiring{
		Probe: p.Name, Bus: p.Bus, Address: p.Address, Input: p.Input, Medium: p.Medium, Settings: p.Settings,
		Clock: clk, Serial: s.OpenSerial, Pulses: s.OpenPulses,
	}
}

// Channel is one quantity of a probe.
type Channel struct {
	ID          sensors.Channel
	Quantity    sensors.Quantity // as the probe delivers it
	Depth       int              // cm below ground; 0 above
	Calibration sensors.Calibration
	Tolerance   float64 // what noise, rounding and the probe's resolution may add up to
	PerPulse    float64 // what a pulse of a contact stands for; 0: the probe is no contact
	Rate        bool    // the channel is pulses for each second, not their sum

	// from says what a perfect probe would say by how it really is; nil: the quantity itself.
	from func(feel func(sensors.Quantity) float64) float64
}

// Site is a place of a world with its probes on virtual buses. It is safe for concurrent use.
type Site struct {
	world  *World
	place  Place
	now    func() time.Time
	buses  []virtual
	probes []Probe
	states map[string]*state // by probe
	soil   map[string]soilProbe
	lines  map[string]*pulseLine

	mu     sync.Mutex
	closed bool
}

// virtual is a bus that exists in software only.
type virtual interface {
	register() error
	unregister() error
	handles() int // that are open
}

// NewSite registers the buses of a place under fixed names ("SIM-meadow-I2C", "SIM-stream-1W"), so that configurations
// can name them; a place can be open once per process. now must be what the drivers' clock shows.
func NewSite(world *World, place Place, now func() time.Time) (*Site, error) {
	if err := place.Validate(); err != nil {
		return nil, err
	}
	s := newSite(world, place, now)
	for i, b := range s.buses {
		if err := b.register(); err != nil {
			for _, before := range s.buses[:i] {
				err = errors.Join(err, before.unregister())
			}
			return nil, fmt.Errorf("sim: open %s: %w: close the site that is open already", place, err)
		}
	}
	return s, nil
}

// Close takes the buses out of the registries. Closing twice does nothing.
func (s *Site) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	for _, st := range s.states {
		st.set(Unplugged) // also lets go whoever hangs
	}
	var err error
	for _, b := range s.buses {
		err = errors.Join(err, b.unregister())
	}
	if err != nil {
		return fmt.Errorf("sim: close %s: %w", s.place, err)
	}
	return nil
}

// Probes returns the probes of the site, in the order people read them.
func (s *Site) Probes() []Probe { return s.probes }

// Handles returns how many handles on the site's buses are open: a driver that was closed, or could not be opened, holds
// none.
func (s *Site) Handles() int {
	n := 0
	for _, b := range s.buses {
		n += b.handles()
	}
	return n
}

// SetFault puts the chip of a probe into a state; probes that share a converter share it.
func (s *Site) SetFault(probe string, f Fault) error {
	st := s.states[probe]
	if st == nil {
		return fmt.Errorf("sim: %s has no probe %q", s.place, probe)
	}
	st.set(f)
	return nil
}

// Counted returns what a perfect contact would say at to, having been asked at from before.
func (s *Site) Counted(probe string, ch Channel, from, to time.Time) float64 {
	l := s.lines[probe]
	sum := float64(l.total(to)-l.total(from)) * ch.PerPulse
	if ch.Rate {
		return sum / to.Sub(from).Seconds()
	}
	return sum
}

// Truth returns what a perfect probe would say in a channel at t, in the unit the probe delivers.
func (s *Site) Truth(probe string, ch Channel, t time.Time) float64 {
	if soil, ok := s.soil[probe]; ok && ch.Quantity == sensors.ProbeVoltage {
		return soil.voltage(soil.moisture(t))
	}
	if ch.from != nil {
		return ch.from(func(q sensors.Quantity) float64 { return benchTruth(s.world.seed, q, t) })
	}
	if s.place == Bench {
		return benchTruth(s.world.seed, ch.Quantity, t)
	}
	v, ok := s.world.At(s.place, t).Of(ch.Quantity, ch.Depth)
	if !ok {
		return math.NaN()
	}
	return v
}
