package dashboard

import (
	"math"
	"strings"

	"loam/gateway/registry"
)

// The map's drawing board, in SVG user units.
const (
	mapWidth, mapHeight = 480, 340
	mapMargin           = 44.0
	mapLeast            = 26.0 // a site smaller than this is drawn as a dot of this size, so that it can be seen and met
	mapTouch            = 60.0 // side of the area that answers to a finger: 44 px on a phone
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
	LabelX, LabelY string
	TouchX, TouchY string
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
	places := make([]box, len(sites))
	for i, s := range sites {
		sh, place := p.shape(s)
		m.Shapes, places[i] = append(m.Shapes, sh), place
	}
	for i, s := range sites {
		label := places[i].label(s.Name, places, i)
		m.Shapes[i].LabelX, m.Shapes[i].LabelY = short(label.x+label.w/2), short(label.y+18)
		places = append(places, label)
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

// box is a rectangle on the board.
type box struct{ x, y, w, h float64 }

func (b box) meets(o box) bool {
	return b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h
}

// shape draws a site and says which part of the board it takes.
func (p projection) shape(s registry.Site) (shape, box) {
	low, high := xy{math.Inf(1), math.Inf(1)}, xy{math.Inf(-1), math.Inf(-1)}
	var path strings.Builder
	for i, c := range s.Outline {
		at := p.at(c)
		low, high = xy{min(low.x, at.x), min(low.y, at.y)}, xy{max(high.x, at.x), max(high.y, at.y)}
		move(&path, i == 0, short(at.x), short(at.y))
	}
	path.WriteString("z")
	mid := xy{(low.x + high.x) / 2, (low.y + high.y) / 2}
	if high.x-low.x < mapLeast && high.y-low.y < mapLeast {
		path.Reset()
		path.WriteString("M" + short(mid.x-mapLeast/2) + " " + short(mid.y) + "a13 13 0 1 0 26 0a13 13 0 1 0-26 0z")
		low, high = xy{mid.x - mapLeast/2, mid.y - mapLeast/2}, xy{mid.x + mapLeast/2, mid.y + mapLeast/2}
	}
	return shape{
		ID: s.ID, Path: path.String(), X: short(mid.x), Y: short(mid.y),
		TouchX: short(mid.x - mapTouch/2), TouchY: short(mid.y - mapTouch/2), Touch: short(mapTouch),
	}, box{low.x, low.y, high.x - low.x, high.y - low.y}
}

// labelHeight is room for a name and a line below it.
const labelHeight = 42

// label finds room for the two-line label of the own-th place: below it, above, beside, or else upon it.
func (b box) label(name string, taken []box, own int) box {
	w := max(12*float64(len([]rune(name))), 96) // wide letters: a label cut off at the edge is worse than one too far from it
	within := func(x float64) float64 { return min(max(x, 4), mapWidth-w-4) }
	x, y := within(b.x+b.w/2-w/2), b.y+b.h/2-labelHeight/2
	below, above := b.y+b.h+3, b.y-labelHeight-3
	for _, try := range []box{
		{x, below, w, labelHeight}, {x, above, w, labelHeight},
		{within(b.x - w/2), below, w, labelHeight}, {within(b.x + b.w - w/2), above, w, labelHeight},
		{within(b.x - w - 4), y, w, labelHeight}, {within(b.x + b.w + 4), y, w, labelHeight},
	} {
		free := try.y >= 16 && try.y+try.h <= mapHeight-4
		for i, t := range taken {
			free = free && (i == own || !try.meets(t))
		}
		if free {
			return try
		}
	}
	return box{x, y, w, labelHeight}
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
