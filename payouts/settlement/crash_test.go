package settlement_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/payouts/challenge"
	"loam/payouts/internal/memdir"
	"loam/payouts/ledger"
	"loam/payouts/settlement"
	"loam/valuation/statement"
)

// fault is what happens at a step: nothing, an error, or the end of the program, before the step or after it.
type fault int

const (
	none fault = iota
	failBefore
	failAfter
	killBefore
	killAfter
)

// killed is what a killed program panics with.
type killed struct{}

var errAway = errors.New("the store is away")

// trouble stands between a settlement and its stores and decides at each step what happens.
type trouble struct {
	steps int
	next  func(step int) fault
	settlement.Statements
	settlement.Challenges
	settlement.Ledger
}

func (f *trouble) wrap(c *settlement.Config) {
	f.Statements, f.Challenges, f.Ledger = c.Statements, c.Challenges, c.Ledger
	c.Statements, c.Challenges, c.Ledger = f, f, f
}

// step does do, or fails it, or ends the program around it.
func (f *trouble) step(do func() error) error {
	f.steps++
	what := f.next(f.steps)
	switch what {
	case failBefore:
		return errAway
	case killBefore:
		panic(killed{})
	}
	err := do()
	switch what {
	case failAfter:
		return errAway
	case killAfter:
		panic(killed{})
	}
	return err
}

func (f *trouble) List(ctx context.Context) (all []statement.Statement, err error) {
	err = f.step(func() (err error) { all, err = f.Statements.List(ctx); return err })
	return all, err
}

func (f *trouble) Propose(ctx context.Context, id string, until, at time.Time) error {
	return f.step(func() error { return f.Challenges.Propose(ctx, id, until, at) })
}

func (f *trouble) Finalise(ctx context.Context, id string, at time.Time) (s challenge.Status, err error) {
	err = f.step(func() (err error) { s, err = f.Challenges.Finalise(ctx, id, at); return err })
	return s, err
}

func (f *trouble) MarkPaid(ctx context.Context, id string, at time.Time) error {
	return f.step(func() error { return f.Challenges.MarkPaid(ctx, id, at) })
}

func (f *trouble) State(ctx context.Context, id string) (s challenge.Status, err error) {
	err = f.step(func() (err error) { s, err = f.Challenges.State(ctx, id); return err })
	return s, err
}

func (f *trouble) Post(ctx context.Context, transfers ...ledger.Transfer) (done []ledger.Transfer, err error) {
	err = f.step(func() (err error) { done, err = f.Ledger.Post(ctx, transfers...); return err })
	return done, err
}

// survives runs the settlement once; ended says that the program was killed in it.
func (h *house) survives(now time.Time) (ended bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ended = r.(killed); !ended {
				panic(r)
			}
		}
	}()
	_, _ = h.RunDue(context.Background(), now) // what failed is tried again by the next run
	return false
}

// TestKilledAnywhere ends the program before and after every single step of a settlement. The next life always comes to
// the same end: every statement paid once.
func TestKilledAnywhere(t *testing.T) {
	statements := published{month("north", 1), month("north", 2)}
	want := map[ledger.Account]int64{
		"willow-creek:mint:meadow": -19_000, "willow-creek:buffer:meadow": 3_800,
		"willow-creek:steward:asha": 12_160, "willow-creek:commons:main": 3_040,
	}
	live := func(h *house, next func(int) fault) (steps int) {
		f := &trouble{next: next}
		h.restart(t, statements, f.wrap)
		for _, now := range []time.Time{day(0), day(14), day(15)} {
			if h.survives(now) {
				break
			}
		}
		return f.steps
	}
	base := memdir.New(t)
	whole := open(t, filepath.Join(base, "whole"), statements)
	steps := live(whole, func(int) fault { return none })
	whole.close(t)
	if steps < 12 {
		t.Fatalf("a whole settlement has %d steps only", steps)
	}
	for at := 1; at <= steps; at++ {
		for _, what := range []fault{killBefore, killAfter} {
			h := open(t, filepath.Join(base, fmt.Sprint(at, "-", what)), statements)
			live(h, func(step int) fault {
				if step == at {
					return what
				}
				return none
			})
			live(h, func(int) fault { return none })
			if got := h.balances(t); !reflect.DeepEqual(got, want) {
				t.Errorf("killed at step %d: %v", at, got)
			}
			for _, s := range statements {
				if got, err := h.State(t.Context(), s.ID); err != nil || got.State != challenge.Paid {
					t.Errorf("killed at step %d: %+v, %v", at, got, err)
				}
			}
			h.close(t)
		}
	}
}

