package challenge_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loam/payouts/challenge"
	"loam/payouts/internal/memdir"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "challenge")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	d, err := challenge.Open(ctx, filepath.Join(dir, "challenge.db"))
	if err != nil {
		panic(err)
	}
	defer d.Close()

	day := func(n int) time.Time { return time.Date(2026, 4, n, 12, 0, 0, 0, time.UTC) }
	if err := d.Propose(ctx, "north-meadow-2026-03", day(15), day(1)); err != nil {
		panic(err)
	}
	number, err := d.Object(ctx, "north-meadow-2026-03", "asha", "the probe lay in the shade", day(10))
	if err != nil {
		panic(err)
	}
	s, err := d.Finalise(ctx, "north-meadow-2026-03", day(16)) // an open objection stops the clock
	fmt.Println(s.State, err)

	if err := d.Resolve(ctx, number, challenge.Dismissed, "owl", "the site photo shows it in the sun", day(20)); err != nil {
		panic(err)
	}
	s, err = d.Finalise(ctx, "north-meadow-2026-03", day(24))
	fmt.Println(s.State, "until", s.Until.Format(time.DateOnly), err)
	s, err = d.Finalise(ctx, "north-meadow-2026-03", day(25))
	fmt.Println(s.State, err)
	// Output:
	// challenged <nil>
	// proposed until 2026-04-25 <nil>
	// final <nil>
}

func openDocket(t *testing.T) *challenge.Docket {
	d, err := challenge.Open(t.Context(), filepath.Join(memdir.New(t), "challenge.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestInvalid(t *testing.T) {
	d, ctx := openDocket(t), t.Context()
	if err := d.Propose(ctx, "s", start.Add(time.Hour), start); err != nil {
		t.Fatal(err)
	}
	number, err := d.Object(ctx, "s", "eve", "no", start)
	if err != nil {
		t.Fatal(err)
	}
	object := func(by, reason string) error { _, err := d.Object(ctx, "s", by, reason, start); return err }
	for name, err := range map[string]error{
		"no id":          d.Propose(ctx, "", start, start),
		"no end":         d.Propose(ctx, "t", time.Time{}, start),
		"no reason":      object("eve", ""),
		"blank reason":   object("eve", " \n\t"),
		"nobody":         object(" ", "x"),
		"endless reason": object("eve", strings.Repeat("x", 4001)),
		"not text":       object("eve", "\xff"),
		"no verdict":     d.Resolve(ctx, number, "", "owl", "x", start),
		"other verdict":  d.Resolve(ctx, number, "maybe", "owl", "x", start),
		"no answer":      d.Resolve(ctx, number, challenge.Dismissed, "owl", "", start),
		"by nobody":      d.Resolve(ctx, number, challenge.Dismissed, "", "x", start),
	} {
		if !errors.Is(err, challenge.ErrInvalid) || !strings.HasPrefix(err.Error(), "challenge: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.State(ctx, "t"); !errors.Is(err, challenge.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

// TestSaidTwice: a double click is one objection.
func TestSaidTwice(t *testing.T) {
	d, ctx := openDocket(t), t.Context()
	if err := d.Propose(ctx, "s", start.Add(time.Hour), start); err != nil {
		t.Fatal(err)
	}
	first, err := d.Object(ctx, "s", "eve", "no", start)
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.Object(ctx, "s", " eve ", "no ", start.Add(2*time.Hour))
	if err != nil || again != first {
		t.Errorf("objection %d, then %d, %v", first, again, err)
	}
	s, err := d.State(ctx, "s")
	if err != nil || len(s.Objections) != 1 || s.Objections[0] != (challenge.Objection{Number: first, By: "eve", Reason: "no", At: start}) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestKept: the record survives closing, and nobody can edit it through the database.
func TestKept(t *testing.T) {
	path := filepath.Join(memdir.New(t), "challenge.db")
	for round := range 2 {
		d, err := challenge.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Propose(t.Context(), "s", start.Add(time.Hour), start.Add(time.Duration(round)*time.Minute)); err != nil {
			t.Fatal(err)
		}
		s, err := d.State(t.Context(), "s")
		if err != nil || s.State != challenge.Proposed || !s.Since.Equal(start) {
			t.Errorf("%+v, %v", s, err)
		}
		for _, q := range []string{`UPDATE events SET reason = 'x'`, `DELETE FROM events`} {
			if err := d.Raw(q); err == nil || !strings.Contains(err.Error(), "never") {
				t.Errorf("%s: %v", q, err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRace: an objection and the end of the window at the same time: one of them wins, never both.
func TestRace(t *testing.T) {
	d, ctx := openDocket(t), t.Context()
	end := start.Add(time.Hour)
	var objections, finals atomic.Int64
	for i := range 40 {
		id := fmt.Sprint("s", i)
		if err := d.Propose(ctx, id, end, start); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		var won [2]bool
		racers := []func(){
			func() {
				_, err := d.Object(ctx, id, "eve", "no", end.Add(-time.Millisecond))
				won[0] = err == nil
			},
			func() {
				s, err := d.Finalise(ctx, id, end)
				won[1] = err == nil && s.State == challenge.Final
			},
		}
		for r := range racers { // the one started last often comes first
			group.Go(racers[(i+r)%2])
		}
		group.Wait()
		if won[0] == won[1] {
			t.Fatalf("%s: objected %t, final %t", id, won[0], won[1])
		}
		if won[0] {
			objections.Add(1)
		} else {
			finals.Add(1)
		}
	}
	if objections.Load() == 0 || finals.Load() == 0 {
		t.Logf("one side always won: %d objections, %d ends", objections.Load(), finals.Load())
	}
}
