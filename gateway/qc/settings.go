package qc

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gowebpki/jcs"

	"loam/sensors"
)

// Rules names the version of the rules that [Config.Evaluate] follows. It is part of the settings' digest: a statement
// binds the rules together with their numbers.
const Rules = "loam-qartod-1"

// Settings is how every series of a community is tested. The zero value tests nothing; start from [Defaults].
type Settings struct {
	rules []rule // sorted by quantity, then site; site "" is for every site without an own rule
}

type rule struct {
	Quantity sensors.Quantity `json:"quantity"`
	Site     string           `json:"site,omitempty"`
	Config
}

// Override changes the tests of one quantity, at one site or everywhere. A test that is given replaces the whole test;
// the others stay.
//
//	[[qc]]
//	site = "alder-carr"
//	quantity = "water_temperature"
//	off = ["flat_line"]
//	spike_test = { suspect_threshold = 1, fail_threshold = 3 }
type Override struct {
	Site     string           `toml:"site,omitempty"` // empty: every site
	Quantity sensors.Quantity `toml:"quantity"`
	Off      []Test           `toml:"off,omitempty"` // tests that are not run
	Config
}

// With returns the settings changed by overrides, those for every site first. All that is wrong is reported at once.
func (s Settings) With(overrides []Override) (Settings, error) {
	out := Settings{rules: slices.Clone(s.rules)}
	var wrong []error
	ordered := slices.Clone(overrides)
	slices.SortStableFunc(ordered, func(a, b Override) int { return cmp.Compare(min(len(a.Site), 1), min(len(b.Site), 1)) })
	for _, o := range ordered {
		config, err := o.apply(out.For(o.Site, o.Quantity))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("qc: override for %s at site %q: %w", o.Quantity, o.Site, err))
			continue
		}
		out.set(rule{Quantity: o.Quantity, Site: o.Site, Config: config})
	}
	if len(wrong) > 0 {
		return Settings{}, errors.Join(wrong...)
	}
	return out, nil
}

func (o Override) apply(c Config) (Config, error) {
	if _, err := o.Quantity.Kind(); err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	for _, off := range o.Off {
		switch off {
		case GrossRange:
			c.GrossRange = nil
		case Spike:
			c.Spike = nil
		case RateOfChange:
			c.RateOfChange = nil
		case FlatLine:
			c.FlatLine = nil
		case TimeGap:
			c.TimeGap = nil
		default:
			return Config{}, fmt.Errorf("%w: off: there is no test %q: use some of %q", ErrSettings, off, Tests())
		}
	}
	c.GrossRange = cmp.Or(o.GrossRange, c.GrossRange)
	c.Spike = cmp.Or(o.Spike, c.Spike)
	c.RateOfChange = cmp.Or(o.RateOfChange, c.RateOfChange)
	c.FlatLine = cmp.Or(o.FlatLine, c.FlatLine)
	c.TimeGap = cmp.Or(o.TimeGap, c.TimeGap)
	return c, c.Validate()
}

func (r rule) compare(other rule) int {
	return cmp.Or(cmp.Compare(r.Quantity, other.Quantity), cmp.Compare(r.Site, other.Site))
}

func (s *Settings) set(r rule) {
	i, found := slices.BinarySearchFunc(s.rules, r, rule.compare)
	if !found {
		s.rules = slices.Insert(s.rules, i, rule{})
	}
	s.rules[i] = r
}

// For returns how a quantity is tested at a site; an empty config where nothing is said of it.
func (s Settings) For(site string, q sensors.Quantity) Config {
	for _, at := range []string{site, ""} {
		if i, found := slices.BinarySearchFunc(s.rules, rule{Quantity: q, Site: at}, rule.compare); found {
			return s.rules[i].Config
		}
	}
	return Config{}
}

// document is the canonical form of settings.
type document struct {
	Rules    string `json:"rules"`
	Settings []rule `json:"settings"`
}

// Canonical writes the settings as canonical JSON (RFC 8785): same settings, same bytes, on every machine.
func (s Settings) Canonical() ([]byte, error) {
	raw, err := json.Marshal(document{Rules: Rules, Settings: s.rules})
	if err != nil {
		return nil, fmt.Errorf("qc: write settings: %w", err)
	}
	canonical, err := jcs.Transform(raw)
	if err != nil {
		return nil, fmt.Errorf("qc: write settings: %w", err)
	}
	return canonical, nil
}

// ParseCanonical reads what [Settings.Canonical] wrote and refuses everything else, unknown fields, other orders and
// settings that are not valid included.
func ParseCanonical(raw []byte) (Settings, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return Settings{}, fmt.Errorf("qc: read settings: %w: %w", ErrSettings, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Settings{}, fmt.Errorf("qc: read settings: %w: more follows the document", ErrSettings)
	}
	if d.Rules != Rules {
		return Settings{}, fmt.Errorf("qc: read settings: %w: made for rules %q, this program follows %q", ErrSettings, d.Rules, Rules)
	}
	s := Settings{rules: d.Settings}
	for i, r := range s.rules {
		if _, err := r.Quantity.Kind(); err != nil {
			return Settings{}, fmt.Errorf("qc: read settings: %w: %w", ErrSettings, err)
		}
		if err := r.Validate(); err != nil {
			return Settings{}, fmt.Errorf("qc: read settings: %s at site %q: %w", r.Quantity, r.Site, err)
		}
		if i > 0 && s.rules[i-1].compare(r) >= 0 {
			return Settings{}, fmt.Errorf("qc: read settings: %w: rules are out of order or given twice", ErrSettings)
		}
	}
	canonical, err := s.Canonical()
	if err != nil {
		return Settings{}, err
	}
	if !bytes.Equal(canonical, raw) {
		return Settings{}, fmt.Errorf("qc: read settings: %w: not in canonical form", ErrSettings)
	}
	return s, nil
}

// Digest returns the SHA-256 of the canonical form in hexadecimal; empty for settings that cannot be written, which
// [Defaults], [Settings.With] and [ParseCanonical] never return.
func (s Settings) Digest() string {
	canonical, err := s.Canonical()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}
