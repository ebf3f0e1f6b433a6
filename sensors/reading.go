package sensors

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"loam/internal/name"
	"loam/sensors/clock"
)

// Sample is what a probe said, as it said it.
type Sample struct {
	Quantity Quantity
	Value    Decimal // in the unit of Quantity
	At       clock.Instant
}

// Channel names one quantity of one probe at one place (and depth) of a gateway, e.g. "soil-10cm".
type Channel string

// Validate says what is wrong with the name, if anything.
func (c Channel) Validate() error {
	if !name.Valid(string(c)) {
		return fmt.Errorf("sensors: channel %q: %s", string(c), name.Rule)
	}
	return nil
}

// Reading is a calibrated sample on its channel. Only [Calibration.Apply] makes one from a probe; the wire decodes one.
type Reading struct {
	Channel     Channel
	Quantity    Quantity
	Value       Decimal // calibrated, in the unit of Quantity
	RawQuantity Quantity
	Raw         Decimal // as the probe said it, in the unit of RawQuantity
	At          clock.Instant
	Calibration Certificate
}

// Certificate says which calibration stands behind a reading.
type Certificate struct {
	ID   string    // empty: none, the probe's word is passed on as it is
	Date time.Time // when it was made (UTC midnight); zero for a factory calibration without a date
	Due  time.Time // when it must be renewed (UTC midnight); zero: never
}

// FactoryCertificate is the id of a calibration made by the chip's maker and stored in the chip.
const FactoryCertificate = "factory"

// foreignPrefix begins the certificate id of what another system measured.
const foreignPrefix = "foreign:"

// ForeignCertificate stands behind what another system (system: "chirpstack", "csv") measured and dated. The gateway vouches
// for having received it and for nothing more: neither for the probe, nor for its calibration, nor for the time.
func ForeignCertificate(system string) Certificate { return Certificate{ID: foreignPrefix + system} }

// Foreign returns the system that a reading was taken over from; "": it is the gateway's own.
func (c Certificate) Foreign() string {
	system, foreign := strings.CutPrefix(c.ID, foreignPrefix)
	if !foreign {
		return ""
	}
	return cmp.Or(system, "unknown")
}
