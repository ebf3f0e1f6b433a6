package registry_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"loam/gateway/identity"
	"loam/gateway/registry"
)

func key(seed byte) ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
}

// community is what a test starts from: everything in it is right.
type community struct {
	name     string
	stewards []registry.Steward
	sites    []registry.Site
	gateways []registry.Gateway
}

func valid() *community {
	square := func(lon, lat float64) []registry.Coordinate {
		return []registry.Coordinate{{lon, lat}, {lon + 0.01, lat}, {lon + 0.01, lat + 0.01}, {lon, lat + 0.01}}
	}
	return &community{
		name:     "willow-creek",
		stewards: []registry.Steward{{ID: "asha", Name: "Asha"}, {ID: "ben", Name: "Ben"}},
		sites: []registry.Site{
			{ID: "meadow", Name: "Meadow", Ecosystem: "T4.4", AreaM2: 12_000, Outline: square(7.5, 47.5), Steward: "asha"},
			{ID: "creek", Name: "Creek", Ecosystem: "F1.2", AreaM2: 800, Outline: square(7.6, 47.5), Steward: "ben"},
		},
		gateways: []registry.Gateway{
			{ID: "meadow-1", Site: "meadow", Key: identity.FormatKey(key(1))},
			{ID: "meadow-2", Site: "meadow", Key: identity.FormatKey(key(2))},
			{ID: "creek-1", Site: "creek", Key: identity.FormatKey(key(3))},
		},
	}
}

func (c *community) build() (*registry.Registry, error) {
	return registry.New(c.name, c.stewards, c.sites, c.gateways)
}

func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		spoil func(*community)
		says  string // all of it must be in the error
	}{
		"community name":     {func(c *community) { c.name = "Willow Creek" }, `community "Willow Creek": use 1 to 63`},
		"steward id":         {func(c *community) { c.stewards = append(c.stewards, registry.Steward{}) }, `steward "": use 1 to 63`},
		"steward twice":      {func(c *community) { c.stewards[1] = c.stewards[0]; c.sites[1].Steward = "asha" }, `steward "asha" is given twice`},
		"site id":            {func(c *community) { c.sites[1].ID = "-creek"; c.gateways[2].Site = "-creek" }, `site "-creek": use 1 to 63`},
		"site twice":         {func(c *community) { c.sites[1].ID = "meadow"; c.gateways[2].Site = "meadow" }, `site "meadow" is given twice`},
		"no such steward":    {func(c *community) { c.sites[0].Steward = "zoe" }, `site "meadow": steward "zoe" is not listed under [[steward]]`},
		"no area":            {func(c *community) { c.sites[0].AreaM2 = 0 }, `site "meadow": area_m2 must be more than 0`},
		"tenfold area":       {func(c *community) { c.sites[0].AreaM2 = int64(11 * registry.Area(c.sites[0].Outline)) }, `site "meadow": area_m2`},
		"negative area":      {func(c *community) { c.sites[0].AreaM2 = -5 }, `site "meadow": area_m2 must be more than 0`},
		"ecosystem words":    {func(c *community) { c.sites[0].Ecosystem = "grassland" }, `site "meadow": ecosystem "grassland" is not an IUCN GET code`},
		"ecosystem level 2":  {func(c *community) { c.sites[0].Ecosystem = "T4" }, `ecosystem "T4" is not an IUCN GET code`},
		"ecosystem biome":    {func(c *community) { c.sites[0].Ecosystem = "T9.1" }, `IUCN GET 2.1 has no biome T9`},
		"ecosystem group":    {func(c *community) { c.sites[0].Ecosystem = "T4.6" }, `ecosystem "T4.6": IUCN GET 2.1 knows T4.1 to T4.5`},
		"two corners":        {func(c *community) { c.sites[0].Outline = c.sites[0].Outline[:2] }, `site "meadow": outline needs at least three corners`},
		"closed ring":        {func(c *community) { c.sites[0].Outline = append(c.sites[0].Outline, c.sites[0].Outline[0]) }, `outline repeats its first corner`},
		"longitude":          {func(c *community) { c.sites[0].Outline[1] = registry.Coordinate{181, 1} }, `site "meadow": corner [181 1] is not`},
		"latitude":           {func(c *community) { c.sites[0].Outline[1] = registry.Coordinate{1, -91} }, `corner [1 -91] is not`},
		"not a number":       {func(c *community) { c.sites[0].Outline[1] = registry.Coordinate{math.NaN(), 1} }, `corner [NaN 1] is not`},
		"null island":        {func(c *community) { c.sites[0].Outline[1] = registry.Coordinate{} }, `corner [0 0] is not`},
		"gateway id":         {func(c *community) { c.gateways[0].ID = "a/b" }, `gateway "a/b": use 1 to 63`},
		"gateway wildcard":   {func(c *community) { c.gateways[0].ID = "+" }, `gateway "+": use 1 to 63`},
		"gateway too long":   {func(c *community) { c.gateways[0].ID = strings.Repeat("g", 64) }, `use 1 to 63`},
		"gateway twice":      {func(c *community) { c.gateways[1].ID = "meadow-1" }, `gateway "meadow-1" is given twice`},
		"no such site":       {func(c *community) { c.gateways[0].Site = "moon" }, `gateway "meadow-1": site "moon" is not listed under [[site]]`},
		"key without prefix": {func(c *community) { c.gateways[0].Key = c.gateways[0].Key[len("ed25519:"):] }, `gateway "meadow-1": identity: key`},
		"key too short":      {func(c *community) { c.gateways[0].Key = c.gateways[0].Key[:40] }, `give ed25519: followed by the 43`},
		"key shared":         {func(c *community) { c.gateways[2].Key = c.gateways[0].Key }, `gateways "meadow-1" and "creek-1" have the same key`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			spoilt := valid()
			c.spoil(spoilt)
			r, err := spoilt.build()
			if !errors.Is(err, registry.ErrInvalid) || r != nil {
				t.Fatalf("New = %v, %v; want ErrInvalid and no registry", r, err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
		})
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	c := valid()
	c.name = "X"
	c.sites[0].AreaM2, c.sites[0].Ecosystem = 0, "Z1.1"
	c.gateways[0].Key, c.gateways[1].Site = "nonsense", "moon"
	_, err := c.build()
	for _, says := range []string{`community "X"`, "area_m2", "no biome Z1", `key "nonsense"`, `site "moon"`} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v does not mention %q", err, says)
		}
	}
}

