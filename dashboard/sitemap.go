package dashboard

import (
	"math"

	"loam/gateway/registry"
)

// The map's drawing board, in SVG user units.
const (
	mapWidth, mapHeight = 480, 340
	mapMargin           = 44.0
	mapLeast            = 26.0 // a site smaller than this is drawn as a dot of this size, so that it can be seen and met
	mapTouch            = 60.0 // side of the square that answers to a finger: 44 px on a phone
	metresPerDegree     = 111_320.0
)

// siteMap is the geometry of the map: the sites' outlines, seen from above, north up.
type siteMap struct {
	Width, Height  int
	Shapes         []shape
	Scale          string // length of the scale bar on the board
	ScaleX, ScaleY string // where it ends
	Metres         int64  // what it stands for
	Lon, Lat       []line // grid lines
}

// shape is one site on the map.
type shape struct {
	ID             string
	Path           string
	X, Y           string // middle
	LabelX, LabelY string // middle of the name's line; empty: no label
	Leader         string // path from the label to the site where they lie apart
	TouchX, TouchY string // of a square that answers to a finger, where the site itself is too small
	Touch          string
}

// line is a grid line at a round degree.
type line struct {
	At      string
	Degrees float64
	Places  int
}

// Km is what the scale bar stands for in kilometres.
func (m siteMap) Km() float64 { return float64(m.Metres) / 1000 }

type xy struct{ x, y float64 }

// drawMap projects the sites' outlines: plate carrée around their middle, true to scale there, which is all a watershed
// needs.
func drawMap(sites []registry.Site) siteMap {
	m := siteMap{Width: mapWidth, Height: mapHeight}
	if len(sites) == 0 {
		return m
	}
	p := fit(sites)
	outlines := make([]outline, len(sites))
	for i, s := range sites {
		outlines[i] = p.outline(s)
		m.Shapes = append(m.Shapes, outlines[i].shape(s.ID))
	}
	if len(sites) <= detailedSites {
		label(m.Shapes, outlines, sites)
	}
	m.Metres = roundDown(float64(mapWidth) / 4 / p.scale)
	length := float64(m.Metres) * p.scale
	m.Scale, m.ScaleX, m.ScaleY = short(length), short(mapWidth-20), short(mapHeight-18)
	m.Lon = p.grid(p.lon0-mapWidth/2/p.perLon(), p.lon0+mapWidth/2/p.perLon(), mapWidth, func(d float64) float64 { return mapWidth/2 + (d-p.lon0)*p.perLon() })
	m.Lat = p.grid(p.lat0-mapHeight/2/p.perLat(), p.lat0+mapHeight/2/p.perLat(), mapHeight, func(d float64) float64 { return mapHeight/2 - (d-p.lat0)*p.perLat() })
	return m
}

// projection turns degrees into places on the board.
type projection struct {
	lon0, lat0 float64 // in the middle of the board
	scale      float64 // board units per metre
	wrap       bool    // the sites lie on both sides of the date line
}

func fit(sites []registry.Site) projection {
	var p projection
	west, east, south, north := p.extent(sites)
	if east-west > 180 {
		p.wrap = true
		west, east, south, north = p.extent(sites)
	}
	p.lon0, p.lat0 = (west+east)/2, (south+north)/2
	wide := max((east-west)*metresPerDegree*math.Cos(p.lat0*math.Pi/180), 50)
	high := max((north-south)*metresPerDegree, 50)
	p.scale = min((mapWidth-2*mapMargin)/wide, (mapHeight-2*mapMargin)/high)
	return p
}

func (p projection) extent(sites []registry.Site) (west, east, south, north float64) {
	west, east, south, north = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, s := range sites {
		for _, c := range s.Outline {
			lon := p.unwrap(c[0])
			west, east = min(west, lon), max(east, lon)
			south, north = min(south, c[1]), max(north, c[1])
		}
	}
	return west, east, south, north
}

func (p projection) unwrap(lon float64) float64 {
	if p.wrap && lon < 0 {
		return lon + 360
	}
	return lon
}

func (p projection) perLat() float64 { return metresPerDegree * p.scale }
func (p projection) perLon() float64 { return p.perLat() * max(math.Cos(p.lat0*math.Pi/180), 0.01) }

func (p projection) at(c registry.Coordinate) xy {
	return xy{mapWidth/2 + (p.unwrap(c[0])-p.lon0)*p.perLon(), mapHeight/2 - (c[1]-p.lat0)*p.perLat()}
}

// grid returns about four lines at round degrees.
func (p projection) grid(from, to, limit float64, at func(float64) float64) []line {
	ticks := niceTicks(from, to, 4)
	places := max(0, int(math.Ceil(-math.Log10(ticks[1]-ticks[0])-1e-9)))
	var lines []line
	for _, d := range ticks {
		if place := at(d); place > 24 && place < limit-24 {
			lines = append(lines, line{short(at(d)), d, places})
		}
	}
	return lines
}

// roundDown returns the largest 1, 2 or 5 times a power of ten that is not above v, at least 1.
func roundDown(v float64) int64 {
	best := int64(1)
	for unit := int64(1); float64(unit) <= v; unit *= 10 {
		for _, f := range []int64{1, 2, 5} {
			if float64(f*unit) <= v {
				best = f * unit
			}
		}
	}
	return best
}
