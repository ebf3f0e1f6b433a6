package uplink

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/spool"
	"loam/gateway/wire"
)

func sealed(sequence uint64) wire.Sealed {
	return wire.Sealed{
		Batch: wire.Batch{Header: wire.Header{Sequence: sequence}},
		Bytes: []byte{byte(sequence)}, Digest: wire.Digest{byte(sequence), byte(sequence >> 8)},
	}
}

// The window under anything that can happen to it, against a plain list of what ought to be true.
func TestWindowSendsAgainUntilReceipted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := time.Duration(rapid.IntRange(1, 20).Draw(t, "first")) * time.Second
		most := first * time.Duration(rapid.IntRange(1, 50).Draw(t, "most"))
		w := newWindow(rapid.IntRange(1, 8).Draw(t, "size"), first, most, func() float64 { return rapid.Float64Range(0, 1).Draw(t, "jitter") })
		now := time.Unix(1e9, 0)
		next := uint64(1)
		lastSent := map[uint64]time.Time{}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				if w.free() > 0 {
					w.add(sealed(next))
					next++
				}
			},
			"send": func(t *rapid.T) {
				due := w.due(now)
				if !slices.IsSortedFunc(due, func(a, b *flight) int { return int(a.sequence) - int(b.sequence) }) {
					t.Fatal("not in sequence order")
				}
				for _, f := range due {
					if last, again := lastSent[f.sequence]; again && now.Sub(last) < first*8/10 {
						t.Fatalf("%d is sent again after %s", f.sequence, now.Sub(last))
					}
					w.hasSent(f, now)
					lastSent[f.sequence] = now
				}
				if again := w.due(now); len(again) > 0 {
					t.Fatalf("%d are due right after being sent", len(again))
				}
			},
			"wait": func(t *rapid.T) { now = now.Add(time.Duration(rapid.Int64Range(1, int64(most)).Draw(t, "wait"))) },
			"reconnect": func(t *rapid.T) {
				w.allDue()
				clear(lastSent)
				if len(w.due(now)) != len(w.flights) {
					t.Fatal("after a reconnect something waits")
				}
			},
			"receipt": func(t *rapid.T) {
				sequence := rapid.Uint64Range(1, next+1).Draw(t, "sequence")
				if f := w.find(wire.Receipt{Sequence: sequence, Outcome: wire.Stored}); f != nil {
					w.remove(f)
				}
				delete(lastSent, sequence)
				if w.has(sequence) {
					t.Fatal("still under way")
				}
			},
			"": func(t *rapid.T) {
				if len(w.flights) > w.size {
					t.Fatalf("%d under way in a window of %d", len(w.flights), w.size)
				}
				if at, waiting := w.next(); waiting != (len(w.flights) > 0) || waiting && at.After(now.Add(most*12/10)) {
					t.Fatalf("the next is due at %s, more than the longest wait from now", at)
				}
			},
		})
	})
}

func TestAReceiptForWhatTheHubCouldNotReadIsFoundByItsDigest(t *testing.T) {
	w := newWindow(3, time.Second, time.Second, func() float64 { return 0 })
	for _, q := range []uint64{7, 8, 9} {
		w.add(sealed(q))
	}
	for _, c := range []struct {
		r    wire.Receipt
		want uint64
	}{
		{wire.Receipt{Sequence: 8, Outcome: wire.Stored}, 8},
		{wire.Receipt{Digest: sealed(9).Digest, Outcome: wire.Quarantined}, 9},
		{wire.Receipt{Digest: sealed(9).Digest, Outcome: wire.Stored}, 0},
		{wire.Receipt{Digest: sealed(10).Digest, Outcome: wire.Quarantined}, 0},
		{wire.Receipt{Sequence: 10, Digest: sealed(9).Digest, Outcome: wire.Quarantined}, 0},
	} {
		if f := w.find(c.r); (f == nil) != (c.want == 0) || f != nil && f.sequence != c.want {
			t.Errorf("%+v finds %+v, want %d", c.r, f, c.want)
		}
	}
}