func TestLookups(t *testing.T) {
	c := valid()
	r, err := c.build()
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := r.Key("creek-1"); !ok || !k.Equal(key(3)) {
		t.Errorf("Key(creek-1) = %v, %v", k, ok)
	}
	if _, ok := r.Key("stranger"); ok {
		t.Error("a stranger has a key")
	}
	if at := r.At("meadow"); len(at) != 2 || at[0].ID != "meadow-1" || at[1].ID != "meadow-2" {
		t.Errorf("At(meadow) = %v", at)
	}
	if s, ok := r.Site("creek"); !ok || s.Steward != "ben" {
		t.Errorf("Site(creek) = %v, %v", s, ok)
	}
	if s, ok := r.Steward("asha"); !ok || s.Name != "Asha" {
		t.Errorf("Steward(asha) = %v, %v", s, ok)
	}
	if g, ok := r.Gateway("meadow-2"); !ok || g.Site != "meadow" {
		t.Errorf("Gateway(meadow-2) = %v, %v", g, ok)
	}
	// What a caller does to what it gave or got changes nothing inside.
	c.sites[0].ID, r.Sites()[0].ID, r.Gateways()[0].ID, r.Stewards()[0].ID = "x", "x", "x", "x"
	if _, ok := r.Site("meadow"); !ok || r.Gateways()[0].ID != "meadow-1" || r.Stewards()[0].ID != "asha" {
		t.Error("the registry shares its lists with its callers")
	}
}

// IUCN GET 2.1 has 110 functional groups in 25 biomes.
func TestEcosystems(t *testing.T) {
	accepted := 0
	for _, realm := range []string{"T", "S", "M", "F", "SF", "SM", "FM", "MT", "TF", "MFT", "X", "ST", "t"} {
		for biome := range 12 {
			for group := range 24 {
				c := valid()
				c.sites[0].Ecosystem = fmt.Sprintf("%s%d.%d", realm, biome, group)
				if _, err := c.build(); err == nil {
					accepted++
				}
			}
		}
	}
	if accepted != 110 {
		t.Errorf("%d codes accepted, IUCN GET 2.1 has 110", accepted)
	}
	for _, code := range []string{"T1.1", "T2.6", "T7.5", "S2.1", "SF2.2", "SM1.3", "TF1.7", "F2.10", "FM1.3", "M1.10", "MT2.2", "MFT1.3"} {
		c := valid()
		c.sites[0].Ecosystem = code
		if _, err := c.build(); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, code := range []string{"", "T01.1", "T1.01", "T1.1 ", "T1", "T1.1.1", "T1,1"} {
		c := valid()
		c.sites[0].Ecosystem = code
		if _, err := c.build(); err == nil {
			t.Errorf("%q was accepted", code)
		}
	}
}

func TestAreaIsThatOfTheGround(t *testing.T) {
	// One degree of latitude is 111.195 km on a sphere of mean radius; one of longitude as much times the cosine.
	for _, at := range []registry.Coordinate{{10, 0}, {10, 51.4}, {-70, -33}, {179.9, 60}} {
		d := 0.001
		got := registry.Area([]registry.Coordinate{at, {at[0] + d, at[1]}, {at[0] + d, at[1] + d}, {at[0], at[1] + d}})
		side := 111.195
		want := side * side * math.Cos(at[1]*math.Pi/180)
		if math.Abs(got-want) > want/1000 {
			t.Errorf("at %v: %.1f m2, want %.1f", at, got, want)
		}
	}
	if got := registry.Area([]registry.Coordinate{{1, 1}, {2, 2}}); got != 0 {
		t.Errorf("a line has the area %v", got)
	}
}
