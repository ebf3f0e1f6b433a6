package sensors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"loam/sensors/clock"
	"loam/sensors/pulse"
	"loam/sensors/serial"
)

// Driver reads one probe.
//
// Sense and Close are called by one goroutine at a time. A driver cannot be trusted to return: a bus can hang in the
// kernel. Callers therefore go through [Guard].
type Driver interface {
	// Sense asks the probe once. It returns what the probe delivered and nothing else: a quantity it did not deliver is
	// absent, never zero, and a value the chip's own state says is no measurement (power-on, not converted) is an error.
	// Every error is or wraps a *[ProbeError].
	Sense(ctx context.Context) ([]Sample, error)
	// Close releases the bus. A closed driver senses no more.
	Close() error
}

// Wiring says where a probe is and what it may use.
type Wiring struct {
	Probe    string            // the probe's name in the configuration, for messages
	Bus      string            // registered bus name ("I2C1"; empty: the machine's first), serial device or GPIO line
	Address  uint64            // I2C address, 1-wire ROM code, Modbus or SDI-12 address; 0: the model's default
	Input    int               // input of a converter with several
	Medium   string            // what a general probe is put into ("water", "soil"); empty where the model knows
	Settings map[string]string // what else the model can be told, see [Model.Settings]
	Clock    clock.Clock       // tells when a sample was taken and waits for conversions; required
	Serial   serial.Opener     // opens serial ports; required by probes on [UART], [Modbus] and [SDI12]
	Pulses   pulse.Opener      // opens pulse counters; required by probes on [GPIO]
}

// BusKind names a family of buses.
type BusKind string

// The buses a probe can sit on.
const (
	I2C     BusKind = "i2c"
	OneWire BusKind = "1-wire"
	UART    BusKind = "uart"   // one probe on a serial port
	Modbus  BusKind = "modbus" // RTU on a serial port, usually through an RS485 adapter
	SDI12   BusKind = "sdi-12" // through a serial adapter
	GPIO    BusKind = "gpio"   // a line whose pulses are counted
)

// CalibrationKind says what a channel of a model needs before its readings mean something.
type CalibrationKind string

// The kinds of calibration.
const (
	CalibrationFactory  CalibrationKind = "factory"      // stored in the chip by its maker
	CalibrationOffset   CalibrationKind = "offset"       // the steward measures one reference
	CalibrationTwoPoint CalibrationKind = "two-point"    // the steward measures two references
	CalibrationThree    CalibrationKind = "mid-low-high" // three references, in this order (Atlas EZO)
	CalibrationCurve    CalibrationKind = "curve"        // several references, or the maker's table
)

// Output is one quantity a model delivers.
type Output struct {
	Quantity Quantity
	Min, Max Decimal // the range the maker guarantees
	Accuracy string  // as printed, with unit
	Source   string  // data sheet, revision, page or table
}

// Setting is something a model can be told beyond where it is wired: what a tip of the bucket is, which curve it has.
type Setting struct {
	Name    string // as written under [probe.settings]
	Title   string // what it means, with its unit
	Default string // where nothing is said; empty: it must be said
	// Check says what is wrong with a value, if anything. It is asked about the default too.
	Check func(value string) error
}

// Model is a kind of probe: an entry of the catalog.
type Model struct {
	Name        string // as written in a configuration: "bme280"
	Title       string // "Bosch BME280 air temperature, humidity and pressure"
	Bus         BusKind
	Addresses   []uint64 // addresses it can have, the default first; empty where the bus has none, or any
	Default     uint64   // address where none is said, of a model that can have any
	Outputs     []Output // what it delivers; empty where only its settings can say, see Fit
	Calibration CalibrationKind
	Settings    []Setting
	// WarmUp is how long after it was opened a probe needs until what it says means something; it answers with
	// [ErrNotReady] meanwhile. 0 where it needs nothing, or where the driver waits by itself.
	WarmUp time.Duration
	// Fit returns the model as settings make it, for a model of which they decide more than how it measures: what it
	// delivers, its default address. The wiring's settings are complete and checked. It may be nil; see [Model.For].
	Fit func(w Wiring) (Model, error)
	// Open finds the probe and prepares it. The error is or wraps a *ProbeError.
	Open func(ctx context.Context, w Wiring) (Driver, error)
}

// The addresses on I2C that are not reserved.
const (
	lowestI2C  = 0x08
	highestI2C = 0x77
)

