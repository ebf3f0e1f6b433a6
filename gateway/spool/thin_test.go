package spool_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

const smallest = 128 << 10 // the least max_bytes

// noisy is reading n of two channels, one every ten seconds, with a value nobody can compress.
func noisy(n int64, every time.Duration, rng *rand.Rand) sensors.Reading {
	r := reading(n, 1, clock.Synced)
	r.Channel = sensors.Channel([]string{"air", "soil"}[n%2])
	r.Value = sensors.Decimal{Mantissa: rng.Int64N(1 << 40), Exponent: -6}
	r.Raw = r.Value
	r.At.Uptime = time.Duration(n) * every
	r.At.Wall = start.Add(r.At.Uptime)
	return r
}

type place struct {
	channel sensors.Channel
	at      int64
}

func placeOf(r sensors.Reading) place { return place{r.Channel, r.At.Wall.UnixMilli()} }

// TestThin fills a small spool several times over. What is over the cap is thinned, oldest first: three readings of each
// channel and hour stay as they were, the lowest, the highest and one between; what became of every other reading can be
// told from the signed batches alone.
func TestThin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool.db")
	s := openWith(t, path, spool.Config{MaxBytes: smallest})
	rng := rand.New(rand.NewPCG(3, 4))
	taken := map[place]sensors.Reading{}
	const rounds, each = 20, 500
	for round := range int64(rounds) {
		var rs []sensors.Reading
		for n := range int64(each) {
			r := noisy(round*each+n, 10*time.Second, rng)
			rs, taken[placeOf(r)] = append(rs, r), r
		}
		appendAll(t, s, rs)
		seal(t, s, 60, true)
		if st := stats(t, s); st.Used > smallest {
			t.Fatalf("%d bytes in use, the cap is %d", st.Used, smallest)
		}
	}
	_ = s.Close()
	s = openWith(t, path, spool.Config{MaxBytes: smallest})
	batches := pending(t, s)
	account := thinnedAccount{bySequence: map[uint64]wire.Sealed{}, taken: taken}
	for _, b := range batches {
		account.bySequence[b.Sequence] = b
	}
	for _, b := range batches {
		account.add(t, b)
	}
	st := stats(t, s)
	if got := (spool.Thinned{Batches: account.batches, Readings: account.readings, Kept: account.kept, From: st.Thinned.From, To: st.Thinned.To}); got != st.Thinned || account.batches == 0 {
		t.Errorf("stats say %+v, the batches %+v", st.Thinned, got)
	}
	if !st.Thinned.From.Equal(start) {
		t.Errorf("thinned from %s, not from the oldest", st.Thinned.From)
	}
	if account.raw+account.readings != len(taken) {
		t.Errorf("%d readings as they were, %d thinned, of %d", account.raw, account.readings, len(taken))
	}
	if account.newestThinned.After(account.oldestRaw) {
		t.Errorf("thinned up to %s, and there is one of %s left: not the oldest first", account.newestThinned, account.oldestRaw)
	}
	t.Logf("%d readings: %d as they were, %d of %d left of the rest, %d bytes in use", len(taken), account.raw, account.kept, account.readings, st.Used)
}

// thinnedAccount adds up what pending batches say.
type thinnedAccount struct {
	bySequence               map[uint64]wire.Sealed
	taken                    map[place]sensors.Reading
	raw                      int
	batches, readings, kept  int
	oldestRaw, newestThinned time.Time
	last                     uint64
}

func (a *thinnedAccount) add(t *testing.T, b wire.Sealed) {
	t.Helper()
	first, last := b.Span()
	for _, r := range b.Readings {
		was := a.taken[placeOf(r)]
		was.At.Uptime = 0 // does not travel under a synchronised clock
		if r != was {
			t.Fatalf("batch %d holds %+v, taken was %+v", b.Sequence, r, was)
		}
	}
	if b.Thinned.IsZero() {
		a.raw += len(b.Readings)
		if a.oldestRaw.IsZero() || first.Before(a.oldestRaw) {
			a.oldestRaw = first
		}
		return
	}
	if b.Thinned.First <= a.last {
		t.Fatalf("batch %d stands in for %d to %d, another one for up to %d", b.Sequence, b.Thinned.First, b.Thinned.Last, a.last)
	}
	a.last = b.Thinned.Last
	for sequence := b.Thinned.First; sequence <= b.Thinned.Last; sequence++ {
		if _, there := a.bySequence[sequence]; there {
			t.Fatalf("batch %d was thinned into %d, and is there", sequence, b.Sequence)
		}
	}
	if next, there := a.bySequence[b.Thinned.Last+1]; there && next.Previous != b.Thinned.Digest {
		t.Fatalf("batch %d does not follow what %d says was thinned before it", next.Sequence, b.Sequence)
	}
	a.batches += int(b.Thinned.Last - b.Thinned.First + 1)
	a.readings += int(b.Thinned.Readings)
	a.kept += len(b.Readings)
	if last.After(a.newestThinned) {
		a.newestThinned = last
	}
	a.checkHours(t, b, first, last)
}

