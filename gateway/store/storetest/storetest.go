// Package storetest is the rules every store keeps, run against the real server.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/gateway/qc"
	"loam/gateway/store"
	"loam/sensors"
)

// Run puts stores through the rules. Each call of open returns an empty store; Run closes none, the caller's cleanup
// does.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, rule := range []struct {
		name string
		run  func(t *testing.T, s store.Store)
	}{
		{"an empty store answers", empty},
		{"what is written comes back bit for bit", roundTrip},
		{"writing again replaces and adds nothing", idempotent},
		{"of two in one call the later one stays", laterWins},
		{"a point is its key and its time", identity},
		{"ranges are half open and ordered", ranges},
		{"five thousand points at once", bulk},
		{"what no store can keep is refused as such", rejected},
		{"an ended context ends the call", canceled},
		{"writers do not disturb each other", concurrent},
		{"clearing removes all, and writing goes on", clearing},
	} {
		t.Run(rule.name, func(t *testing.T) { rule.run(t, open(t)) })
	}
	t.Run("it behaves like a map", func(t *testing.T) { model(t, open(t)) })
}

var (
	base = time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC)
	far  = store.End
)

func key(channel string) store.Key {
	return store.Key{Site: "alder-carr", Gateway: "gw-1", Channel: sensors.Channel(channel), Quantity: sensors.AirTemperature}
}

func point(k store.Key, at time.Time, v float64) store.Point {
	return store.Point{Key: k, At: at, Value: v, Raw: v / 3, Flag: qc.Good, Tests: "11211"}
}

func must[T any](t testing.TB, name string) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return v
	}
}

func write(t testing.TB, s store.Store, points ...store.Point) {
	t.Helper()
	if err := s.Write(t.Context(), points); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func all(t testing.TB, s store.Store, k store.Key) []store.Point {
	t.Helper()
	return must[[]store.Point](t, "range")(s.Range(t.Context(), k, store.Earliest, far))
}

// same compares bit for bit: -0 is not 0.
func same(a, b store.Point) bool {
	bits := math.Float64bits
	return a.Key == b.Key && a.At.Equal(b.At) && a.At.Location() == b.At.Location() && bits(a.Value) == bits(b.Value) &&
		bits(a.Raw) == bits(b.Raw) && a.Flag == b.Flag && a.Tests == b.Tests
}

func expect(t testing.TB, got []store.Point, want ...store.Point) {
	t.Helper()
	if !slices.EqualFunc(got, want, same) {
		t.Fatalf("got  %s\nwant %s", show(got), show(want))
	}
}

func show(points []store.Point) string {
	var lines []string
	for _, p := range points[:min(len(points), 5)] {
		lines = append(lines, fmt.Sprintf("%s %s %v (raw %v) %d %q", p.Key, p.At.Format(time.RFC3339Nano), p.Value, p.Raw, p.Flag, p.Tests))
	}
	return fmt.Sprintf("%d points: %s", len(points), strings.Join(lines, "; "))
}

func count(t testing.TB, s store.Store, want int) {
	t.Helper()
	if got := must[int64](t, "count")(s.Count(t.Context())); got != int64(want) {
		t.Fatalf("count: %d, want %d", got, want)
	}
}

func empty(t *testing.T, s store.Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	count(t, s, 0)
	expect(t, all(t, s, key("air")))
	if keys := must[[]store.Key](t, "keys")(s.Keys(t.Context())); len(keys) != 0 {
		t.Errorf("keys: %v", keys)
	}
	if _, ok, err := s.Latest(t.Context(), key("air")); ok || err != nil {
		t.Errorf("latest: %v, %v", ok, err)
	}
	write(t, s)
	if err := s.Clear(t.Context()); err != nil {
		t.Errorf("clear: %v", err)
	}
}

func roundTrip(t *testing.T, s store.Store) {
	values := []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1.0 / 3, -40.0625, 100_000, 1 << 53, 1<<53 + 2, 9_007_199_254_740_993, 1e15, 1e21, 1e22, -1e-7,
		math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, math.Nextafter(1, 2), 2.2250738585072014e-308,
	}
	flags := []qc.Flag{qc.Good, qc.NotEvaluated, qc.Suspect, qc.Fail, qc.Missing}
	tests := []string{"11111", "22222", "33333", "44444", "99999", "12349"} // digits that must not become a number
	var want []store.Point
	for i, v := range values {
		p := point(key("air"), base.Add(time.Duration(i)*time.Millisecond), v)
		p.Raw, p.Flag, p.Tests = values[len(values)-1-i], flags[i%len(flags)], tests[i%len(tests)]
		want = append(want, p)
	}
	want = append(want, point(key("air"), far.Add(-time.Millisecond), 5))
	want = append([]store.Point{point(key("air"), store.Earliest, 1), point(key("air"), time.Unix(0, 0).UTC(), 2)}, want...)
	write(t, s, want...)
	expect(t, all(t, s, key("air")), want...)
	latest, ok, err := s.Latest(t.Context(), key("air"))
	if err != nil || !ok || !same(latest, want[len(want)-1]) {
		t.Errorf("latest: %s, %v, %v", show([]store.Point{latest}), ok, err)
	}
}