// Locate checks a wiring against the model and returns it with the default address and settings filled in, together with
// the error every failure of the probe starts from: [ProbeError] without a cause.
func (m Model) Locate(w Wiring) (Wiring, ProbeError, error) {
	if w.Address == 0 {
		w.Address = m.Default
		if len(m.Addresses) > 0 {
			w.Address = m.Addresses[0]
		}
	}
	at := ProbeError{Probe: w.Probe, Model: m.Name, Kind: m.Bus, Bus: w.Bus, Address: w.Address}
	if w.Bus == "" {
		at.Bus = "the first " + string(m.Bus) + " bus"
	}
	settings, err := m.settings(w.Settings)
	if err != nil {
		return w, at, at.With(err, "")
	}
	w.Settings = settings
	serial := m.Bus == UART || m.Bus == Modbus || m.Bus == SDI12
	switch {
	case w.Clock == nil:
		return w, at, at.With(errors.New("no clock was given"), "")
	case len(m.Addresses) > 0 && !slices.Contains(m.Addresses, w.Address):
		return w, at, at.With(errors.New("the model cannot have this address"), fmt.Sprintf("use one of %#x", m.Addresses))
	case m.Bus == I2C && (w.Address < lowestI2C || w.Address > highestI2C):
		return w, at, at.With(errors.New("nothing on I2C can have this address"), fmt.Sprintf("use %#x to %#x", lowestI2C, highestI2C))
	case (serial || m.Bus == GPIO) && w.Bus == "":
		return w, at, at.With(errors.New("no bus was given"), "name the serial device or the GPIO line the probe is wired to")
	case serial && w.Serial == nil:
		return w, at, at.With(errors.New("no serial ports were given"), "")
	case m.Bus == GPIO && w.Pulses == nil:
		return w, at, at.With(errors.New("no pulse counters were given"), "")
	}
	return w, at, nil
}

// Check says what is wrong with a wiring's settings, without a bus.
func (m Model) Check(w Wiring) error {
	_, err := m.For(w)
	return err
}

// For returns the model as the settings of a wiring make it, see [Model.Fit]. No bus is touched.
func (m Model) For(w Wiring) (Model, error) {
	settings, err := m.settings(w.Settings)
	if err != nil || m.Fit == nil {
		return m, err
	}
	w.Settings = settings
	return m.Fit(w)
}

// settings fills in what is not said and refuses what the model does not know.
func (m Model) settings(said map[string]string) (map[string]string, error) {
	all := map[string]string{}
	var names []string
	for _, s := range m.Settings {
		names = append(names, s.Name)
		v, ok := said[s.Name]
		if !ok {
			v = s.Default
		}
		if v == "" {
			return nil, fmt.Errorf("setting %s is missing: %s", s.Name, s.Title)
		}
		if err := s.Check(v); err != nil {
			return nil, fmt.Errorf("setting %s = %q: %w: %s", s.Name, v, err, s.Title)
		}
		all[s.Name] = v
	}
	for name := range said {
		if _, ok := all[name]; !ok {
			return nil, fmt.Errorf("%s has no setting %q: it has %q", m.Name, name, names)
		}
	}
	return all, nil
}

// Number returns a setting that [NumberSetting] has checked.
func (w Wiring) Number(name string) Decimal {
	d, _ := ParseDecimal(w.Settings[name]) // checked by Locate
	return d
}

// NumberSetting is a setting that is a number from min to max.
func NumberSetting(name, title, def string, min, max Decimal) Setting {
	return Setting{Name: name, Title: title, Default: def, Check: func(v string) error {
		d, err := ParseDecimal(v)
		if err != nil {
			return err
		}
		if d.Cmp(min) < 0 || d.Cmp(max) > 0 {
			return fmt.Errorf("use %s to %s", min, max)
		}
		return nil
	}}
}

// WordSetting is a setting that is one of some words.
func WordSetting(name, title, def string, words ...string) Setting {
	return Setting{Name: name, Title: title, Default: def, Check: func(v string) error {
		if !slices.Contains(words, v) {
			return fmt.Errorf("use one of %q", words)
		}
		return nil
	}}
}

// ErrNotReady is wrapped by the answer of a probe that is well and will measure, but not yet: it is warming up, or resting.
// It stays open.
var ErrNotReady = errors.New("not ready yet")

// ErrClosed is wrapped by what a closed driver answers.
var ErrClosed = errors.New("the probe was closed")

// ProbeError says which probe failed, where it sits and how.
type ProbeError struct {
	Probe   string
	Model   string
	Kind    BusKind // how the address is written
	Bus     string
	Address uint64
	Hint    string // what a person can do; may be empty
	Err     error
}

// With returns a copy that has err as its cause and hint as what a person can do.
func (e ProbeError) With(err error, hint string) *ProbeError {
	e.Err, e.Hint = err, hint
	return &e
}

// Error implements error.
func (e *ProbeError) Error() string {
	where := e.Bus
	if e.Address != 0 {
		where += " at " + e.Kind.FormatAddress(e.Address)
	}
	s := fmt.Sprintf("probe %s (%s on %s): %v", e.Probe, e.Model, where, e.Err)
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// Unwrap returns the cause.
func (e *ProbeError) Unwrap() error { return e.Err }
