// Package settlement carries statements into the ledger: it opens each statement's challenge window, makes it final when
// nobody objected or all objections were dismissed, credits it once, and marks it paid.
//
// Every step may be done again: the window of a statement opens once, a state is never taken back, and the ledger credits
// a part of a statement once, all parts together or none. So settlement keeps nothing of its own; killed between any two
// steps, it goes on where it was.
package settlement

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/payouts/challenge"
	"loam/payouts/ledger"
	"loam/valuation/statement"
)

// Statements are what was published. List returns all of them, oldest first.
type Statements interface {
	List(ctx context.Context) ([]statement.Statement, error)
}

// Challenges keeps the windows; *challenge.Docket is one.
type Challenges interface {
	Propose(ctx context.Context, statement string, until, at time.Time) error
	Finalise(ctx context.Context, statement string, at time.Time) (challenge.Status, error)
	MarkPaid(ctx context.Context, statement string, at time.Time) error
	State(ctx context.Context, statement string) (challenge.Status, error)
}

// Policy says what a statement pays; *policy.Policy is one.
type Policy interface {
	Transfers(s statement.Statement) ([]ledger.Transfer, error)
}

// Ledger keeps the credits; *ledger.Ledger is one.
type Ledger interface {
	Post(ctx context.Context, transfers ...ledger.Transfer) ([]ledger.Transfer, error)
	Accounts(ctx context.Context) ([]ledger.Balance, error)
}

// Config is what settlement works with. All but Metrics is needed.
type Config struct {
	Statements Statements
	Challenges Challenges
	Policy     Policy
	Ledger     Ledger
	Log        *slog.Logger
	Metrics    prometheus.Registerer
}

// ErrOverlap says that another statement of the same site and asset covers some of the same time and comes first.
var ErrOverlap = errors.New("the time is covered by another statement")

// Settlement settles statements. It is safe for concurrent use.
type Settlement struct {
	config   Config
	metrics  metrics
	mu       sync.Mutex
	settled  map[string]challenge.State // where nothing more will happen; a state is never taken back
	problems map[string]string          // by statement: why its last settling failed
}

// New returns a settlement over what is configured.
func New(c Config) *Settlement {
	return &Settlement{config: c, metrics: newMetrics(c.Metrics), settled: map[string]challenge.State{}, problems: map[string]string{}}
}

// Report is what a run did.
type Report struct {
	Registered int // windows opened
	Finalised  int // statements that became final
	Paid       int // statements whose credits were brought into the ledger and marked
	Failed     []Failure
}

// Failure is a statement that could not be taken further. The next run tries it again.
type Failure struct {
	Statement string
	Err       error
}

// RunDue takes every statement as far as it can go at that time. A statement that fails is in the report and does not
// hold up the others; an error means that the statements could not be listed, or that ctx ended.
func (s *Settlement) RunDue(ctx context.Context, now time.Time) (Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var report Report
	all, err := s.config.Statements.List(ctx)
	if err != nil {
		return report, fmt.Errorf("settlement: list statements: %w", err)
	}
	covered, payable := coverage{}, []due(nil)
	for _, one := range all {
		if err := ctx.Err(); err != nil {
			return report, fmt.Errorf("settlement: stopped at statement %q: %w", one.ID, err)
		}
		transfers, state, err := s.judge(ctx, one, now, &report)
		s.note(one.ID, err, &report)
		switch {
		case state == challenge.Paid:
			covered.add(one)
		case state == challenge.Final && len(transfers) > 0:
			payable = append(payable, due{one, transfers})
		}
	}
	for _, d := range payable {
		if err := ctx.Err(); err != nil {
			return report, fmt.Errorf("settlement: stopped at statement %q: %w", d.statement.ID, err)
		}
		s.note(d.statement.ID, s.pay(ctx, d, now, covered, &report), &report)
	}
	s.metrics.failing.Set(float64(len(report.Failed)))
	return report, nil
}

// due is a final statement with what it pays.
type due struct {
	statement statement.Statement
	transfers []ledger.Transfer
}

// judge takes a statement through its window and returns what it pays and where it stands.
func (s *Settlement) judge(ctx context.Context, one statement.Statement, now time.Time, report *Report) ([]ledger.Transfer, challenge.State, error) {
	if state, ok := s.settled[one.ID]; ok {
		return nil, state, nil
	}
	transfers, refused := s.config.Policy.Transfers(one) // asked first, so that a fault shows while the window is open
	state, err := s.window(ctx, one, now, report)
	if err = errors.Join(err, refused); err != nil {
		return nil, state, err
	}
	if state == challenge.Rejected || state == challenge.Paid || state == challenge.Final && len(transfers) == 0 {
		s.settled[one.ID] = state
	}
	return transfers, state, nil
}

// pay brings a final statement's credits into the ledger and marks it paid.
func (s *Settlement) pay(ctx context.Context, d due, now time.Time, covered coverage, report *Report) error {
	if err := covered.check(d.statement); err != nil {
		return err
	}
	covered.add(d.statement) // also when the ledger does not answer: it may have been credited
	if _, err := s.config.Ledger.Post(ctx, d.transfers...); err != nil {
		return err
	}
	if err := s.config.Challenges.MarkPaid(ctx, d.statement.ID, now); err != nil {
		return err
	}
	s.settled[d.statement.ID] = challenge.Paid
	report.Paid++
	s.metrics.steps.WithLabelValues("paid").Inc()
	for _, t := range d.transfers {
		s.metrics.issued.WithLabelValues(string(t.Asset)).Add(float64(t.Amount))
		s.config.Log.Info("credited", "statement", d.statement.ID, "account", t.Credit, "amount", ledger.Format(t.Amount, t.Asset))
	}
	return nil
}

// window opens a statement's window if it is new, and closes it if it is over.
func (s *Settlement) window(ctx context.Context, one statement.Statement, now time.Time, report *Report) (challenge.State, error) {
	before, err := s.config.Challenges.State(ctx, one.ID)
	if errors.Is(err, challenge.ErrNotFound) {
		before, err = s.register(ctx, one, now, report)
	}
	if err != nil || before.State != challenge.Proposed {
		return before.State, err
	}
	after, err := s.config.Challenges.Finalise(ctx, one.ID, now)
	if err != nil {
		return before.State, err
	}
	if after.State == challenge.Final {
		report.Finalised++
		s.metrics.steps.WithLabelValues("final").Inc()
	}
	return after.State, nil
}

func (s *Settlement) register(ctx context.Context, one statement.Statement, now time.Time, report *Report) (challenge.Status, error) {
	until, err := statement.ParseTime(one.ChallengeUntil)
	if err != nil {
		return challenge.Status{}, fmt.Errorf("settlement: statement %q: the end of its challenge window: %w", one.ID, err)
	}
	if err := s.config.Challenges.Propose(ctx, one.ID, until, now); err != nil {
		return challenge.Status{}, err
	}
	report.Registered++
	s.metrics.steps.WithLabelValues("registered").Inc()
	return challenge.Status{Statement: one.ID, State: challenge.Proposed}, nil
}

// note keeps why a statement failed, and says it in the log when that is new.
func (s *Settlement) note(id string, err error, report *Report) {
	if err == nil {
		delete(s.problems, id)
		return
	}
	report.Failed = append(report.Failed, Failure{Statement: id, Err: err})
	if s.problems[id] != err.Error() {
		s.problems[id] = err.Error()
		s.config.Log.Error("statement cannot be settled; it is tried again at the next run", "statement", id, "error", err)
	}
}