// checkHours compares what was kept with all that was taken in the same time.
func (a *thinnedAccount) checkHours(t *testing.T, b wire.Sealed, first, last time.Time) {
	type hour struct {
		channel sensors.Channel
		at      time.Time
	}
	kept := map[hour][]sensors.Decimal{}
	for _, r := range b.Readings {
		h := hour{r.Channel, r.At.Wall.Truncate(time.Hour)}
		kept[h] = append(kept[h], r.Value)
	}
	for h, values := range kept {
		if len(values) > 3 {
			t.Fatalf("batch %d keeps %d readings of %v", b.Sequence, len(values), h)
		}
		if h.at.Before(first) || h.at.Add(time.Hour).After(last) {
			continue // an hour that the run holds only a part of
		}
		var all []sensors.Decimal
		for at := h.at; at.Before(h.at.Add(time.Hour)); at = at.Add(10 * time.Second) {
			if r, ok := a.taken[place{h.channel, at.UnixMilli()}]; ok {
				all = append(all, r.Value)
			}
		}
		slices.SortFunc(all, sensors.Decimal.Cmp)
		slices.SortFunc(values, sensors.Decimal.Cmp)
		want := []sensors.Decimal{all[0], all[(len(all)-1)/2], all[len(all)-1]}
		if !slices.Equal(values, want) {
			t.Fatalf("of %v are kept %v, want lowest, middle and highest, %v", h, values, want)
		}
	}
}

// TestFull: where nothing is left to thin, new readings are refused and nothing that is there is touched; a receipt makes
// room again.
func TestFull(t *testing.T) {
	s := openWith(t, filepath.Join(t.TempDir(), "spool.db"), spool.Config{MaxBytes: smallest})
	rng := rand.New(rand.NewPCG(5, 6))
	n := int64(0)
	fill := func() error {
		for {
			var rs []sensors.Reading
			for range 250 { // one of each channel an hour: no more than stay
				rs = append(rs, noisy(n+int64(len(rs)), 30*time.Minute, rng))
			}
			if err := s.Append(t.Context(), rs); err != nil {
				return err
			}
			n += int64(len(rs))
			seal(t, s, 250, true)
			if n > 1e6 {
				t.Fatal("it never gets full")
			}
		}
	}
	if err := fill(); !errors.Is(err, spool.ErrFull) {
		t.Fatal(err)
	}
	batches := pending(t, s)
	if total := len(numbers(batches)); int64(total) != n || stats(t, s).Thinned != (spool.Thinned{}) {
		t.Fatalf("%d of %d readings, %+v", total, n, stats(t, s))
	}
	for _, b := range batches[:len(batches)/2] {
		if forgot, err := s.Settle(t.Context(), receipt(b)); err != nil || !forgot {
			t.Fatal(forgot, err)
		}
	}
	before := n
	if err := fill(); !errors.Is(err, spool.ErrFull) || n == before {
		t.Errorf("with room again: %d more, %v", n-before, err)
	}
}

// TestNothingIsHeldBackInAFullSpool: what waits for its clock takes many times the room of what is sealed.
func TestNothingIsHeldBackInAFullSpool(t *testing.T) {
	s := openWith(t, filepath.Join(t.TempDir(), "spool.db"), spool.Config{MaxBytes: smallest})
	now := clock.Instant{Boot: clock.BootID{1}, Uptime: time.Hour, State: clock.Unsynced}
	sealAll := func() int {
		n, err := s.Seal(context.Background(), identitytest.NewSigner("creek-1"), spool.Batching{Max: 500, Partial: true, Now: now, Hold: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for n := int64(0); ; n += 100 {
		var rs []sensors.Reading
		for i := range int64(100) {
			r := reading(n+i, 1, clock.Unsynced)
			r.At.Uptime = time.Minute
			rs = append(rs, r)
		}
		appendAll(t, s, rs)
		used := stats(t, s).Used
		if made := sealAll(); made > 0 {
			if used <= smallest/8*7 {
				t.Errorf("sealed with %d bytes in use", used)
			}
			break
		}
	}
	if st := stats(t, s); st.Unsealed != 0 || st.Used > smallest/2 {
		t.Errorf("%+v", st)
	}
}
