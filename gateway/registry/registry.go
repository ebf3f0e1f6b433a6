// Package registry is what a hub knows of its community: stewards, the sites they look after, and the gateways that
// stand there with the keys they sign with.
package registry

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Steward looks after sites and is credited for their health.
type Steward struct {
	ID   string `toml:"id"`
	Name string `toml:"name"`
}

// Coordinate is longitude and latitude in degrees (WGS 84), in GeoJSON's order.
type Coordinate [2]float64

// Site is a place that is valued.
type Site struct {
	ID        string       `toml:"id"`
	Name      string       `toml:"name"`
	Ecosystem string       `toml:"ecosystem"` // IUCN Global Ecosystem Typology level 3, e.g. "T4.4"
	AreaM2    int64        `toml:"area_m2"`   // whole square metres
	Outline   []Coordinate `toml:"outline"`   // the site's outer ring, not closed
	Steward   string       `toml:"steward"`   // Steward.ID
}

// Gateway is an edge device that may sign for a site.
type Gateway struct {
	ID   string `toml:"id"`
	Name string `toml:"name"`
	Site string `toml:"site"` // Site.ID
	Key  string `toml:"key"`  // public key as printed by the gateway: "ed25519:" and base64
}

// KeyPrefix starts a public key in text.
const KeyPrefix = "ed25519:"

// FormatKey writes a public key as configurations carry it.
func FormatKey(k ed25519.PublicKey) string {
	return KeyPrefix + base64.RawURLEncoding.EncodeToString(k)
}

// ParseKey reads a public key as [FormatKey] writes it.
func ParseKey(s string) (ed25519.PublicKey, error) {
	text, ok := strings.CutPrefix(s, KeyPrefix)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("registry: key %q: give %s followed by the 43 base64url characters the gateway prints", s, KeyPrefix)
	}
	return raw, nil
}

// Registry is a community's stewards, sites and gateways, checked against each other.
type Registry struct {
	Community string
	stewards  []Steward
	sites     []Site
	gateways  []Gateway
	keys      map[string]ed25519.PublicKey
}

var (
	name      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	ecosystem = regexp.MustCompile(`^(?:[TMFS]|MT|FM|MFT|SF|SM|TF)\d{1,2}\.\d{1,2}$`)
)

// ErrInvalid is wrapped by everything [New] refuses.
var ErrInvalid = errors.New("registry is not consistent")

// New checks that every name is unique and well formed, and that every steward, site and key referred to exists. All
// that is wrong is reported at once.
func New(community string, stewards []Steward, sites []Site, gateways []Gateway) (*Registry, error) {
	r := &Registry{Community: community, stewards: stewards, sites: sites, gateways: gateways, keys: map[string]ed25519.PublicKey{}}
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	seen := map[string]bool{}
	id := func(kind, v string) {
		check(name.MatchString(v), "%s %q: use 1 to 63 lower-case letters, digits and dashes", kind, v)
		check(!seen[kind+" "+v], "%s %q is given twice", kind, v)
		seen[kind+" "+v] = true
	}
	id("community", community)
	for _, s := range stewards {
		id("steward", s.ID)
	}
	for _, s := range sites {
		id("site", s.ID)
		check(seen["steward "+s.Steward], "site %q: steward %q is not listed under [[steward]]", s.ID, s.Steward)
		check(s.AreaM2 > 0, "site %q: area_m2 must be more than 0", s.ID)
		check(ecosystem.MatchString(s.Ecosystem), "site %q: ecosystem %q is not an IUCN GET code such as T4.4 or F1.2", s.ID, s.Ecosystem)
		check(len(s.Outline) >= 3, "site %q: outline needs at least three corners", s.ID)
		for _, c := range s.Outline {
			check(c[0] >= -180 && c[0] <= 180 && c[1] >= -90 && c[1] <= 90 && c != Coordinate{}, "site %q: corner %v is not a longitude and latitude", s.ID, c)
		}
	}
	for _, g := range gateways {
		id("gateway", g.ID)
		check(seen["site "+g.Site], "gateway %q: site %q is not listed under [[site]]", g.ID, g.Site)
		key, err := ParseKey(g.Key)
		check(err == nil, "gateway %q: %w", g.ID, err)
		r.keys[g.ID] = key
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("registry: %w: %w", ErrInvalid, errors.Join(wrong...))
	}
	return r, nil
}

// Stewards, Sites and Gateways return what is registered, in the order it was given.
func (r *Registry) Stewards() []Steward { return r.stewards }

// Sites returns every site.
func (r *Registry) Sites() []Site { return r.sites }

// Gateways returns every gateway.
func (r *Registry) Gateways() []Gateway { return r.gateways }

// Key returns the public key a gateway signs with, and whether the gateway is known.
func (r *Registry) Key(gateway string) (ed25519.PublicKey, bool) {
	k, ok := r.keys[gateway]
	return k, ok
}

// Gateway returns a gateway by its id.
func (r *Registry) Gateway(id string) (Gateway, bool) {
	for _, g := range r.gateways {
		if g.ID == id {
			return g, true
		}
	}
	return Gateway{}, false
}

// Site returns a site by its id.
func (r *Registry) Site(id string) (Site, bool) {
	for _, s := range r.sites {
		if s.ID == id {
			return s, true
		}
	}
	return Site{}, false
}

// Steward returns a steward by its id.
func (r *Registry) Steward(id string) (Steward, bool) {
	for _, s := range r.stewards {
		if s.ID == id {
			return s, true
		}
	}
	return Steward{}, false
}

// At returns the gateways that stand on a site.
func (r *Registry) At(site string) []Gateway {
	var at []Gateway
	for _, g := range r.gateways {
		if g.Site == site {
			at = append(at, g)
		}
	}
	return at
}
