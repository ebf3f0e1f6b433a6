package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/evidence"
	"loam/gateway/ingest"
	"loam/gateway/wire"
)

func TestWhatIsAppendedIsReadBackAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.db")
	l := open(t, path)
	batches := append(chain(t, "creek-1", 5), chain(t, "meadow-1", 4)...)
	received := start.Add(time.Hour)
	for i, s := range batches {
		index, err := l.Append(t.Context(), s, received)
		if err != nil || index != uint64(i) {
			t.Fatalf("Append = %d, %v; want %d", index, err, i)
		}
	}
	before, err := l.Root(t.Context(), 9)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, path)
	leaves := all(t, l)
	if len(leaves) != 9 {
		t.Fatalf("%d leaves, want 9", len(leaves))
	}
	var raw [][]byte
	for i, leaf := range leaves {
		if leaf.Index != uint64(i) || !sameLeaf(leaf, batches[i]) || !leaf.Received.Equal(received) {
			t.Errorf("leaf %d came back as %d, %s %d", i, leaf.Index, leaf.Gateway, leaf.Sequence)
		}
		raw = append(raw, leaf.Bytes)
	}
	root, err := l.Root(t.Context(), 9)
	if err != nil || root != before || root != evidence.MerkleRoot(raw) {
		t.Errorf("root %s, %v; before reopening %s, over the leaves %s", root, err, before, evidence.MerkleRoot(raw))
	}
	if some, err := l.Read(t.Context(), 3, 2); err != nil || len(some) != 2 || some[0].Index != 3 {
		t.Errorf("Read(3, 2) = %v, %v", some, err)
	}
	if none, err := l.Read(t.Context(), 9, 10); err != nil || len(none) != 0 {
		t.Errorf("Read past the end = %v, %v", none, err)
	}
	if n, err := l.Readings(t.Context()); n != 27 || err != nil {
		t.Errorf("Readings = %d, %v", n, err)
	}
	sound(t, l, trust())
}

func TestRefusals(t *testing.T) {
	l := fresh(t)
	c := chain(t, "creek-1", 6)
	appendAll(t, l, c[1], c[3]) // sequences 2 and 4
	other := seal(t, "creek-1", 2, wire.Digest{}, 1, start)
	zero := wire.Digest{}
	cases := map[string]struct {
		s     wire.Sealed
		want  error
		index uint64
	}{
		"the same again":                 {c[3], ingest.ErrDuplicate, 1},
		"same number, other bytes":       {other, ingest.ErrFork, 0},
		"does not fit the batch before":  {loose("creek-1", 5, wire.Digest{9}, []byte("x")), ingest.ErrChain, 0},
		"does not fit the batch after":   {loose("creek-1", 1, zero, []byte("x")), ingest.ErrChain, 0},
		"fits neither":                   {loose("creek-1", 3, wire.Digest{9}, []byte("x")), ingest.ErrChain, 0},
		"fits only the one before":       {loose("creek-1", 3, c[1].Digest, []byte("x")), ingest.ErrChain, 0},
		"first says it follows":          {loose("other", 1, wire.Digest{9}, []byte("x")), ingest.ErrChain, 0},
		"sequence zero":                  {loose("creek-1", 0, zero, []byte("x")), ingest.ErrChain, 0},
		"sequence beyond what is stored": {loose("creek-1", math.MaxInt64+1, zero, []byte("x")), ingest.ErrChain, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			index, err := l.Append(t.Context(), c.s, start)
			if !errors.Is(err, c.want) || index != c.index {
				t.Errorf("Append = %d, %v; want %d, %v", index, err, c.index, c.want)
			}
		})
	}
	if n, err := l.Size(t.Context()); n != 2 || err != nil {
		t.Errorf("refused batches changed the log: size %d, %v", n, err)
	}
	appendAll(t, l, c[0], c[2], c[4], c[5]) // what is good still fits
	sound(t, l, trust())
}

func TestHeads(t *testing.T) {
	l := fresh(t)
	c := chain(t, "creek-1", 3)
	appendAll(t, l, c[0], c[2])
	anew := seal(t, "creek-1", 9, wire.Digest{}, 2, start.Add(time.Hour)) // a lost card: gaps, and no known predecessor
	appendAll(t, l, anew, seal(t, "creek-1", 10, anew.Digest, 1, start.Add(2*time.Hour)), seal(t, "creek-1", 11, wire.Digest{}, 1, start))
	appendAll(t, l, loose("bare-1", 1, wire.Digest{}, []byte("no readings")))
	heads, err := l.Heads(t.Context())
	want := []evidence.Head{
		{Gateway: "bare-1", Sequence: 1, Batches: 1, LastReceived: start.Add(time.Hour)},
		{Gateway: "creek-1", Sequence: 11, Batches: 5, Readings: 10, Gaps: 6, Restarts: 2, LastReading: start.Add(2 * time.Hour), LastReceived: start.Add(time.Hour)},
	}
	if err != nil || !slices.Equal(heads, want) {
		t.Errorf("Heads = %+v, %v\nwant    %+v", heads, err, want)
	}
}

