// Package registry is what a hub knows of its community: stewards, the sites they look after, and the gateways that
// stand there with the keys they sign with.
package registry

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"slices"

	"loam/gateway/identity"
	"loam/internal/config"
	"loam/internal/name"
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

// Registry is a community's stewards, sites and gateways, checked against each other.
type Registry struct {
	Community string
	stewards  []Steward
	sites     []Site
	gateways  []Gateway
	keys      map[string]ed25519.PublicKey
}

// outlineTolerance is how much more than its outline a site may claim: corners walked with a phone are metres off.
const outlineTolerance = 1.05

// Area returns the square metres inside an outline, taken as flat where it lies: right to better than a hundredth for
// sites of a few kilometres.
func Area(outline []Coordinate) float64 {
	if len(outline) < 3 {
		return 0
	}
	const metresPerDegree = 6371008.8 * math.Pi / 180 // mean Earth radius, IUGG
	from := outline[0]
	across := float64(metresPerDegree * math.Cos(float64(from[1]*math.Pi/180)))
	twice := 0.0
	for i, a := range outline {
		b := outline[(i+1)%len(outline)]
		ax, ay := float64((a[0]-from[0])*across), float64((a[1]-from[1])*metresPerDegree)
		bx, by := float64((b[0]-from[0])*across), float64((b[1]-from[1])*metresPerDegree)
		twice += float64(ax*by) - float64(bx*ay)
	}
	return math.Abs(twice) / 2
}

// ErrInvalid is wrapped by everything [New] refuses.
var ErrInvalid = errors.New("registry is not consistent")

// New checks that every name is unique and well formed, that every steward and site referred to exists, and that no two
// gateways sign with the same key. All that is wrong is reported at once.
func New(community string, stewards []Steward, sites []Site, gateways []Gateway) (*Registry, error) {
	c := checker{seen: map[string]bool{}}
	c.id("community", community)
	for _, s := range stewards {
		c.id("steward", s.ID)
	}
	for _, s := range sites {
		c.site(s)
	}
	keys := c.gateways(gateways)
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("registry: %w: %w", ErrInvalid, err)
	}
	return &Registry{
		Community: community, keys: keys,
		stewards: slices.Clone(stewards), sites: slices.Clone(sites), gateways: slices.Clone(gateways),
	}, nil
}

// checker collects everything that is wrong.
type checker struct {
	config.Problems
	seen map[string]bool // "kind id"
}

func (c *checker) id(kind, v string) {
	c.Check(name.Valid(v), "%s %q: %s", kind, v, name.Rule)
	c.Check(!c.seen[kind+" "+v], "%s %q is given twice", kind, v)
	c.seen[kind+" "+v] = true
}

func (c *checker) site(s Site) {
	c.id("site", s.ID)
	c.Check(c.seen["steward "+s.Steward], "site %q: steward %q is not listed under [[steward]]", s.ID, s.Steward)
	c.Check(s.AreaM2 > 0, "site %q: area_m2 must be more than 0", s.ID)
	err := checkEcosystem(s.Ecosystem)
	c.Check(err == nil, "site %q: %w", s.ID, err)
	n := len(s.Outline)
	c.Check(n >= 3, "site %q: outline needs at least three corners", s.ID)
	c.Check(n < 2 || s.Outline[0] != s.Outline[n-1], "site %q: outline repeats its first corner at the end: leave the last one out", s.ID)
	for _, at := range s.Outline {
		// 0, 0 is where places without a position end up.
		c.Check(at[0] >= -180 && at[0] <= 180 && at[1] >= -90 && at[1] <= 90 && at != Coordinate{},
			"site %q: corner %v is not a longitude and latitude", s.ID, at)
	}
	if inside := Area(s.Outline); n >= 3 {
		c.Check(float64(s.AreaM2) <= float64(inside*outlineTolerance), "site %q: area_m2 %d is more than its outline holds, %.0f: credits are paid by the area; correct one of them",
			s.ID, s.AreaM2, inside)
	}
}

func (c *checker) gateways(gateways []Gateway) map[string]ed25519.PublicKey {
	keys := map[string]ed25519.PublicKey{}
	owner := map[string]string{}
	for _, g := range gateways {
		c.id("gateway", g.ID)
		c.Check(c.seen["site "+g.Site], "gateway %q: site %q is not listed under [[site]]", g.ID, g.Site)
		key, err := identity.ParseKey(g.Key)
		if !c.Check(err == nil, "gateway %q: %w", g.ID, err) {
			continue
		}
		// One key on two gateways is a copied memory card: their sequence numbers would collide and batches be lost to forks.
		other, taken := owner[string(key)]
		c.Check(!taken || other == g.ID, "gateways %q and %q have the same key: each needs its own, make a new one on one of them", other, g.ID)
		owner[string(key)] = g.ID
		keys[g.ID] = key
	}
	return keys
}

// Stewards returns every steward, in the order they were given.
func (r *Registry) Stewards() []Steward { return slices.Clone(r.stewards) }

// Sites returns every site, in the order they were given.
func (r *Registry) Sites() []Site { return slices.Clone(r.sites) }

// Gateways returns every gateway, in the order they were given.
func (r *Registry) Gateways() []Gateway { return slices.Clone(r.gateways) }

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