// TestTrouble settles random statements with random objections while stores fail and the program is killed at random. In
// the end exactly those that earn, and against which nothing stands, are paid, each once; at no time was another paid.
func TestTrouble(t *testing.T) {
	dir, run := memdir.New(t), 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		w := &world{objected: map[string]bool{}}
		for i := range rapid.IntRange(1, 4).Draw(t, "statements") {
			s := month("north", i+1)
			s.Earns = rapid.IntRange(0, 4).Draw(t, "earns") > 0
			if rapid.IntRange(0, 5).Draw(t, "sound") == 0 {
				s.Credit.Gross = "9999"
			}
			w.statements = append(w.statements, s)
		}
		h := open(t, filepath.Join(dir, fmt.Sprint(run)), w.statements)
		defer h.close(t)
		for n := range rapid.IntRange(2, 6).Draw(t, "lives") {
			w.live(t, h, n*5)
		}
		w.live(t, h, 60)
		w.live(t, h, 90)
		w.ends(t, h)
	})
}

type world struct {
	statements published
	trouble    bool
	objected   map[string]bool // whether an objection stands; false: it was dismissed
}

// live is one life of the program: it settles a few times, and people object in between.
func (w *world) live(t *rapid.T, h *house, from int) {
	w.trouble = from < 60
	f := &trouble{next: func(int) fault {
		if !w.trouble {
			return none
		}
		return max(none, fault(rapid.IntRange(-12, int(killAfter)).Draw(t, "fault")))
	}}
	h.restart(t, w.statements, f.wrap)
	for n := range 3 {
		if h.survives(day(from + 2*n)) {
			break
		}
		if w.trouble {
			w.people(t, h, day(from+2*n))
		}
	}
	w.lawful(t, h)
}

// people object to a statement, or decide what was objected.
func (w *world) people(t *rapid.T, h *house, now time.Time) {
	id := w.statements[rapid.IntRange(0, len(w.statements)-1).Draw(t, "statement")].ID
	switch rapid.IntRange(0, 3).Draw(t, "people") {
	case 0:
		if _, err := h.docket.Object(context.Background(), id, "eve", "no", now); err == nil {
			w.objected[id] = true
		}
	case 1:
		verdict := rapid.SampledFrom([]challenge.Verdict{challenge.Upheld, challenge.Dismissed}).Draw(t, "verdict")
		s, err := h.docket.State(context.Background(), id)
		for _, o := range s.Objections {
			if err == nil && o.Verdict == "" && h.docket.Resolve(context.Background(), o.Number, verdict, "owl", "because", now) == nil {
				w.objected[id] = verdict == challenge.Upheld
			}
		}
	}
}

// lawful: whatever was credited was free of objections and right, the books balance, and what is marked paid is credited.
func (w *world) lawful(t *rapid.T, h *house) {
	report, err := h.ledger.Check(context.Background())
	if err != nil || !report.OK() {
		t.Fatalf("ledger: %v %v", err, report.Problems)
	}
	for _, s := range w.statements {
		_, err := h.ledger.Get(context.Background(), s.ID+"/willow-creek:steward:asha")
		credited := err == nil
		if credited && (w.objected[s.ID] || !s.Earns || s.Credit.Gross != "10000") {
			t.Fatalf("%s was credited", s.ID)
		}
		if status, err := h.docket.State(context.Background(), s.ID); err == nil && status.State == challenge.Paid && !credited {
			t.Fatalf("%s is marked paid and was not credited", s.ID)
		}
	}
}

// ends: without further trouble everything that can be paid is.
func (w *world) ends(t *rapid.T, h *house) {
	issued := int64(0)
	for _, s := range w.statements {
		want := challenge.Final
		status, err := h.docket.State(context.Background(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		stands := w.objected[s.ID]
		switch {
		case stands && status.State == challenge.Challenged, stands && status.State == challenge.Rejected:
			continue
		case s.Earns && s.Credit.Gross == "10000":
			want, issued = challenge.Paid, issued+9_500
		}
		if status.State != want {
			t.Fatalf("%s is %s, want %s", s.ID, status.State, want)
		}
	}
	if got := h.balances(t)["willow-creek:mint:meadow"]; got != -issued {
		t.Fatalf("issued %d, want %d", -got, issued)
	}
}
