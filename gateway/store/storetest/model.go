package storetest

import (
	"cmp"
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/qc"
	"loam/gateway/store"
)

type identityOf struct {
	store.Key
	at int64
}

// model writes at random and compares with a map.
func model(t *testing.T, s store.Store) {
	ks := keys()[:3]
	value := rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64))
	draw := rapid.Custom(func(t *rapid.T) store.Point {
		return store.Point{
			Key: rapid.SampledFrom(ks).Draw(t, "key"), At: base.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "ms")) * time.Millisecond),
			Value: value.Draw(t, "value"), Raw: value.Draw(t, "raw"),
			Flag:  rapid.SampledFrom([]qc.Flag{qc.Good, qc.NotEvaluated, qc.Suspect, qc.Fail}).Draw(t, "flag"),
			Tests: rapid.StringMatching(`[12349]{5}`).Draw(t, "tests"),
		}
	})
	wanted := map[identityOf]store.Point{}
	rapid.Check(t, func(rt *rapid.T) {
		points := rapid.SliceOfN(draw, 0, 20).Draw(rt, "points")
		if rapid.IntRange(0, 9).Draw(rt, "clear") == 0 {
			if err := s.Clear(t.Context()); err != nil {
				rt.Fatalf("clear: %v", err)
			}
			clear(wanted)
		}
		if err := s.Write(t.Context(), points); err != nil {
			rt.Fatalf("write: %v", err)
		}
		for _, p := range points {
			wanted[identityOf{p.Key, p.At.UnixMilli()}] = p
		}
		for _, k := range ks {
			from := base.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "from")) * time.Millisecond)
			to := from.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "length")) * time.Millisecond)
			compare(rt, s, k, wanted, from, to)
		}
		if n, err := s.Count(t.Context()); err != nil || n != int64(len(wanted)) {
			rt.Fatalf("count: %d, %v, want %d", n, err, len(wanted))
		}
	})
}

func compare(t *rapid.T, s store.Store, k store.Key, wanted map[identityOf]store.Point, from, to time.Time) {
	var in []store.Point
	var newest *store.Point
	for id, p := range wanted {
		if id.Key != k {
			continue
		}
		if newest == nil || p.At.After(newest.At) {
			newest = &p
		}
		if !p.At.Before(from) && p.At.Before(to) {
			in = append(in, p)
		}
	}
	slices.SortFunc(in, func(a, b store.Point) int { return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli()) })
	got, err := s.Range(context.Background(), k, from, to)
	if err != nil || !slices.EqualFunc(got, in, same) {
		t.Fatalf("range of %s: %v\n got %s\nwant %s", k, err, show(got), show(in))
	}
	last, ok, err := s.Latest(context.Background(), k)
	if err != nil || ok != (newest != nil) || ok && !same(last, *newest) {
		t.Fatalf("latest of %s: %s, %v, %v", k, show([]store.Point{last}), ok, err)
	}
}
