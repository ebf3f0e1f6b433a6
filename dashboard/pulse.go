package dashboard

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"loam/gateway/qc"
	"loam/gateway/store"
	"loam/sensors"
)

// pulse is the newest point of every series.
type pulse struct {
	Points []store.Point // sorted as the store sorts its keys
	Newest time.Time     // of all points; zero: there is none
}

// workers asks a store for several series at once, few enough not to crowd out those who write.
const workers = 8

// pulse returns the newest points. Where the store cannot be reached, those it last gave come back beside the error.
func (d *dashboard) pulse(ctx context.Context) (pulse, error) {
	return d.pulses.get(ctx, "", d.loadPulse)
}

func (d *dashboard) loadPulse(ctx context.Context) (pulse, error) {
	keys, err := d.Sources.Readings.Keys(ctx)
	if err != nil {
		return pulse{}, err
	}
	points := make([]store.Point, len(keys))
	found := make([]bool, len(keys))
	errs := make([]error, len(keys))
	var wg sync.WaitGroup
	for w := range min(workers, len(keys)) {
		wg.Go(func() {
			for i := w; i < len(keys); i += workers {
				points[i], found[i], errs[i] = d.Sources.Readings.Latest(ctx, keys[i])
			}
		})
	}
	wg.Wait()
	var p pulse
	for i := range keys {
		if errs[i] != nil {
			return pulse{}, errs[i]
		}
		if !found[i] {
			continue
		}
		p.Points = append(p.Points, points[i])
		if points[i].At.After(p.Newest) {
			p.Newest = points[i].At
		}
	}
	return p, nil
}

// channel is one series as pages show it.
type channel struct {
	store.Key
	Kind   sensors.Kind // for its unit and digits; its title is taken through the language
	Point  store.Point
	Age    time.Duration
	Stale  bool
	Class  string // of the style sheet: good, unchecked, suspect, fail
	Spark  *spark
	Anchor string // of its part of the site's page
}

// channels returns a site's series, the quantities in the order people read them.
func (d *dashboard) channels(p pulse, site string, now time.Time) []channel {
	var out []channel
	for _, point := range p.Points {
		if point.Site != site {
			continue
		}
		kind, err := point.Quantity.Kind()
		if err != nil {
			kind = sensors.Kind{Name: point.Quantity, Places: 3}
		}
		age := now.Sub(point.At)
		out = append(out, channel{
			Key: point.Key, Kind: kind, Point: point, Age: age, Stale: age > d.stale, Class: flagClass(point.Flag),
			Anchor: strings.Join([]string{point.Gateway, string(point.Channel), string(point.Quantity)}, "-"),
		})
	}
	order := map[sensors.Quantity]int{}
	for i, k := range sensors.Kinds() {
		order[k.Name] = i - len(sensors.Kinds())
	}
	slices.SortStableFunc(out, func(a, b channel) int { return order[a.Quantity] - order[b.Quantity] })
	return out
}

// flagClass names a flag for the style sheet; its word and its shape say the same.
func flagClass(f qc.Flag) string {
	switch f {
	case qc.Good:
		return "good"
	case qc.Suspect:
		return "suspect"
	case qc.Fail, qc.Missing:
		return "fail"
	}
	return "unchecked"
}

// history returns a series over the i-th of spans(). Where the store cannot be reached, what it last gave comes back
// beside the error.
func (d *dashboard) history(ctx context.Context, k store.Key, i int, now time.Time) (summary, error) {
	sp := spans()[i]
	key := strings.Join([]string{k.Site, k.Gateway, string(k.Channel), string(k.Quantity)}, "\x00")
	return d.series[i].get(ctx, key, func(ctx context.Context) (summary, error) {
		from, to := sp.window(now)
		return summarise(from, to, sp.Dots, sp.Rows, func(yield func([]store.Point) error) error {
			return walk(ctx, d.Sources.Readings, k, from, to, 7*day, yield)
		})
	})
}
