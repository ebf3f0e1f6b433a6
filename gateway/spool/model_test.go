package spool_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// model is what a spool should hold, as plain slices.
type model struct {
	unsealed []sensors.Reading
	batches  []wire.Sealed
	last     uint64 // sequence of the newest batch ever, 0 before the first
	digest   wire.Digest
	next     int64 // number of the next reading
}

// sealed moves to batches what Seal should have sealed, in the order it should have: again and again the boot and clock
// state of the oldest reading, among those with enough of them.
func (m *model) seal(t *rapid.T, max int, partial bool, made []wire.Sealed) {
	enough := max
	if partial {
		enough = 1
	}
	for _, b := range made {
		group := func() []sensors.Reading {
			for _, r := range m.unsealed {
				same := func(o sensors.Reading) bool { return o.At.Boot == r.At.Boot && o.At.State == r.At.State }
				var g []sensors.Reading
				for _, o := range m.unsealed {
					if same(o) && len(g) < max {
						g = append(g, o)
					}
				}
				if len(g) >= enough {
					return g
				}
			}
			return nil
		}()
		if !slices.Equal(numbers([]wire.Sealed{b}), numbersOf(group)) {
			t.Fatalf("sealed %v, want %v", numbers([]wire.Sealed{b}), numbersOf(group))
		}
		m.unsealed = slices.DeleteFunc(slices.Clone(m.unsealed), func(r sensors.Reading) bool {
			return slices.ContainsFunc(group, func(g sensors.Reading) bool { return g.Value == r.Value })
		})
		if m.last != 0 && (b.Sequence != m.last+1 || b.Previous != m.digest) {
			t.Fatalf("batch %d after %d does not link to it", b.Sequence, m.last)
		}
		m.last, m.digest = b.Sequence, b.Digest
		m.batches = append(m.batches, b)
	}
	for _, r := range m.unsealed {
		n := 0
		for _, o := range m.unsealed {
			if o.At.Boot == r.At.Boot && o.At.State == r.At.State {
				n++
			}
		}
		if n >= enough {
			t.Fatalf("%d readings of a boot were left although %d are enough", n, enough)
		}
	}
}

func numbersOf(rs []sensors.Reading) []int64 {
	var ns []int64
	for _, r := range rs {
		ns = append(ns, r.Value.Mantissa)
	}
	slices.Sort(ns) // the wire's order is by time, as the numbers are
	return ns
}

// machine drives a spool and its model.
type machine struct {
	t     *testing.T
	model model
	path  string
	spool *spool.Spool
}

func (m *machine) open(t *rapid.T) {
	s, err := spool.Open(context.Background(), m.path, spool.Config{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	m.spool = s
}

func (m *machine) Append(t *rapid.T) {
	var rs []sensors.Reading
	for range rapid.IntRange(0, 12).Draw(t, "readings") {
		// No boot has more than one state here: what dating makes of them is TestHistory's to say.
		state := rapid.Byte().Draw(t, "state") % 3
		rs = append(rs, reading(m.model.next, 2*state+rapid.Byte().Draw(t, "boot")%2, clock.State(state)))
		m.model.next++
	}
	if err := m.spool.Append(context.Background(), rs); err != nil {
		t.Fatal(err)
	}
	m.model.unsealed = append(m.model.unsealed, rs...)
}

func (m *machine) Seal(t *rapid.T) {
	max, partial := rapid.IntRange(1, 6).Draw(t, "max"), rapid.Bool().Draw(t, "partial")
	n, err := m.spool.Seal(context.Background(), identitytest.NewSigner("creek-1"), spool.Batching{Max: max, Partial: partial})
	if err != nil {
		t.Fatal(err)
	}
	waiting := pending(m.t, m.spool)
	if n > len(waiting) {
		t.Fatalf("%d batches made, %d wait", n, len(waiting))
	}
	m.model.seal(t, max, partial, waiting[len(waiting)-n:])
}

func (m *machine) Settle(t *rapid.T) {
	if len(m.model.batches) == 0 {
		t.Skip("nothing to settle")
	}
	i := rapid.IntRange(0, len(m.model.batches)-1).Draw(t, "batch")
	r := receipt(m.model.batches[i])
	right := rapid.Bool().Draw(t, "right")
	if !right {
		r.Digest[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
	}
	forgot, err := m.spool.Settle(context.Background(), r)
	if err != nil || forgot != right {
		t.Fatalf("settle: %v, %v, want %v", forgot, err, right)
	}
	if right {
		m.model.batches = slices.Delete(slices.Clone(m.model.batches), i, i+1)
	}
}

func (m *machine) Reopen(t *rapid.T) {
	if err := m.spool.Close(); err != nil {
		t.Fatal(err)
	}
	m.open(t)
}

// Crash goes on with a copy of the files as they are on disk, as after kill -9.
func (m *machine) Crash(t *rapid.T) {
	copied := filepath.Join(m.t.TempDir(), "spool.db")
	for _, suffix := range []string{"", "-wal"} {
		copyFile(t, m.path+suffix, copied+suffix)
	}
	_ = m.spool.Close()
	m.path = copied
	m.open(t)
}

func copyFile(t *rapid.T, from, to string) {
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}

// Check compares all that can be seen.
func (m *machine) Check(t *rapid.T) {
	waiting := pending(m.t, m.spool)
	if len(waiting) != len(m.model.batches) {
		t.Fatalf("%d batches wait, want %d", len(waiting), len(m.model.batches))
	}
	total := len(m.model.unsealed)
	for i, b := range waiting {
		if b.Digest != m.model.batches[i].Digest {
			t.Fatalf("batch %d is another one", b.Sequence)
		}
		total += len(b.Readings)
	}
	st, err := m.spool.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	next := m.model.last
	if next > 0 {
		next++
	}
	if st.Unsealed != len(m.model.unsealed) || st.Batches != len(waiting) || st.Readings != total || st.Next != next || st.Oldest.IsZero() != (total == 0) {
		t.Fatalf("stats %+v, want %d unsealed, %d batches, %d readings, next %d", st, len(m.model.unsealed), len(waiting), total, next)
	}
}

// TestModel: a spool holds what a slice would hold, through any order of appends, seals, receipts right and wrong,
// restarts and crashes; nothing is lost, nothing is there twice, the chain never breaks.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := machine{t: t, path: filepath.Join(t.TempDir(), "spool.db")}
		m.open(rt)
		defer func() { _ = m.spool.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.Append, "append more": m.Append, "seal": m.Seal, "settle": m.Settle, "reopen": m.Reopen, "crash": m.Crash, "": m.Check,
		})
	})
}
