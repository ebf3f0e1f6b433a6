package influxstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"loam/gateway/qc"
	"loam/gateway/store"
	"loam/sensors"
)

// Range implements [store.Store].
func (s *Store) Range(ctx context.Context, k store.Key, from, to time.Time) ([]store.Point, error) {
	from, to = clamp(from), clamp(to)
	if k.Validate() != nil || !from.Before(to) {
		return nil, nil // no such series, or no such time: nothing is there
	}
	return s.points(ctx, k, from, to, "")
}

// Latest implements [store.Store].
func (s *Store) Latest(ctx context.Context, k store.Key) (store.Point, bool, error) {
	if k.Validate() != nil {
		return store.Point{}, false, nil
	}
	points, err := s.points(ctx, k, store.Earliest, store.End, " |> last()")
	if err != nil || len(points) == 0 {
		return store.Point{}, false, err
	}
	return points[len(points)-1], true, nil
}

// clamp keeps times within what the server can count.
func clamp(t time.Time) time.Time {
	switch {
	case t.Before(store.Earliest):
		return store.Earliest
	case t.After(store.End):
		return store.End
	}
	return t
}

// from starts a Flux query on our measurement. Points lie on whole milliseconds, and 1.8 counts the stop in where 2.x
// does not: a nanosecond before the next millisecond is right for both.
func (s *Store) from(from, to time.Time, predicate string) string {
	stop := to.Truncate(time.Millisecond)
	if stop.Before(to) {
		stop = stop.Add(time.Millisecond)
	}
	stop = stop.Add(-time.Nanosecond)
	return fmt.Sprintf(`from(bucket: %s) |> range(start: %s, stop: %s) |> filter(fn: (r) => r._measurement == "%s"%s)`,
		quote(s.config.Bucket), from.UTC().Format(time.RFC3339Nano), stop.UTC().Format(time.RFC3339Nano), Measurement, predicate)
}

// quote writes a Flux string. The bucket comes from a configuration and may hold anything.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "${", `\${`).Replace(s) + `"`
}

// points reads the four fields of a series as they lie, one table each, and joins them by time here: the server's pivot
// costs more, in 1.8 several times more.
func (s *Store) points(ctx context.Context, k store.Key, from, to time.Time, then string) ([]store.Point, error) {
	predicate := fmt.Sprintf(` and r.site == "%s" and r.gateway == "%s" and r.channel == "%s" and r.quantity == "%s"`, k.Site, k.Gateway, k.Channel, k.Quantity)
	flux := s.from(from, to, predicate) + then + ` |> keep(columns: ["_field", "_time", "_value"])`
	var points []store.Point
	position := map[int64]int{}
	err := s.query(ctx, flux, func(r record) error {
		at := r.time.UnixNano()
		i, seen := position[at]
		if !seen {
			i = len(points)
			position[at] = i
			points = append(points, store.Point{Key: k, At: r.time.UTC()})
		}
		return set(&points[i], r)
	})
	if err != nil {
		return nil, fmt.Errorf("influxstore: read %s: %w", k, err)
	}
	slices.SortFunc(points, func(a, b store.Point) int { return a.At.Compare(b.At) })
	return points, nil
}

func set(p *store.Point, r record) error {
	var ok bool
	switch r.field {
	case "value":
		p.Value, ok = r.value.(float64)
	case "raw":
		p.Raw, ok = r.value.(float64)
	case "tests":
		p.Tests, ok = r.value.(string)
	case "flag":
		var flag int64
		flag, ok = r.value.(int64)
		p.Flag = qc.Flag(flag)
	}
	if !ok {
		return fmt.Errorf("field %q at %s holds %v (%T), which loam did not write", r.field, r.time.Format(time.RFC3339Nano), r.value, r.value)
	}
	return nil
}

// Keys implements [store.Store].
func (s *Store) Keys(ctx context.Context) ([]store.Key, error) {
	flux := s.from(store.Earliest, store.End, ` and r._field == "flag"`) +
		` |> last() |> keep(columns: ["site", "gateway", "channel", "quantity"]) |> group()`
	var keys []store.Key
	err := s.query(ctx, flux, func(r record) error {
		keys = append(keys, store.Key{ // a tag is absent where somebody else wrote the line
			Site: r.text["site"], Gateway: r.text["gateway"], Channel: sensors.Channel(r.text["channel"]), Quantity: sensors.Quantity(r.text["quantity"]),
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("influxstore: list series: %w", err)
	}
	slices.SortFunc(keys, store.Key.Compare)
	return slices.Compact(keys), nil
}

// Count implements [store.Store].
func (s *Store) Count(ctx context.Context) (n int64, err error) {
	flux := s.from(store.Earliest, store.End, ` and r._field == "flag"`) + ` |> count() |> group() |> sum()`
	err = s.query(ctx, flux, func(r record) error {
		switch v := r.value.(type) {
		case int64:
			n += v
		default:
			return errors.New("no number came back: " + strconv.Quote(fmt.Sprint(v)))
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("influxstore: count: %w", err)
	}
	return n, nil
}

func (s *Store) query(ctx context.Context, flux string, row func(record) error) error {
	body, err := json.Marshal(map[string]any{
		"query": flux, "type": "flux", "dialect": map[string]any{"annotations": []string{"datatype", "group", "default"}, "delimiter": ",", "header": true},
	})
	if err != nil {
		return err
	}
	err = s.call(ctx, "query", url.Values{"org": {s.config.Org}}, "application/json", string(body), func(r io.Reader) error { return eachRecord(r, row) })
	if err != nil {
		return classify(ctx, err)
	}
	return nil
}