func idempotent(t *testing.T, s store.Store) {
	first := []store.Point{point(key("air"), base, 1), point(key("air"), base.Add(time.Second), 2), point(key("soil"), base, 3)}
	for range 3 {
		write(t, s, first...)
	}
	count(t, s, 3)
	changed := first[0]
	changed.Value, changed.Raw, changed.Flag, changed.Tests = -7.5, 0, qc.Fail, "41411"
	write(t, s, changed)
	count(t, s, 3)
	expect(t, all(t, s, key("air")), changed, first[1])
}

func laterWins(t *testing.T, s store.Store) {
	a, b := point(key("air"), base, 1), point(key("air"), base, 2)
	b.Flag, b.Tests = qc.Suspect, "13111"
	write(t, s, a, b)
	expect(t, all(t, s, key("air")), b)
}

// keys that differ in one part only, and odd names that are legal.
func keys() []store.Key {
	k := key("air")
	long := strings.Repeat("x", 62)
	ks := []store.Key{
		k, key("air-2"), key("air-20"), key("0"), key("a--b-"), key("true"), key("null"), key("1e5"), key(long + "1"), key(long + "2"),
		{Site: "alder-carr", Gateway: "gw-2", Channel: k.Channel, Quantity: k.Quantity},
		{Site: "alder", Gateway: "carr-gw-1", Channel: k.Channel, Quantity: k.Quantity},
		{Site: "air", Gateway: "air", Channel: "air", Quantity: k.Quantity},
		{Site: k.Site, Gateway: k.Gateway, Channel: k.Channel, Quantity: sensors.RelativeHumidity},
	}
	return ks
}

func identity(t *testing.T, s store.Store) {
	var points []store.Point
	for i, k := range keys() {
		points = append(points, point(k, base, float64(i)))
	}
	write(t, s, points...)
	count(t, s, len(points))
	for _, p := range points {
		expect(t, all(t, s, p.Key), p)
	}
	want := keys()
	slices.SortFunc(want, store.Key.Compare)
	if got := must[[]store.Key](t, "keys")(s.Keys(t.Context())); !slices.Equal(got, want) {
		t.Errorf("keys:\n got %v\nwant %v", got, want)
	}
}

func ranges(t *testing.T, s store.Store) {
	at := func(ms int) time.Time { return base.Add(time.Duration(ms) * time.Millisecond) }
	var points []store.Point
	for _, ms := range []int{40, 10, 30, 0, 20} {
		points = append(points, point(key("air"), at(ms), float64(ms)))
	}
	write(t, s, points...)
	slices.SortFunc(points, func(a, b store.Point) int { return a.At.Compare(b.At) })
	for _, c := range []struct {
		from, to time.Time
		want     []store.Point
	}{
		{at(0), at(50), points},
		{at(0), at(40), points[:4]},
		{at(1), at(40), points[1:4]},
		{at(10), at(10), nil},
		{at(30), at(10), nil},
		{at(10).Add(1), at(20).Add(1), points[2:3]}, // finer than a millisecond
		{at(41), far, nil},
		{time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), points}, // "from the beginning" must not overflow
		{at(0).In(time.FixedZone("", 7200)), at(1), points[:1]},
	} {
		expect(t, must[[]store.Point](t, "range")(s.Range(t.Context(), key("air"), c.from, c.to)), c.want...)
	}
	if got, err := s.Range(t.Context(), store.Key{Site: `a" or true`, Gateway: "b", Channel: "c", Quantity: "d"}, at(0), far); err != nil || len(got) != 0 {
		t.Errorf("a series that cannot be: %v, %v", got, err)
	}
}