func TestWithin(t *testing.T) {
	l := fresh(t)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	appendAll(t, l,
		loose("b", 2, wire.Digest{}, []byte("b2"), at(20), at(29)),
		loose("b", 1, wire.Digest{}, []byte("b1"), at(10), at(19)),
		loose("a", 1, wire.Digest{}, []byte("a1"), at(0), at(100)), // long
		loose("a", 3, wire.Digest{}, []byte("a3"), at(15)),
		loose("a", 2, wire.Digest{}, []byte("a2"), at(50)), // later reading, earlier number
		loose("a", 4, wire.Digest{}, []byte("a4")),         // none
		loose("c", 1, wire.Digest{}, []byte("c1"), at(15)),
	)
	cases := []struct {
		gateways string
		from, to float64
		want     string
	}{
		{"ab", 0, 1000, "a1 a2 a3 b1 b2 "},
		{"ba", 0, 1000, "a1 a2 a3 b1 b2 "}, // always in the same order
		{"aab", 15, 20, "a1 a3 b1 "},
		{"b", 19, 20, "b1 "},  // the last reading of b1 is in
		{"b", 19.001, 20, ""}, // to is out: b2 begins at 20
		{"b", 20, 20.001, "b2 "},
		{"b", 29.0005, 60, ""}, // less than a millisecond after the last reading
		{"b", 19.5, 20.0005, "b2 "},
		{"a", 99, 100, "a1 "}, // covered by a long batch
		{"a", 100.001, 200, ""},
		{"b", 30, 10, ""},
		{"x", 0, 1000, ""},
		{"", 0, 1000, ""},
	}
	for _, c := range cases {
		var gateways []string
		for _, g := range c.gateways {
			gateways = append(gateways, string(g))
		}
		leaves, err := l.Within(t.Context(), gateways, at(c.from), at(c.to))
		got := ""
		for _, leaf := range leaves {
			got += fmt.Sprintf("%s%d ", leaf.Gateway, leaf.Sequence)
		}
		if err != nil || got != c.want {
			t.Errorf("Within(%s, %g, %g) = %s, %v; want %s", c.gateways, c.from, c.to, got, err, c.want)
		}
	}
}

// Within finds what a look at every batch finds, whatever their order and length.
func TestWithinModel(t *testing.T) {
	l, runs := fresh(t), 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		gateway := fmt.Sprint("g", runs)
		second := func(name string) time.Time {
			return start.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, name)) * time.Second)
		}
		type span struct{ first, last time.Time }
		var spans []span
		for i := range rapid.IntRange(0, 12).Draw(t, "batches") {
			a, b := second("a"), second("b")
			if b.Before(a) {
				a, b = b, a
			}
			if _, err := l.Append(context.Background(), loose(gateway, uint64(i+1), wire.Digest{}, fmt.Append(nil, gateway, i), b, a), start); err != nil {
				t.Fatal(err)
			}
			spans = append(spans, span{a, b})
		}
		from, to := second("from"), second("to")
		leaves, err := l.Within(context.Background(), []string{gateway}, from, to)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []uint64
		for _, leaf := range leaves {
			got = append(got, leaf.Sequence)
		}
		for i, s := range spans {
			if s.first.Before(to) && !s.last.Before(from) {
				want = append(want, uint64(i+1))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("Within(%s, %s) = %v, want %v", from, to, got, want)
		}
	})
}

// The highest number there is can be used, sent again, and followed by nothing.
func TestTheLastSequence(t *testing.T) {
	l := fresh(t)
	last := loose("g", math.MaxInt64, wire.Digest{}, []byte("last"))
	appendAll(t, l, last)
	if index, err := l.Append(t.Context(), last, start); index != 0 || !errors.Is(err, ingest.ErrDuplicate) {
		t.Errorf("sent again: %d, %v", index, err)
	}
	before := loose("g", math.MaxInt64-1, wire.Digest{}, []byte("before"))
	appendAll(t, l, before)
	if _, err := l.Append(t.Context(), loose("g", 1, wire.Digest{}, nil), start); err == nil {
		t.Error("a batch without bytes was kept")
	}
}

