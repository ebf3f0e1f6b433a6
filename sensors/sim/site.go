package sim

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/onewire/onewirereg"

	"loam/sensors"
)

// Probe is a probe of a site: what a gateway's configuration has to say to read it.
type Probe struct {
	Name     string
	Driver   string // model in the catalog
	Bus      string
	Address  uint64
	Input    int
	Medium   string
	Channels []Channel
}

// Channel is one quantity of a probe.
type Channel struct {
	ID          sensors.Channel
	Quantity    sensors.Quantity // as the probe delivers it
	Depth       int              // cm below ground; 0 above
	Calibration sensors.Calibration
}

// Site is a place of a world with its probes on virtual buses. It is safe for concurrent use.
type Site struct {
	world  *World
	place  Place
	i2c    *i2cBus
	wire   *wireBus // nil where no 1-wire probe is
	probes []Probe
	states map[string]*state // by probe
	soil   map[string]soilProbe

	mu     sync.Mutex
	closed bool
}

// NewSite registers the buses of a place under fixed names ("SIM-meadow-I2C", "SIM-stream-1W"), so that configurations
// can name them; a place can be open once per process. now must be what the drivers' clock shows.
func NewSite(world *World, place Place, now func() time.Time) (*Site, error) {
	if err := place.Validate(); err != nil {
		return nil, err
	}
	s := newSite(world, place, now)
	if err := i2creg.Register(s.i2c.name, nil, -1, s.i2c.open); err != nil {
		return nil, fmt.Errorf("sim: open %s: %w: close the site that is open already", place, err)
	}
	if s.wire != nil {
		if err := onewirereg.Register(s.wire.name, nil, -1, s.wire.open); err != nil {
			return nil, fmt.Errorf("sim: open %s: %w", place, errors.Join(err, i2creg.Unregister(s.i2c.name)))
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
	err := i2creg.Unregister(s.i2c.name)
	if s.wire != nil {
		err = errors.Join(err, onewirereg.Unregister(s.wire.name))
	}
	if err != nil {
		return fmt.Errorf("sim: close %s: %w", s.place, err)
	}
	return nil
}

// I2C returns the name of the site's I2C bus.
func (s *Site) I2C() string { return s.i2c.name }

// OneWire returns the name of the site's 1-wire bus; empty where it has none.
func (s *Site) OneWire() string {
	if s.wire == nil {
		return ""
	}
	return s.wire.name
}

// Probes returns the probes of the site, in the order people read them.
func (s *Site) Probes() []Probe { return s.probes }

// Handles returns how many handles on the site's buses are open: a driver that was closed, or could not be opened, holds
// none.
func (s *Site) Handles() int {
	n := s.i2c.users.Load()
	if s.wire != nil {
		n += s.wire.users.Load()
	}
	return int(n)
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

// Truth returns what a perfect probe would say in a channel at t, in the unit the probe delivers.
func (s *Site) Truth(probe string, ch Channel, t time.Time) float64 {
	if soil, ok := s.soil[probe]; ok && ch.Quantity == sensors.ProbeVoltage {
		return soil.voltage(soil.moisture(t))
	}
	v, ok := s.world.At(s.place, t).Of(ch.Quantity, ch.Depth)
	if !ok {
		return math.NaN()
	}
	return v
}
