// Package method reads a method: the file in which a community says what it values, by which reference levels, which
// data counts, and what it pays.
//
// A method is TOML. The fields of [Method] are the manual; cmd/loam/sample/method.toml is an example. The bytes of the
// file are its identity: every statement carries their SHA-256, so a changed comment is a new version too.
package method

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"loam/gateway/qc"
	"loam/internal/config"
	"loam/sensors"
	"loam/valuation"
	"loam/valuation/series"
)

// Method is a community's rules.
type Method struct {
	// Name of the method, lower-case letters, digits and dashes. Versions of one method share the name; a period of a
	// site is valued once under a name, by the version in force when it is valued.
	Name string `toml:"name"`
	// Version, for people, e.g. "2026-1".
	Version string `toml:"version"`
	// Community the method is for. Empty: any.
	Community string `toml:"community"`
	// Asset that is credited, NAME/scale: the scale says how many digits of an amount stand after the point, "MEADOW/2".
	Asset string `toml:"asset"`
	// Cron says when one period ends and the next begins, as minute, hour, day of month, month and day of week:
	// "0 0 * * *" is midnight every day.
	Cron string `toml:"cron"`
	// TimeZone of Cron, an IANA name such as "Europe/Berlin". Empty: UTC. Where clocks are put forward, a tick inside
	// the missing time happens as they jump; where they are put back, it happens once, at the first of the two.
	TimeZone string `toml:"time_zone"`
	// Settle is how long after a period's end late data is waited for, "10m".
	Settle config.Duration `toml:"settle"`
	// Challenge is how long anyone can object to a statement before it is final, "720h".
	Challenge config.Duration `toml:"challenge"`
	// Start is the earliest time that is valued, RFC 3339 in quotes. Empty: a site's first evidence.
	Start Time `toml:"start"`

	Require     Require     `toml:"require"`
	Uncertainty Uncertainty `toml:"uncertainty"`
	Credit      Credit      `toml:"credit"`
	Indices     []Index     `toml:"index"`

	raw   []byte
	ticks ticks
}

// Require is what data must satisfy before it earns. Data that does not is left out and counted, never filled in.
type Require struct {
	// Tests of QARTOD that must have been evaluated and good on a reading: gross_range, spike, rate_of_change, flat_line,
	// time_gap. At least one.
	Tests []qc.Test `toml:"tests"`
	// Clock is "synced" (the gateway's clock must be synchronised) or "any".
	Clock string `toml:"clock"`
	// MinCoverage is the share of the period's hours that need a verified reading, for each index: 0.75.
	MinCoverage sensors.Decimal `toml:"min_coverage"`
	// Calibration has one entry for each quantity that an index uses.
	Calibration []Calibration `toml:"calibration"`
}

// Calibration is what must stand behind the readings of a quantity.
type Calibration struct {
	Quantity sensors.Quantity `toml:"quantity"`
	// Factory says whether the calibration that the maker stored in the chip is enough.
	Factory bool `toml:"factory"`
	// MaxAgeDays is how old a dated calibration may be when a reading is taken. 0: until its own due date.
	MaxAgeDays int `toml:"max_age_days"`
	// AcceptForeign names the systems whose readings earn as well, e.g. ["chirpstack"]: chirpstack, senml, json, csv. The
	// gateway vouches neither for their calibration nor for their time. Empty: none.
	AcceptForeign []string `toml:"accept_foreign"`
}

// Uncertainty is the rule of Verra's VM0033 v2.1 (section 8.5.2): no deduction while the half-width of the 90 % interval
// is within the allowance, beyond it exactly the excess.
type Uncertainty struct {
	// Allowance is a share of the score: 0.20.
	Allowance sensors.Decimal `toml:"allowance"`
}

// Credit is what a healthy site earns.
type Credit struct {
	// RatePerHectare in minor units of the asset, for one period at score 1.
	RatePerHectare int64 `toml:"rate_per_hectare"`
	// Buffer is the share held back against reversals, 0 or more and less than 1: 0.20.
	Buffer sensors.Decimal `toml:"buffer"`
	// Split of what remains. The three shares sum to 1.
	Split Split `toml:"split"`
}

// Split says who receives which share; what is left over by rounding down goes to the commons.
type Split struct {
	Steward  sensors.Decimal `toml:"steward"`
	Commons  sensors.Decimal `toml:"commons"`
	Verifier sensors.Decimal `toml:"verifier"`
}

// Index is one aspect of health, valued in the ecosystems it is listed for. The health of a site is the weighted mean of
// its indices; sites of different ecosystem types are never averaged.
type Index struct {
	// Kind is a name of the catalog: soil_moisture_regime, temperature_band.
	Kind string `toml:"kind"`
	// Quantity that is measured.
	Quantity sensors.Quantity `toml:"quantity"`
	// Ecosystems are codes of the IUCN Global Ecosystem Typology, level 3: "T4.5".
	Ecosystems []string `toml:"ecosystems"`
	// Weight of the index within a site's health.
	Weight sensors.Decimal `toml:"weight"`
	// Uncertainty is the half-width of the 90 % interval of an hourly mean, in the quantity's unit.
	Uncertainty sensors.Decimal `toml:"uncertainty"`
	// Levels are the reference levels, by the names the index asks for.
	Levels map[string]sensors.Decimal `toml:"levels"`
	// Source says where the levels are from, so that anyone can look them up.
	Source string `toml:"source"`

	entry valuation.Kind
	index valuation.Index
}

// Time is a point in time in a method file: RFC 3339 in quotes.
type Time struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(text []byte) error {
	v, err := time.Parse(time.RFC3339, string(text))
	t.Time = v.UTC()
	return err
}

// Text returns the file as it was read.
func (m Method) Text() []byte { return slices.Clone(m.raw) }

// Digest returns the SHA-256 of the file in hexadecimal: the identity of this version.
func (m Method) Digest() string {
	sum := sha256.Sum256(m.raw)
	return hex.EncodeToString(sum[:])
}

// For returns the indices that are valued in an ecosystem, in the order of the file.
func (m Method) For(ecosystem string) []Index {
	var list []Index
	for _, i := range m.Indices {
		if slices.Contains(i.Ecosystems, ecosystem) {
			list = append(list, i)
		}
	}
	return list
}

// Rules returns what a reading must satisfy to count in an ecosystem.
func (m Method) Rules(ecosystem string) series.Rules {
	r := series.Rules{Tests: m.Require.Tests, SyncedClock: m.Require.Clock == clockSynced, Calibration: map[sensors.Quantity]series.Calibration{}}
	for _, i := range m.For(ecosystem) {
		for _, c := range m.Require.Calibration {
			if c.Quantity == i.Quantity {
				r.Calibration[i.Quantity] = series.Calibration{Factory: c.Factory, MaxDays: c.MaxAgeDays, Foreign: c.AcceptForeign}
			}
		}
	}
	return r
}

// Entry returns the index's entry of the catalog.
func (i Index) Entry() valuation.Kind { return i.entry }

// Evaluate values the series with the method's reference levels and uncertainty.
func (i Index) Evaluate(from, to time.Time, list []valuation.Series) (valuation.Result, error) {
	half, err := i.Uncertainty.Micro()
	if err != nil {
		return valuation.Result{}, err
	}
	return i.index.Evaluate(valuation.Input{From: from, To: to, Series: list, Uncertainty: half})
}