func TestWaitsDoubleUpToTheLongest(t *testing.T) {
	w := newWindow(1, time.Second, 6*time.Second, func() float64 { return 0.5 })
	w.add(sealed(1))
	now := time.Unix(1e9, 0)
	for i, want := range []time.Duration{1, 2, 4, 6, 6} {
		f := w.due(now)[0]
		w.hasSent(f, now)
		if got := f.due.Sub(now); got != want*time.Second {
			t.Errorf("wait %d is %s, want %d s", i, got, want)
		}
		now = f.due
	}
	for range 100 {
		f := w.due(now)[0]
		w.hasSent(f, now)
		if now = f.due; w.flights[1].due.Sub(now) > 6*time.Second {
			t.Fatal("the wait grows without end")
		}
	}
}

// shelf is a spool of numbers.
type shelf struct{ batches []uint64 }

func (s *shelf) Pending(_ context.Context, after uint64, limit int) ([]wire.Sealed, error) {
	var out []wire.Sealed
	for _, b := range s.batches {
		if b > after && len(out) < limit {
			out = append(out, sealed(b))
		}
	}
	return out, nil
}

func (s *shelf) Settle(context.Context, wire.Receipt) (bool, error) { return false, nil }
func (s *shelf) Stats(context.Context) (spool.Stats, error)         { return spool.Stats{}, nil }

// Whatever is sealed whenever, everything is taken in the end; what was sealed since the connection came up goes first.
func TestLanesTakeEverythingAndTheLiveFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &shelf{}
		next := rapid.Uint64Range(1, 1000).Draw(t, "first sequence")
		seal := func(n int) {
			for range n {
				s.batches = append(s.batches, next)
				next++
			}
		}
		seal(rapid.IntRange(0, 60).Draw(t, "backlog"))
		l := lanes{spool: s, ahead: rapid.IntRange(1, 9).Draw(t, "ahead")}
		recent := uint64(l.ahead / 4) // these count as live
		connected := max(next, recent+1) - recent
		l.reset(next)
		taken := map[uint64]bool{}
		underWay := func(q uint64) bool { return taken[q] }
		take := func(liveOnly bool) bool {
			b, ok, err := l.take(context.Background(), underWay, liveOnly)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return false
			}
			if taken[b.Sequence] {
				t.Fatalf("%d is taken twice", b.Sequence)
			}
			if liveOnly && b.Sequence < connected {
				t.Fatalf("%d of the backlog is taken as live", b.Sequence)
			}
			for _, older := range s.batches {
				if !taken[older] && older < b.Sequence && (older >= connected || b.Sequence < connected) {
					t.Fatalf("%d is taken before %d of the same lane", b.Sequence, older)
				}
			}
			if b.Sequence < connected {
				for _, live := range s.batches {
					if live >= connected && !taken[live] {
						t.Fatalf("%d of the backlog is taken before %d, sealed since", b.Sequence, live)
					}
				}
			}
			taken[b.Sequence] = true
			return true
		}
		t.Repeat(map[string]func(*rapid.T){
			"take":      func(t *rapid.T) { take(false) },
			"take live": func(t *rapid.T) { take(true) },
			"seal": func(t *rapid.T) {
				seal(rapid.IntRange(1, 20).Draw(t, "n"))
				l.woken()
			},
			"reconnect": func(t *rapid.T) {
				l.reset(next)
				connected = max(next, recent+1) - recent
			},
		})
		for take(false) {
		}
		for _, b := range s.batches {
			if !taken[b] {
				t.Fatalf("%d is left behind", b)
			}
		}
	})
}

func TestARewindFindsWhatWasLeftBehind(t *testing.T) {
	s := &shelf{batches: []uint64{5, 6}}
	l := lanes{spool: s, ahead: 4}
	l.reset(7)
	none := func(uint64) bool { return false }
	for range 2 {
		if _, ok, _ := l.take(context.Background(), none, false); !ok {
			t.Fatal("nothing to take")
		}
	}
	if _, ok, _ := l.take(context.Background(), none, false); ok {
		t.Fatal("something to take")
	}
	l.rewind()
	if b, ok, _ := l.take(context.Background(), none, false); !ok || b.Sequence != 5 {
		t.Errorf("after a rewind: %d, %v", b.Sequence, ok)
	}
}
