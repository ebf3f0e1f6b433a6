package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

func stats(t *testing.T, s *spool.Spool) spool.Stats {
	t.Helper()
	st, err := s.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestWay(t *testing.T) {
	s := fresh(t)
	if st := stats(t, s); st.Next != 0 || st.Readings != 0 || !st.Oldest.IsZero() {
		t.Errorf("fresh: %+v", st)
	}
	appendAll(t, s, synced(0, 25))
	if n := seal(t, s, 10, false); n != 2 {
		t.Fatalf("%d full batches of 10 out of 25 readings", n)
	}
	if st := stats(t, s); st.Unsealed != 5 || st.Batches != 2 || st.Readings != 25 || !st.Oldest.Equal(start) || st.Bytes == 0 {
		t.Errorf("%+v", st)
	}
	if n := seal(t, s, 10, true); n != 1 {
		t.Fatalf("%d batches out of the rest", n)
	}
	batches := pending(t, s)
	if got := numbers(batches); !slices.Equal(got, numbersUpTo(25)) {
		t.Errorf("sealed %v", got)
	}
	first := uint64(start.Unix())
	if batches[0].Sequence != first || batches[0].Previous != (wire.Digest{}) {
		t.Errorf("the first batch of a fresh spool is %+v, want sequence %d and no previous", batches[0].Header, first)
	}
	if st := stats(t, s); st.Next != first+3 {
		t.Errorf("next %d, want %d", st.Next, first+3)
	}

	later, err := s.Pending(context.Background(), first, 1)
	if err != nil || len(later) != 1 || later[0].Sequence != first+1 {
		t.Errorf("pending after the first, at most one: %v, %v", later, err)
	}
}

func numbersUpTo(n int64) []int64 {
	ns := make([]int64, n)
	for i := range ns {
		ns[i] = int64(i)
	}
	return ns
}

// TestSettle: only the receipt for exactly these bytes lets the spool forget, and the chain goes on over it.
func TestSettle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool.db")
	s := open(t, path)
	appendAll(t, s, synced(0, 20))
	seal(t, s, 10, true)
	batches := pending(t, s)
	settle := func(r wire.Receipt) bool {
		forgot, err := s.Settle(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		return forgot
	}
	wrongDigest, wrongSequence, swapped := receipt(batches[0]), receipt(batches[0]), receipt(batches[0])
	wrongDigest.Digest[31]++
	wrongSequence.Sequence += 100
	swapped.Sequence = batches[1].Sequence
	storedUnread := receipt(batches[0])
	storedUnread.Sequence = 0
	for name, r := range map[string]wire.Receipt{"digest": wrongDigest, "sequence": wrongSequence, "both, of two batches": swapped, "stored as 0": storedUnread} {
		if settle(r) || len(pending(t, s)) != 2 {
			t.Errorf("a receipt with the wrong %s changed something", name)
		}
	}
	if _, err := s.Settle(context.Background(), wire.Receipt{Sequence: batches[0].Sequence, Digest: batches[0].Digest}); err == nil || len(pending(t, s)) != 2 {
		t.Errorf("a receipt without an outcome: %v", err)
	}
	if !settle(receipt(batches[0])) || settle(receipt(batches[0])) {
		t.Error("the right receipt forgets once")
	}
	unread := receipt(batches[1])
	unread.Outcome, unread.Sequence, unread.Reason = wire.Quarantined, 0, "not readable"
	if !settle(unread) {
		t.Error("a batch quarantined unread is not forgotten by its digest")
	}
	if st := stats(t, s); st.Batches != 0 || st.Readings != 0 || st.Next != batches[1].Sequence+1 {
		t.Errorf("all settled: %+v", st)
	}
	_ = s.Close()
	s = open(t, path)
	appendAll(t, s, synced(20, 30))
	seal(t, s, 10, true)
	if after := pending(t, s)[0]; after.Sequence != batches[1].Sequence+1 || after.Previous != batches[1].Digest {
		t.Errorf("the chain was cut: %+v", after.Header)
	}
}

// TestNeverMixed: readings of different boots or clock states never share a batch, and without partial a group that does
// not fill one holds up no other.
func TestNeverMixed(t *testing.T) {
	s := fresh(t)
	var rs []sensors.Reading
	for n := range int64(30) {
		rs = append(rs, reading(n, byte(n%6), clock.State(n%3))) // a state for each boot, or they would be dated
	}
	appendAll(t, s, rs)
	if n := seal(t, s, 6, false); n != 0 {
		t.Errorf("%d batches of 6 out of groups of 5", n)
	}
	appendAll(t, s, []sensors.Reading{reading(30, 0, 0)})
	if n := seal(t, s, 6, false); n != 1 {
		t.Errorf("%d batches, want the one that is full", n)
	}
	if n := seal(t, s, 6, true); n != 5 {
		t.Errorf("%d batches of the rest, want 5", n)
	}
	for _, b := range pending(t, s) { // wire.Open has checked each reading against the header
		if len(b.Readings) > 6 {
			t.Errorf("%d readings", len(b.Readings))
		}
	}
}

// TestFirstSequence: a spool that was lost does not lead to sequence numbers used before, and a clock in 1970 still
// gives a valid one.
func TestFirstSequence(t *testing.T) {
	first := fresh(t)
	appendAll(t, first, synced(0, 1000))
	seal(t, first, 10, true)
	before := pending(t, first)
	second := fresh(t)
	appendAll(t, second, synced(1000, 1010)) // a second a reading: 100 batches in 1000 s
	seal(t, second, 10, true)
	if next := pending(t, second)[0]; next.Sequence <= before[len(before)-1].Sequence {
		t.Errorf("sequence %d was used before", next.Sequence)
	}
	unset := fresh(t)
	r := reading(0, 1, clock.Unsynced)
	r.At.Wall = time.Unix(-5, 0)
	appendAll(t, unset, []sensors.Reading{r})
	seal(t, unset, 10, true)
	if got := pending(t, unset)[0].Sequence; got != 1 {
		t.Errorf("sequence %d before 1970, want 1", got)
	}
}

// TestAppendRefuses: a reading that could never be sealed is refused with all it came with, before it can block what
// comes after.
func TestAppendRefuses(t *testing.T) {
	s := fresh(t)
	bad := reading(1, 1, clock.Synced)
	bad.Quantity = "mood"
	err := s.Append(context.Background(), []sensors.Reading{reading(0, 1, clock.Synced), bad})
	if !errors.Is(err, spool.ErrReading) || !strings.Contains(err.Error(), "mood") {
		t.Errorf("%v", err)
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Append(done, synced(0, 5)); err == nil {
		t.Error("appended for a caller that is gone")
	}
	if st := stats(t, s); st.Readings != 0 {
		t.Errorf("partly kept: %+v", st)
	}
	if err := s.Append(context.Background(), nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
	fine := reading(0, 1, clock.Synced)
	fine.At.Wall = fine.At.Wall.Add(1234567)
	appendAll(t, s, []sensors.Reading{fine})
	seal(t, s, 10, true)
	if got := pending(t, s)[0].Readings[0].At.Wall; !got.Equal(start.Add(time.Millisecond)) {
		t.Errorf("kept at %s", got)
	}
	for _, max := range []int{0, -1, wire.MaxReadings + 1} {
		if _, err := s.Seal(context.Background(), identitytest.NewSigner("creek-1"), spool.Batching{Max: max, Partial: true}); err == nil {
			t.Errorf("batches of %d", max)
		}
	}
}

// TestHuge: readings whose batch would be too large are sealed in smaller ones.
func TestHuge(t *testing.T) {
	s := fresh(t)
	rng := rand.New(rand.NewPCG(1, 2)) // noise does not compress
	var rs []sensors.Reading
	for n := range int64(wire.MaxReadings) {
		r := reading(n, 1, clock.Unsynced)
		r.At.Uptime = time.Duration(rng.Int64N(1<<40)) * time.Millisecond
		r.At.Wall = time.UnixMilli(rng.Int64N(1 << 60))
		r.Value.Mantissa, r.Raw.Mantissa = rng.Int64(), rng.Int64()
		r.Channel = sensors.Channel(fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()))
		r.Calibration.ID = fmt.Sprintf("%016x%016x%016x", rng.Uint64(), rng.Uint64(), rng.Uint64())
		rs = append(rs, r)
	}
	appendAll(t, s, rs)
	if n := seal(t, s, wire.MaxReadings, true); n < 2 {
		t.Fatalf("%d batch: the readings do not test what they should", n)
	}
	if st := stats(t, s); st.Unsealed != 0 {
		t.Errorf("left over: %+v", st)
	}
	total := 0
	for _, b := range pending(t, s) {
		total += len(b.Readings)
	}
	if total != wire.MaxReadings {
		t.Errorf("%d readings", total)
	}
}

// TestCorrupt: a damaged file is refused with what to do, and no byte of it changes.
func TestCorrupt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool.db")
	s := open(t, path)
	appendAll(t, s, synced(0, 500))
	seal(t, s, 10, true)
	appendAll(t, s, synced(500, 2000))
	if err := s.Close(); err != nil { // checkpoints the write-ahead log into the file
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	middle := bytes.Clone(good)
	for i := 8 * 4096; i < 14*4096; i++ {
		middle[i] = 0xff
	}
	for name, content := range map[string][]byte{
		"not a database": []byte(strings.Repeat("no database at all ", 1000)),
		"head gone":      append(make([]byte, 4096), good[4096:]...),
		"middle gone":    middle,
		"cut short":      good[:len(good)/2/4096*4096],
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spool.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := spool.Open(context.Background(), path, spool.Config{}, quiet)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, spool.ErrCorrupt) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "aside") {
				t.Errorf("%v: want %v, with the file and what to do", err, spool.ErrCorrupt)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	t.Run("emptied beside its log", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "spool.db")
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.WriteFile(path+"-wal", good[:4096], 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := spool.Open(context.Background(), path, spool.Config{}, quiet); !errors.Is(err, spool.ErrCorrupt) {
			t.Errorf("%v", err)
		}
		if after, err := os.ReadFile(path + "-wal"); err != nil || !bytes.Equal(after, good[:4096]) {
			t.Errorf("the log was changed (%v)", err)
		}
	})
}
