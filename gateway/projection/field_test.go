package projection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/qc"
	"loam/gateway/registry"
	"loam/gateway/store"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// newRegistry has a site for each gateway but gw-3, which shares one with gw-2.
func newRegistry(t fataler, gateways ...string) *registry.Registry {
	t.Helper()
	outline := []registry.Coordinate{{10, 50}, {10.1, 50}, {10.1, 50.1}}
	sites := []registry.Site{
		{ID: "carr", Name: "Alder carr", Ecosystem: "TF1.2", AreaM2: 9000, Outline: outline, Steward: "ada"},
		{ID: "meadow", Name: "Meadow", Ecosystem: "T7.2", AreaM2: 5000, Outline: outline, Steward: "ada"},
	}
	var list []registry.Gateway
	for i, id := range gateways {
		list = append(list, registry.Gateway{ID: id, Name: id, Site: sites[min(i, 1)].ID, Key: identity.FormatKey(identitytest.NewSigner(id).Public())})
	}
	r, err := registry.New("commons", []registry.Steward{{ID: "ada", Name: "Ada"}}, sites, list)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return r
}

// memoryLog is evidence in memory.
type memoryLog struct {
	mu      sync.Mutex
	leaves  []evidence.Leaf
	spans   [][2]time.Time
	reads   int // leaves handed out by Within
	failure error
}

func (l *memoryLog) Read(_ context.Context, from uint64, limit int) ([]evidence.Leaf, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure != nil {
		return nil, l.failure
	}
	from = min(from, uint64(len(l.leaves)))
	return slices.Clone(l.leaves[from:min(from+uint64(limit), uint64(len(l.leaves)))]), nil
}

func (l *memoryLog) Within(_ context.Context, gateways []string, from, to time.Time) ([]evidence.Leaf, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []evidence.Leaf
	for i, leaf := range l.leaves {
		if slices.Contains(gateways, leaf.Gateway) && l.spans[i][0].Before(to) && !l.spans[i][1].Before(from) {
			found = append(found, leaf)
		}
	}
	slices.SortFunc(found, func(a, b evidence.Leaf) int {
		return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.Sequence, b.Sequence))
	})
	l.reads += len(found)
	return found, nil
}

func (l *memoryLog) Size(context.Context) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.leaves)), nil
}

func (l *memoryLog) append(t fataler, gateway string, sequence uint64, readings ...sensors.Reading) {
	t.Helper()
	sealed, err := wire.Seal(wire.Batch{
		Header:   wire.Header{Gateway: gateway, Sequence: sequence, Boot: boot, Clock: clock.Synced},
		Readings: readings,
	}, identitytest.NewSigner(gateway))
	if err != nil {
		t.Fatalf("seal: %v", err)
	}
	first, last := sealed.Span()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaves = append(l.leaves, evidence.Leaf{Index: uint64(len(l.leaves)), Gateway: gateway, Sequence: sequence, Bytes: sealed.Bytes})
	l.spans = append(l.spans, [2]time.Time{first, last})
}

var (
	boot  = clock.BootID{1}
	start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

// reading is value hundredths of the quantity's unit.
func reading(channel string, q sensors.Quantity, at time.Time, hundredths int64) sensors.Reading {
	return sensors.Reading{
		Channel: sensors.Channel(channel), Quantity: q, Value: sensors.Decimal{Mantissa: hundredths, Exponent: -2},
		RawQuantity: q, Raw: sensors.Decimal{Mantissa: 2 * hundredths, Exponent: -2},
		At: clock.Instant{Wall: at, Uptime: at.Sub(start) + 1000*time.Hour, Boot: boot, State: clock.Synced},
	}
}

type pointID struct {
	store.Key
	at int64
}

// memoryStore is a store that can be told to fail, also after it has written a part.
type memoryStore struct {
	mu     sync.Mutex
	points map[pointID]store.Point
	fail   func(points []store.Point) (written int, err error) // nil: all is well
	writes int
}

func newStore() *memoryStore { return &memoryStore{points: map[pointID]store.Point{}} }

func (s *memoryStore) Write(ctx context.Context, points []store.Point) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writes++
	n, err := len(points), error(nil)
	if s.fail != nil {
		n, err = s.fail(points)
	}
	if invalid := store.Validate(points); invalid != nil {
		return invalid
	}
	for _, p := range points[:n] {
		s.points[pointID{p.Key, p.At.UnixMilli()}] = p
	}
	return err
}

func (s *memoryStore) Range(_ context.Context, k store.Key, from, to time.Time) (found []store.Point, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, p := range s.points {
		if id.Key == k && !p.At.Before(from) && p.At.Before(to) {
			found = append(found, p)
		}
	}
	return found, nil
}

func (s *memoryStore) Clear(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.points)
	return nil
}

func (s *memoryStore) Keys(context.Context) ([]store.Key, error) { return nil, errors.ErrUnsupported }
func (s *memoryStore) Latest(context.Context, store.Key) (store.Point, bool, error) {
	return store.Point{}, false, errors.ErrUnsupported
}
func (s *memoryStore) Count(context.Context) (int64, error) { return int64(len(s.points)), nil }
func (s *memoryStore) Ping(context.Context) error           { return nil }
func (s *memoryStore) Close() error                         { return nil }

// wanted is one run of quality control over the whole of each series: what the store must hold in the end.
func wanted(t fataler, l *memoryLog, r *registry.Registry, settings qc.Settings) map[pointID]store.Point {
	t.Helper()
	all := map[store.Key][]value{}
	for _, leaf := range l.leaves {
		key, ok := r.Key(leaf.Gateway)
		if !ok {
			continue
		}
		opened, err := wire.Open(leaf.Bytes, key)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		g, _ := r.Gateway(leaf.Gateway)
		for _, x := range opened.Readings {
			k := store.Key{Site: g.Site, Gateway: leaf.Gateway, Channel: x.Channel, Quantity: x.Quantity}
			all[k] = append(all[k], value{at: x.At.Wall.UTC(), value: x.Value.Float64(), raw: x.Raw.Float64()})
		}
	}
	want := map[pointID]store.Point{}
	for k, values := range all {
		latest := map[time.Time]value{}
		for _, v := range values {
			latest[v.at] = v
		}
		var obs []qc.Obs
		for _, v := range latest {
			obs = append(obs, v.obs())
		}
		slices.SortFunc(obs, func(a, b qc.Obs) int { return a.At.Compare(b.At) })
		for i, verdict := range settings.For(k.Site, k.Quantity).Evaluate(obs) {
			v := latest[obs[i].At]
			want[pointID{k, v.at.UnixMilli()}] = v.point(k, verdict)
		}
	}
	return want
}

func equal(t fataler, got, want map[pointID]store.Point) {
	t.Helper()
	for id, w := range want {
		if g, ok := got[id]; !ok || g != w {
			t.Fatalf("%s at %s:\n got %s\nwant %s", id.Key, time.UnixMilli(id.at).UTC(), show(got[id]), show(w))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d points, want %d", len(got), len(want))
	}
}

func show(p store.Point) string {
	return fmt.Sprintf("%v (raw %v) %d %s", p.Value, p.Raw, p.Flag, p.Tests)
}
