package challenge_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/payouts/challenge"
	"loam/payouts/internal/memdir"
)

// TestModel makes random calls under a clock that also goes back, on several statements, and holds every answer against a
// model that counts down how much of each window is left. Besides, whatever happens:
// a statement with an objection that was not dismissed is never final or paid, and no state is ever taken back.
func TestModel(t *testing.T) {
	dir, run := memdir.New(t), 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		d, err := challenge.Open(context.Background(), filepath.Join(dir, fmt.Sprint(run)))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		m := &model{d: d, now: start, cases: map[string]*modelCase{}}
		t.Repeat(map[string]func(*rapid.T){
			"propose": m.propose, "object": m.object, "resolve": m.resolve, "finalise": m.finalise, "pay": m.pay, "time": m.time, "": m.agrees,
		})
	})
}

var start = time.UnixMilli(1_700_000_000_000).UTC()

type model struct {
	d     *challenge.Docket
	now   time.Time
	cases map[string]*modelCase
	about []string // statement of each objection, in order of their making
	ids   []int64
}

type modelCase struct {
	state    challenge.State
	clock    time.Time     // the latest time recorded
	left     time.Duration // of the window, at clock
	until    time.Time     // as proposed
	verdicts map[int64]challenge.Verdict
	reached  map[challenge.State]bool
}

// at moves a case's own clock on, never back, and returns how much of the window is left then.
func (c *modelCase) at(now time.Time) time.Duration {
	if c.state == challenge.Proposed && now.After(c.clock) {
		return c.left - now.Sub(c.clock)
	}
	return c.left
}

// event notes that something was recorded.
func (c *modelCase) event(now time.Time) {
	c.left = c.at(now)
	if now.After(c.clock) {
		c.clock = now
	}
}

func (c *modelCase) open() (n int) {
	for _, v := range c.verdicts {
		if v == "" {
			n++
		}
	}
	return n
}

var statements = rapid.SampledFrom([]string{"s1", "s2", "s3"})

func (m *model) time(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(-10, 60).Draw(t, "hours")) * time.Hour)
}

func (m *model) propose(t *rapid.T) {
	id, until := statements.Draw(t, "statement"), start.Add(time.Duration(rapid.IntRange(1, 3).Draw(t, "days"))*48*time.Hour)
	err := m.d.Propose(context.Background(), id, until, m.now)
	c := m.cases[id]
	switch {
	case c == nil:
		m.cases[id] = &modelCase{
			state: challenge.Proposed, clock: m.now, left: until.Sub(m.now), until: until,
			verdicts: map[int64]challenge.Verdict{}, reached: map[challenge.State]bool{},
		}
	case !c.until.Equal(until):
		wants(t, err, challenge.ErrExists)
		return
	}
	wants(t, err, nil)
}

func (m *model) object(t *rapid.T) {
	id := statements.Draw(t, "statement")
	number, err := m.d.Object(context.Background(), id, "eve", fmt.Sprintf("reason %d", len(m.ids)), m.now)
	c := m.cases[id]
	switch {
	case c == nil:
		wants(t, err, challenge.ErrNotFound)
		return
	case c.state != challenge.Proposed && c.state != challenge.Challenged, c.state == challenge.Proposed && c.at(m.now) <= 0:
		wants(t, err, challenge.ErrClosed)
		return
	}
	wants(t, err, nil)
	c.event(m.now)
	c.state = challenge.Challenged
	c.verdicts[number] = ""
	m.ids, m.about = append(m.ids, number), append(m.about, id)
}

func (m *model) resolve(t *rapid.T) {
	if len(m.ids) == 0 {
		wants(t, m.d.Resolve(context.Background(), 1, challenge.Upheld, "owl", "because", m.now), challenge.ErrNotFound)
		return
	}
	i := rapid.IntRange(0, len(m.ids)-1).Draw(t, "objection")
	number, c := m.ids[i], m.cases[m.about[i]]
	verdict := rapid.SampledFrom([]challenge.Verdict{challenge.Dismissed, challenge.Dismissed, challenge.Upheld}).Draw(t, "verdict")
	err := m.d.Resolve(context.Background(), number, verdict, "owl", "because", m.now)
	switch {
	case c.verdicts[number] == verdict:
		wants(t, err, nil)
		return
	case c.verdicts[number] != "":
		wants(t, err, challenge.ErrDecided)
		return
	case c.state != challenge.Challenged:
		wants(t, err, challenge.ErrClosed)
		return
	}
	wants(t, err, nil)
	c.event(m.now)
	c.verdicts[number] = verdict
	switch {
	case verdict == challenge.Upheld:
		c.state = challenge.Rejected
	case c.open() == 0:
		c.state, c.left = challenge.Proposed, max(c.left, challenge.Reopened)
	}
}

func (m *model) finalise(t *rapid.T) {
	id := statements.Draw(t, "statement")
	got, err := m.d.Finalise(context.Background(), id, m.now)
	c := m.cases[id]
	if c == nil {
		wants(t, err, challenge.ErrNotFound)
		return
	}
	wants(t, err, nil)
	if c.state == challenge.Proposed && c.at(m.now) <= 0 {
		c.event(m.now)
		c.state = challenge.Final
	}
	if got.State != c.state {
		t.Fatalf("%s is %s, want %s", id, got.State, c.state)
	}
}

func (m *model) pay(t *rapid.T) {
	id := statements.Draw(t, "statement")
	err := m.d.MarkPaid(context.Background(), id, m.now)
	c := m.cases[id]
	switch {
	case c == nil:
		wants(t, err, challenge.ErrNotFound)
	case c.state != challenge.Final && c.state != challenge.Paid:
		wants(t, err, challenge.ErrNotFinal)
	default:
		wants(t, err, nil)
		c.state = challenge.Paid
	}
}

func (m *model) agrees(t *rapid.T) {
	all, err := m.d.List(context.Background())
	if err != nil || len(all) != len(m.cases) {
		t.Fatalf("%d statements, want %d: %v", len(all), len(m.cases), err)
	}
	for _, s := range all {
		c := m.cases[s.Statement]
		if s.State != c.state || len(s.Objections) != len(c.verdicts) {
			t.Fatalf("%+v, want %+v", s, c)
		}
		if c.state == challenge.Proposed && !s.Until.Equal(c.clock.Add(c.left)) {
			t.Fatalf("%s ends %s, want %s", s.Statement, s.Until, c.clock.Add(c.left))
		}
		for _, o := range s.Objections {
			if o.Verdict != challenge.Dismissed && (s.State == challenge.Final || s.State == challenge.Paid) {
				t.Fatalf("%s is %s in spite of %+v", s.Statement, s.State, o)
			}
		}
		m.neverBack(t, s, c)
	}
}

func (m *model) neverBack(t *rapid.T, s challenge.Status, c *modelCase) {
	c.reached[s.State] = true
	for _, end := range []struct {
		reached challenge.State
		allowed []challenge.State
	}{
		{challenge.Final, []challenge.State{challenge.Final, challenge.Paid}}, {challenge.Paid, []challenge.State{challenge.Paid}},
		{challenge.Rejected, []challenge.State{challenge.Rejected}},
	} {
		ok := !c.reached[end.reached]
		for _, a := range end.allowed {
			ok = ok || s.State == a
		}
		if !ok {
			t.Fatalf("%s was %s and is %s", s.Statement, end.reached, s.State)
		}
	}
}

func wants(t *rapid.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}
