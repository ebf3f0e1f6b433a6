package method

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"loam/gateway/qc"
	"loam/internal/config"
	"loam/internal/name"
	"loam/sensors"
	"loam/valuation/catalog"
)

// MaxBytes bounds a method file.
const MaxBytes = 256 << 10

// ErrInvalid is wrapped by everything [Parse] refuses.
var ErrInvalid = errors.New("method is not valid")

const (
	clockSynced = "synced"
	clockAny    = "any"
)

var (
	assetPattern     = regexp.MustCompile(`^[A-Z][A-Z0-9]{0,16}/[0-6]$`)
	ecosystemPattern = regexp.MustCompile(`^[A-Z]{1,3}[1-9]\.[1-9][0-9]?$`)
)

// Parse reads a method file. A key nobody knows is refused with its line and column; everything else that is wrong is
// reported at once.
func Parse(raw []byte) (Method, error) {
	if len(raw) > MaxBytes {
		return Method{}, fmt.Errorf("method: %w: %d bytes: at most %d", ErrInvalid, len(raw), MaxBytes)
	}
	var m Method
	if err := config.Decode("method", raw, &m); err != nil {
		return Method{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	m.raw = slices.Clone(raw)
	var c check
	c.general(&m)
	c.require(m)
	c.credit(m)
	c.indices(&m)
	if err := c.Err(); err != nil {
		return Method{}, fmt.Errorf("method: %w: %w", ErrInvalid, err)
	}
	return m, nil
}

// check collects what is wrong.
type check struct{ config.Problems }

// share checks that d is a share with at most six digits after the point, and returns it in millionths.
func (c *check) share(key string, d sensors.Decimal, low, high sensors.Micro) sensors.Micro {
	m, err := d.Micro()
	c.Check(err == nil && m >= low && m <= high, "%s is %s: give %s to %s", key, d, low, high)
	c.Check(err != nil || d.Cmp(sensors.Decimal{Mantissa: int64(m), Exponent: -6}) == 0, "%s is %s: use at most six digits after the point", key, d)
	return m
}

func (c *check) general(m *Method) {
	c.Check(name.Valid(m.Name), "name %q: %s", m.Name, name.Rule)
	c.Check(m.Version != "" && len(m.Version) <= 63 && m.Version == strings.TrimSpace(m.Version), "version %q: give one, e.g. \"2026-1\"", m.Version)
	c.Check(m.Community == "" || name.Valid(m.Community), "community %q: %s", m.Community, name.Rule)
	c.Check(assetPattern.MatchString(m.Asset), "asset %q: give NAME/scale, e.g. \"MEADOW/2\"", m.Asset)
	c.Check(m.Settle >= 0, "settle: give 0 or more")
	c.Check(m.Challenge > 0, "challenge: give the time in which anyone can object, e.g. \"720h\"")
	var err error
	m.ticks, err = newTicks(m.Cron, m.TimeZone)
	c.Add(err)
}

func (c *check) require(m Method) {
	c.Check(len(m.Require.Tests) > 0, "require.tests: name at least one test that a reading must pass")
	for i, t := range m.Require.Tests {
		c.Check(slices.Contains(qc.Tests(), t), "require.tests: nobody knows %q: there are %v", t, qc.Tests())
		c.Check(!slices.Contains(m.Require.Tests[:i], t), "require.tests: %q is named twice", t)
	}
	c.Check(m.Require.Clock == clockSynced || m.Require.Clock == clockAny, "require.clock is %q: say %q or %q", m.Require.Clock, clockSynced, clockAny)
	c.share("require.min_coverage", m.Require.MinCoverage, 1, sensors.MicroPerUnit)
	seen := map[sensors.Quantity]bool{}
	for _, k := range m.Require.Calibration {
		_, err := k.Quantity.Kind()
		c.Check(err == nil, "require.calibration: nobody knows the quantity %q", k.Quantity)
		c.Check(!seen[k.Quantity], "require.calibration: %q is given twice", k.Quantity)
		c.Check(k.MaxAgeDays >= 0 && k.MaxAgeDays <= 36525, "require.calibration: %q: max_age_days %d: give 0 to 36525", k.Quantity, k.MaxAgeDays)
		for n, system := range k.AcceptForeign {
			c.Check(name.Valid(system), "require.calibration: %q: accept_foreign %q: %s", k.Quantity, system, name.Rule)
			c.Check(!slices.Contains(k.AcceptForeign[:n], system), "require.calibration: %q: accept_foreign names %q twice", k.Quantity, system)
		}
		seen[k.Quantity] = true
	}
	for _, i := range m.Indices {
		c.Check(seen[i.Quantity], "require.calibration: say what must stand behind readings of %q", i.Quantity)
		seen[i.Quantity] = true // once is enough
	}
}

func (c *check) credit(m Method) {
	const mostRate int64 = 1_000_000_000_000
	c.share("uncertainty.allowance", m.Uncertainty.Allowance, 0, sensors.MicroPerUnit)
	c.Check(m.Credit.RatePerHectare > 0 && m.Credit.RatePerHectare <= mostRate, "credit.rate_per_hectare is %d: give 1 to %d minor units", m.Credit.RatePerHectare, mostRate)
	c.share("credit.buffer", m.Credit.Buffer, 0, sensors.MicroPerUnit-1)
	s := m.Credit.Split
	sum := c.share("credit.split.steward", s.Steward, 0, sensors.MicroPerUnit) +
		c.share("credit.split.commons", s.Commons, 0, sensors.MicroPerUnit) +
		c.share("credit.split.verifier", s.Verifier, 0, sensors.MicroPerUnit)
	c.Check(sum == sensors.MicroPerUnit, "credit.split: steward, commons and verifier sum to %s: they must sum to 1", sum)
}

func (c *check) indices(m *Method) {
	const mostWeight = 1000 * sensors.MicroPerUnit
	c.Check(len(m.Indices) > 0, "give at least one [[index]]")
	type use struct{ kind, quantity, ecosystem string }
	seen := map[use]bool{}
	for n := range m.Indices {
		i := &m.Indices[n]
		where := fmt.Sprintf("index %d (%s)", n+1, i.Kind)
		entry, err := catalog.Lookup(i.Kind)
		if !c.Check(err == nil, "%s: %w", where, err) {
			continue
		}
		i.entry = entry
		i.index, err = entry.New(i.Levels)
		c.Check(err == nil, "%s: %w", where, err)
		c.Check(slices.Contains(entry.Quantities, i.Quantity), "%s: quantity %q: it takes %v", where, i.Quantity, entry.Quantities)
		c.Check(i.Source != "", "%s: source: say where the reference levels are from", where)
		c.Check(len(i.Ecosystems) > 0, "%s: ecosystems: name at least one", where)
		for _, e := range i.Ecosystems {
			c.Check(ecosystemPattern.MatchString(e), "%s: ecosystem %q is not an IUCN GET code of level 3 such as T4.5", where, e)
			u := use{i.Kind, string(i.Quantity), e}
			c.Check(!seen[u], "%s: %s of %s is given twice for %s", where, i.Kind, i.Quantity, e)
			seen[u] = true
		}
		c.share(where+": weight", i.Weight, 1, mostWeight)
		c.share(where+": uncertainty", i.Uncertainty, 0, mostWeight)
	}
}
