package sensors

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"loam/sensors/clock"
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
	Probe   string      // the probe's name in the configuration, for messages
	Bus     string      // registered bus name, e.g. "I2C1"; empty: the machine's first
	Address uint64      // I2C address or 1-wire ROM code; 0: the model's default
	Input   int         // input of a converter with several
	Medium  string      // what a general probe is put into ("water", "soil"); empty where the model knows
	Clock   clock.Clock // tells when a sample was taken and waits for conversions; required
}

// BusKind names a family of buses.
type BusKind string

// The buses a probe can sit on.
const (
	I2C     BusKind = "i2c"
	OneWire BusKind = "1-wire"
)

// CalibrationKind says what a channel of a model needs before its readings mean something.
type CalibrationKind string

// The kinds of calibration.
const (
	CalibrationFactory  CalibrationKind = "factory"   // stored in the chip by its maker
	CalibrationTwoPoint CalibrationKind = "two-point" // the steward measures two references
)

// Output is one quantity a model delivers.
type Output struct {
	Quantity Quantity
	Min, Max Decimal // the range the maker guarantees
	Accuracy string  // as printed, with unit
	Source   string  // data sheet, revision, page or table
}

// Model is a kind of probe: an entry of the catalog.
type Model struct {
	Name        string // as written in a configuration: "bme280"
	Title       string // "Bosch BME280 air temperature, humidity and pressure"
	Bus         BusKind
	Addresses   []uint64 // I2C addresses it can have, the default first
	Outputs     []Output
	Calibration CalibrationKind
	// Open finds the probe and prepares it. The error is or wraps a *ProbeError.
	Open func(ctx context.Context, w Wiring) (Driver, error)
}

// Locate checks a wiring against the model and returns it with the default address filled in, together with the error
// every failure of the probe starts from: [ProbeError] without a cause.
func (m Model) Locate(w Wiring) (Wiring, ProbeError, error) {
	if w.Address == 0 && len(m.Addresses) > 0 {
		w.Address = m.Addresses[0]
	}
	at := ProbeError{Probe: w.Probe, Model: m.Name, Bus: w.Bus, Address: w.Address}
	if w.Bus == "" {
		at.Bus = "the first " + string(m.Bus) + " bus"
	}
	if w.Clock == nil {
		return w, at, at.With(errors.New("no clock was given"), "")
	}
	if len(m.Addresses) > 0 && !slices.Contains(m.Addresses, w.Address) {
		return w, at, at.With(errors.New("the model cannot have this address"), fmt.Sprintf("use one of %#x", m.Addresses))
	}
	return w, at, nil
}

// FormatAddress writes an I2C address or a 1-wire ROM code as people write it: 0x76.
func FormatAddress(address uint64) string { return fmt.Sprintf("%#x", address) }

// ErrClosed is wrapped by what a closed driver answers.
var ErrClosed = errors.New("the probe was closed")

// ProbeError says which probe failed, where it sits and how.
type ProbeError struct {
	Probe   string
	Model   string
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
	s := fmt.Sprintf("probe %s (%s on %s at %s): %v", e.Probe, e.Model, e.Bus, FormatAddress(e.Address), e.Err)
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// Unwrap returns the cause.
func (e *ProbeError) Unwrap() error { return e.Err }