func bulk(t *testing.T, s store.Store) {
	var points []store.Point
	for i := range 5000 {
		points = append(points, point(key([]string{"a", "b", "c", "d"}[i%4]), base.Add(time.Duration(i/4)*time.Minute), float64(i)/7))
	}
	write(t, s, points...)
	count(t, s, len(points))
	got := all(t, s, key("c"))
	var want []store.Point
	for _, p := range points {
		if p.Channel == "c" {
			want = append(want, p)
		}
	}
	expect(t, got, want...)
}

func rejected(t *testing.T, s store.Store) {
	good := point(key("air"), base, 1)
	for name, spoil := range map[string]func(*store.Point){
		"not a number":  func(p *store.Point) { p.Value = math.NaN() },
		"infinite raw":  func(p *store.Point) { p.Raw = math.Inf(-1) },
		"before time":   func(p *store.Point) { p.At = store.Earliest.Add(-time.Millisecond) },
		"after time":    func(p *store.Point) { p.At = far },
		"no time":       func(p *store.Point) { p.At = time.Time{} },
		"too fine":      func(p *store.Point) { p.At = p.At.Add(time.Microsecond) },
		"no site":       func(p *store.Point) { p.Site = "" },
		"a line break":  func(p *store.Point) { p.Gateway = "a\nb" },
		"a quote":       func(p *store.Point) { p.Channel = `a"b` },
		"a tag's end":   func(p *store.Point) { p.Channel = "a,site=b" },
		"no quantity":   func(p *store.Point) { p.Quantity = "" },
		"a digit short": func(p *store.Point) { p.Tests = "1111" },
		"no flag":       func(p *store.Point) { p.Flag = 0 },
	} {
		bad := good
		spoil(&bad)
		if err := s.Write(t.Context(), []store.Point{good, bad}); !errors.Is(err, store.ErrRejected) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	write(t, s, good)
	expect(t, all(t, s, key("air")), good)
}

func canceled(t *testing.T, s store.Store) {
	write(t, s, point(key("air"), base, 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, countErr := s.Count(ctx)
	_, keysErr := s.Keys(ctx)
	_, rangeErr := s.Range(ctx, key("air"), base, far)
	_, _, latestErr := s.Latest(ctx, key("air"))
	for name, err := range map[string]error{
		"write": s.Write(ctx, []store.Point{point(key("air"), base, 2)}), "count": countErr, "keys": keysErr,
		"range": rangeErr, "latest": latestErr, "clear": s.Clear(ctx), "ping": s.Ping(ctx),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
		if errors.Is(err, store.ErrRejected) {
			t.Errorf("%s: an ended context is no reason to set points aside", name)
		}
	}
	expect(t, all(t, s, key("air")), point(key("air"), base, 1))
}

func concurrent(t *testing.T, s store.Store) {
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for w := range 4 {
		wg.Go(func() {
			for i := range 5 {
				var points []store.Point
				for j := range 20 {
					points = append(points, point(key(fmt.Sprintf("c%d", w)), base.Add(time.Duration(i*20+j)*time.Second), float64(j)))
				}
				points = append(points, point(key("shared"), base.Add(time.Duration(i)*time.Second), 1))
				errs <- s.Write(t.Context(), points)
			}
		})
	}
	go func() { wg.Wait(); close(errs) }()
	for err := range errs {
		if err != nil {
			t.Errorf("write: %v", err)
		}
	}
	count(t, s, 4*5*20+5)
}

func clearing(t *testing.T, s store.Store) {
	p := point(key("air"), base, 1)
	for range 3 {
		write(t, s, p, point(key("soil"), base, 2), point(key("old"), time.Unix(0, 0).UTC(), 3))
		if err := s.Clear(t.Context()); err != nil {
			t.Fatalf("clear: %v", err)
		}
		empty(t, s)
		write(t, s, p)
		count(t, s, 1)
		expect(t, all(t, s, key("air")), p)
	}
}
