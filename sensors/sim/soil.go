package sim

import (
	"sync"
	"time"
)

// step is how finely water is followed through the soil, and warmUp how long before the start of the world that begins,
// so that the first day does not show how the bucket was filled.
const (
	step   = 10 * time.Minute
	warmUp = 60 * 24 * time.Hour
)

// soil is two buckets of earth, one above the other, as m³ of water per m³: the root zone around the 10 cm probe and the
// subsoil around the one at 30 cm. It gains rain, loses what plants take, and drains what it cannot hold.
type soil struct{ top, deep float64 }

// ground is what the two places differ in.
type ground struct {
	topDepth, deepDepth float64 // mm
	seep                float64 // share of the gap to a wet subsoil that ground water closes per hour
	shade               float64 // share of the demand that trees keep off
}

// Limits of a loam, m³/m³.
const (
	WiltingPoint  = 0.12 // plants cannot draw water below this
	FieldCapacity = 0.32 // what the soil holds against gravity
	poreSpace     = 0.46
)

func (g ground) next(s soil, rain, demand, hours float64) soil {
	demand *= 1 - g.shade
	s.top += rain * hours / g.topDepth
	s.top -= demand * 0.7 * thirst(s.top) * hours / g.topDepth
	s.deep -= demand * 0.3 * thirst(s.deep) * hours / g.deepDepth
	down := (0.06*max(0, s.top-FieldCapacity) + 0.0022*(s.top-s.deep)) * hours * g.topDepth // mm; upwards where the subsoil is wetter
	s.top -= down / g.topDepth
	s.deep += down / g.deepDepth
	s.deep -= 0.03 * max(0, s.deep-FieldCapacity) * hours
	s.deep -= 0.0007 * max(0, s.deep-0.16) * hours
	s.deep += g.seep * max(0, 0.30-s.deep) * hours
	s.top, s.deep = min(s.top, poreSpace), min(s.deep, poreSpace)
	return s
}

// thirst is how much of the demand plants can meet: less and less as the soil dries (after FAO-56, equation 84).
func thirst(theta float64) float64 {
	return min(max((theta-WiltingPoint+0.01)/(0.21-WiltingPoint), 0), 1)
}

// past is what rain did until some time: the soils, and how far it cooled the stream (°C).
type past struct {
	meadow, riparian soil
	cooled           float64
}

// history is the past of the world in steps from its beginning, as far as anyone asked. Each step is computed once.
type history struct {
	weather weather
	begin   time.Time

	mu    sync.Mutex
	steps []past
}

func newHistory(w weather, start time.Time) *history {
	return &history{
		weather: w, begin: start.Add(-warmUp),
		steps: []past{{meadow: soil{0.24, 0.25}, riparian: soil{0.28, 0.29}}},
	}
}

// at returns the past at t, between two steps in proportion; before the beginning, the beginning.
func (h *history) at(t time.Time) past {
	since := max(0, t.Sub(h.begin))
	k := int(since / step)
	x := float64(since%step) / float64(step)
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.steps) <= k+1 {
		h.steps = append(h.steps, h.next(h.steps[len(h.steps)-1], len(h.steps)-1))
	}
	a, b := h.steps[k], h.steps[k+1]
	mid := func(a, b float64) float64 { return a + (b-a)*x }
	return past{
		meadow:   soil{mid(a.meadow.top, b.meadow.top), mid(a.meadow.deep, b.meadow.deep)},
		riparian: soil{mid(a.riparian.top, b.riparian.top), mid(a.riparian.deep, b.riparian.deep)},
		cooled:   mid(a.cooled, b.cooled),
	}
}

func (h *history) next(p past, k int) past {
	mid := h.begin.Add(time.Duration(k)*step + step/2)
	rain, demand, hours := h.weather.rain(mid), h.weather.demand(mid), step.Hours()
	meadow := ground{topDepth: 200, deepDepth: 300}
	riparian := ground{topDepth: 220, deepDepth: 350, seep: 0.004, shade: 0.25}
	p.meadow = meadow.next(p.meadow, rain, demand, hours)
	p.riparian = riparian.next(p.riparian, rain, demand, hours)
	p.cooled += (0.16*rain - p.cooled/9) * hours
	return p
}
