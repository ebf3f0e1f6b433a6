package dashboard

import (
	"math"
	"strings"

	"loam/gateway/registry"
)

// box is a rectangle on the board.
type box struct{ x, y, w, h float64 }

func (b box) meets(o box) bool {
	return b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h
}

func (b box) holds(p xy) bool { return p.x > b.x && p.x < b.x+b.w && p.y > b.y && p.y < b.y+b.h }

// nearest returns the point of the box that is nearest to p.
func (b box) nearest(p xy) xy {
	return xy{min(max(p.x, b.x), b.x+b.w), min(max(p.y, b.y), b.y+b.h)}
}

func (b box) corners() [4]xy {
	return [4]xy{{b.x, b.y}, {b.x + b.w, b.y}, {b.x + b.w, b.y + b.h}, {b.x, b.y + b.h}}
}

// outline is a site's ring on the board.
type outline struct {
	ring  []xy
	frame box
	dot   bool // too small to be seen as it is: drawn as a dot
}

func (p projection) outline(s registry.Site) outline {
	low, high := xy{math.Inf(1), math.Inf(1)}, xy{math.Inf(-1), math.Inf(-1)}
	var o outline
	for _, c := range s.Outline {
		at := p.at(c)
		o.ring = append(o.ring, at)
		low, high = xy{min(low.x, at.x), min(low.y, at.y)}, xy{max(high.x, at.x), max(high.y, at.y)}
	}
	o.frame = box{low.x, low.y, high.x - low.x, high.y - low.y}
	if o.dot = o.frame.w < mapLeast && o.frame.h < mapLeast; o.dot {
		m := o.middle()
		o.frame = box{m.x - mapLeast/2, m.y - mapLeast/2, mapLeast, mapLeast}
		c := o.frame.corners()
		o.ring = c[:]
	}
	return o
}

func (o outline) middle() xy { return xy{o.frame.x + o.frame.w/2, o.frame.y + o.frame.h/2} }

// shape draws the outline.
func (o outline) shape(id string) shape {
	m := o.middle()
	s := shape{ID: id, X: short(m.x), Y: short(m.y)}
	if o.frame.w < mapTouch && o.frame.h < mapTouch {
		s.TouchX, s.TouchY, s.Touch = short(m.x-mapTouch/2), short(m.y-mapTouch/2), short(mapTouch)
	}
	if o.dot {
		s.Path = "M" + short(m.x-mapLeast/2) + " " + short(m.y) + "a13 13 0 1 0 26 0a13 13 0 1 0-26 0z"
		return s
	}
	var path strings.Builder
	for i, at := range o.ring {
		move(&path, i == 0, short(at.x), short(at.y))
	}
	s.Path = path.String() + "z"
	return s
}

// covers says whether the outline and the box share a point.
func (o outline) covers(b box) bool {
	if !o.frame.meets(b) {
		return false
	}
	for i, p := range o.ring {
		if b.holds(p) {
			return true
		}
		q := o.ring[(i+1)%len(o.ring)]
		for j, c := range b.corners() {
			if cross(p, q, c, b.corners()[(j+1)%4]) {
				return true
			}
		}
	}
	return o.inside(xy{b.x + b.w/2, b.y + b.h/2})
}

// inside counts the edges to the right of a point: odd is inside.
func (o outline) inside(p xy) bool {
	in := false
	for i, a := range o.ring {
		b := o.ring[(i+1)%len(o.ring)]
		if (a.y > p.y) != (b.y > p.y) && p.x < a.x+(b.x-a.x)*(p.y-a.y)/(b.y-a.y) {
			in = !in
		}
	}
	return in
}

// cross says whether two stretches of line cross.
func cross(a, b, c, d xy) bool {
	side := func(p, q, r xy) float64 { return (q.x-p.x)*(r.y-p.y) - (q.y-p.y)*(r.x-p.x) }
	return side(a, b, c)*side(a, b, d) < 0 && side(c, d, a)*side(c, d, b) < 0
}

// reach returns the shortest way from a box to the outline's corners and edge middles.
func (o outline) reach(b box) (from, to xy, length float64) {
	length = math.Inf(1)
	for i, p := range o.ring {
		q := o.ring[(i+1)%len(o.ring)]
		for _, at := range []xy{p, {(p.x + q.x) / 2, (p.y + q.y) / 2}} {
			near := b.nearest(at)
			if d := math.Hypot(at.x-near.x, at.y-near.y); d < length {
				from, to, length = near, at, d
			}
		}
	}
	return from, to, length
}

const (
	labelHeight = 40.0 // room for a name and a line below it
	labelEdge   = 5.0  // from the board's edge
	labelGap    = 12.0 // from here on a line leads from the label to the site
)

// label finds for each site the free place nearest to it. Where the board is too crowded, the label lies upon its site.
func label(shapes []shape, outlines []outline, sites []registry.Site) {
	taken := []box{{mapWidth - 150, mapHeight - 40, 150, 40}} // the scale bar
	for i, o := range outlines {
		w := max(12*float64(len([]rune(sites[i].Name))), 96) // wide letters: a label cut off at the edge is worse than a loose one
		m := o.middle()
		best, far := box{m.x - w/2, m.y - labelHeight/2, w, labelHeight}, math.Inf(1)
		for y := 16.0; y+labelHeight <= mapHeight-labelEdge; y += 5 {
			for x := labelEdge; x+w <= mapWidth-labelEdge; x += 5 {
				try := box{x, y, w, labelHeight}
				_, _, away := o.reach(try)
				// Between places as near, the one under or over the middle.
				if away += math.Abs(x+w/2-m.x) / 20; away < far && free(try, outlines, taken) {
					best, far = try, away
				}
			}
		}
		taken = append(taken, best)
		s := &shapes[i]
		s.LabelX, s.LabelY = short(best.x+best.w/2), short(best.y+17)
		if from, to, length := o.reach(best); length > labelGap {
			s.Leader = "M" + short(from.x) + " " + short(from.y) + "L" + short(to.x) + " " + short(to.y)
		}
	}
}

func free(b box, outlines []outline, taken []box) bool {
	for _, t := range taken {
		if b.meets(t) {
			return false
		}
	}
	for _, o := range outlines {
		if o.covers(b) {
			return false
		}
	}
	return true
}