// Many callers at once: each batch is kept exactly once, each caller learns where, and re-sent ones change nothing.
func TestConcurrentAppends(t *testing.T) {
	l := fresh(t)
	const gateways, each, senders = 5, 40, 3
	var mu sync.Mutex
	where := map[string]uint64{}
	var wg sync.WaitGroup
	for g := range gateways {
		c := make([]wire.Sealed, each)
		var previous wire.Digest
		for i := range c {
			c[i] = loose(fmt.Sprint("g", g), uint64(i+1), previous, fmt.Appendf(nil, "%d-%d", g, i), start)
			previous = c[i].Digest
		}
		for range senders {
			wg.Go(func() {
				for _, s := range c {
					index, err := l.Append(context.Background(), s, start)
					if err != nil && !errors.Is(err, ingest.ErrDuplicate) {
						t.Error(err)
					}
					mu.Lock()
					if earlier, ok := where[string(s.Bytes)]; ok && earlier != index {
						t.Errorf("%s is at %d and at %d", s.Bytes, earlier, index)
					}
					where[string(s.Bytes)] = index
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	leaves := all(t, l)
	if len(leaves) != gateways*each || len(where) != gateways*each {
		t.Fatalf("%d leaves and %d answers, want %d", len(leaves), len(where), gateways*each)
	}
	var raw [][]byte
	for i, leaf := range leaves {
		if leaf.Index != uint64(i) || where[string(leaf.Bytes)] != leaf.Index {
			t.Errorf("leaf %d is %q, its sender was told %d", i, leaf.Bytes, where[string(leaf.Bytes)])
		}
		raw = append(raw, leaf.Bytes)
	}
	if root, err := l.Root(t.Context(), uint64(len(raw))); err != nil || root != evidence.MerkleRoot(raw) {
		t.Errorf("root %s, %v", root, err)
	}
}

func TestClosedAndCancelled(t *testing.T) {
	l := fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := loose("g", 1, wire.Digest{}, []byte("x"))
	if _, err := l.Append(ctx, s, start); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Append with a cancelled context = %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), s, start); !errors.Is(err, evidence.ErrClosed) {
		t.Errorf("Append after Close = %v", err)
	}
}

// A write that fails is an error for those who asked, never a gap or a wrong tree: memory follows the file.
func TestAFailedWriteLeavesTheLogWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.db")
	l := open(t, path)
	c := chain(t, "creek-1", 4)
	appendAll(t, l, c[0])
	tamper(t, path, `CREATE TRIGGER full BEFORE INSERT ON leaf BEGIN SELECT raise(ABORT, 'disk full'); END; UPDATE head SET batches = 1`)
	_, err := l.Append(t.Context(), c[1], start)
	if err == nil || errors.Is(err, ingest.ErrChain) || errors.Is(err, ingest.ErrDuplicate) || errors.Is(err, ingest.ErrFork) {
		t.Fatalf("Append on a full disk = %v", err)
	}
	tamper(t, path, `DROP TRIGGER full; UPDATE head SET batches = 1`)
	appendAll(t, l, c[1], c[2], c[3])
	sound(t, l, trust())
	if n, err := l.Size(t.Context()); n != 4 || err != nil {
		t.Errorf("size %d, %v", n, err)
	}
}

// One batch that the disk refuses again and again does not keep the others out.
func TestOneBatchCannotKeepOthersOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.db")
	l := open(t, path)
	tamper(t, path, `CREATE TRIGGER poison BEFORE INSERT ON leaf WHEN NEW.gateway = 'bad' BEGIN SELECT raise(ABORT, 'no'); END; UPDATE goose_db_version SET is_applied = is_applied`)
	done := make(chan struct{})
	var bad, good sync.WaitGroup
	bad.Go(func() {
		for sequence := uint64(1); ; sequence++ {
			if _, err := l.Append(context.Background(), loose("bad", sequence, wire.Digest{}, []byte("x")), start); err == nil {
				t.Error("the poison was kept")
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for g := range 4 {
		good.Go(func() {
			for i := range 10 {
				s := loose(fmt.Sprint("g", g), uint64(i+1), wire.Digest{}, fmt.Append(nil, g, i))
				for tries := 1; ; tries++ {
					if _, err := l.Append(context.Background(), s, start); err == nil {
						break
					} else if tries == 50 {
						t.Errorf("still refused: %v", err)
						break
					}
				}
			}
		})
	}
	good.Wait()
	close(done)
	bad.Wait()
	if n, err := l.Size(t.Context()); n != 40 || err != nil {
		t.Errorf("size %d, %v; want 40", n, err)
	}
}
