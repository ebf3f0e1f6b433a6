package settlement_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/payouts/challenge"
	"loam/payouts/internal/memdir"
	"loam/payouts/ledger"
	"loam/payouts/policy"
	"loam/payouts/settlement"
	"loam/valuation/statement"
)

var _ settlement.Statements = (*statement.Store)(nil)

// published is a list of statements.
type published []statement.Statement

func (p published) List(context.Context) ([]statement.Statement, error) { return p, nil }

var start = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

func day(n int) time.Time { return start.AddDate(0, 0, n) }

// month returns a right statement of one site and one of its months: 100.00 gross, 5.00 deducted, 19.00 to the buffer.
func month(site string, n int) statement.Statement {
	from := time.Date(2025, time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	return statement.Statement{
		ID: fmt.Sprintf("%s-%d", site, n), Community: "willow-creek", Earns: true,
		Site: statement.Site{ID: site}, Method: statement.Method{Name: "meadow", Version: "1"},
		Period: statement.Period{From: statement.Time(from), To: statement.Time(from.AddDate(0, 1, 0))},
		Credit: statement.Credit{
			Asset: "MEADOW/2", Gross: "10000", Deduction: "500", Buffer: "1900", Net: "7600",
			Split: []statement.Part{{Account: "willow-creek:steward:asha", Amount: "6080"}, {Account: "willow-creek:commons:main", Amount: "1520"}},
		},
		ChallengeUntil: statement.Time(day(14)),
	}
}

// house is a settlement over real files.
type house struct {
	*settlement.Settlement
	docket   *challenge.Docket
	ledger   *ledger.Ledger
	registry *prometheus.Registry
}

type failer interface {
	Fatal(...any)
	Helper()
}

func open(t failer, dir string, statements settlement.Statements) *house {
	t.Helper()
	ctx := context.Background()
	docket, err := challenge.Open(ctx, filepath.Join(dir, "challenge.db"))
	if err != nil {
		t.Fatal(err)
	}
	books, err := ledger.Open(ctx, filepath.Join(dir, "ledger.db"), func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	h := &house{docket: docket, ledger: books}
	h.restart(t, statements, nil)
	return h
}

// restart begins a new life on the same files; wrap may put something between the settlement and its stores.
func (h *house) restart(t failer, statements settlement.Statements, wrap func(*settlement.Config)) {
	t.Helper()
	rules, err := policy.New(policy.Config{Community: "willow-creek"})
	if err != nil {
		t.Fatal(err)
	}
	h.registry = prometheus.NewRegistry()
	config := settlement.Config{
		Statements: statements, Challenges: h.docket, Policy: rules, Ledger: h.ledger,
		Log: slog.New(slog.DiscardHandler), Metrics: h.registry,
	}
	if wrap != nil {
		wrap(&config)
	}
	h.Settlement = settlement.New(config)
}

func (h *house) close(t failer) {
	t.Helper()
	if err := errors.Join(h.docket.Close(), h.ledger.Close()); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, statements settlement.Statements) *house {
	h := open(t, memdir.New(t), statements)
	t.Cleanup(func() { h.close(t) })
	return h
}

func (h *house) run(t *testing.T, now time.Time) settlement.Report {
	t.Helper()
	report, err := h.RunDue(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func (h *house) balances(t failer) map[ledger.Account]int64 {
	t.Helper()
	all, err := h.ledger.Accounts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	found := map[ledger.Account]int64{}
	for _, b := range all {
		found[b.Account] = b.Posted
	}
	return found
}

func TestPaysOnceWhenDue(t *testing.T) {
	idle := month("wood", 1)
	idle.Earns = false
	h := opened(t, published{month("north", 1), month("north", 2), idle})
	if got := h.run(t, day(0)); !reflect.DeepEqual(got, settlement.Report{Registered: 3}) {
		t.Errorf("first run: %+v", got)
	}
	if got := h.run(t, day(13)); !reflect.DeepEqual(got, settlement.Report{}) || len(h.balances(t)) > 0 {
		t.Errorf("while the window is open: %+v, %v", got, h.balances(t))
	}
	if got := h.run(t, day(14)); !reflect.DeepEqual(got, settlement.Report{Finalised: 3, Paid: 2}) {
		t.Errorf("when it is over: %+v", got)
	}
	if got := h.run(t, day(15)); !reflect.DeepEqual(got, settlement.Report{}) {
		t.Errorf("after that: %+v", got)
	}
	want := map[ledger.Account]int64{
		"willow-creek:mint:meadow": -19_000, "willow-creek:buffer:meadow": 3_800,
		"willow-creek:steward:asha": 12_160, "willow-creek:commons:main": 3_040,
	}
	if got := h.balances(t); !reflect.DeepEqual(got, want) {
		t.Errorf("balances %v", got)
	}
	if got, err := h.Paid(t.Context()); err != nil || len(got) != 1 || got[0] != (settlement.Total{Asset: "MEADOW/2", Amount: 19_000}) {
		t.Errorf("paid %v, %v", got, err)
	}
	for id, want := range map[string]challenge.State{"north-1": challenge.Paid, "north-2": challenge.Paid, "wood-1": challenge.Final} {
		if got, err := h.State(t.Context(), id); err != nil || got.State != want || got.Problem != "" || got.Statement != id {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
	}
	if _, err := h.State(t.Context(), "south"); !errors.Is(err, challenge.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	counted := map[string]float64{
		"loam_settlement_failing_statements": 0, "loam_settlement_issued_minor_units_total MEADOW/2": 19_000,
		"loam_settlement_statements_total final": 3, "loam_settlement_statements_total paid": 2, "loam_settlement_statements_total registered": 3,
	}
	if got := h.metrics(t); !reflect.DeepEqual(got, counted) {
		t.Errorf("metrics %v", got)
	}
}

// metrics returns every metric by its name and label.
func (h *house) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			found[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return found
}

// TestObjections: an open objection holds the payment, an upheld one ends it, a dismissed one delays it.
func TestObjections(t *testing.T) {
	h := opened(t, published{month("open", 1), month("upheld", 1), month("dismissed", 1), month("calm", 1)})
	h.run(t, day(0))
	numbers := map[string]int64{}
	for _, id := range []string{"open-1", "upheld-1", "dismissed-1"} {
		number, err := h.docket.Object(t.Context(), id, "eve", "the probe lay in the shade", day(13))
		if err != nil {
			t.Fatal(err)
		}
		numbers[id] = number
	}
	if got := h.run(t, day(20)); got.Paid != 1 {
		t.Errorf("with open objections: %+v", got)
	}
	for id, verdict := range map[string]challenge.Verdict{"upheld-1": challenge.Upheld, "dismissed-1": challenge.Dismissed} {
		if err := h.docket.Resolve(t.Context(), numbers[id], verdict, "owl", "seen on the photo", day(20)); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.run(t, day(20).Add(challenge.Reopened-time.Second)); got.Paid != 0 {
		t.Errorf("before the reopened window is over: %+v", got)
	}
	if got := h.run(t, day(20).Add(challenge.Reopened)); got.Paid != 1 || got.Finalised != 1 {
		t.Errorf("after it: %+v", got)
	}
	h.run(t, day(1000))
	for id, want := range map[string]challenge.State{
		"calm-1": challenge.Paid, "dismissed-1": challenge.Paid, "upheld-1": challenge.Rejected, "open-1": challenge.Challenged,
	} {
		if got, err := h.State(t.Context(), id); err != nil || got.State != want {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
	}
	if got := h.balances(t)["willow-creek:mint:meadow"]; got != -19_000 {
		t.Errorf("issued %d", -got)
	}
}

// TestOneBadStatement: what is wrong with one shows, and the others are paid.
func TestOneBadStatement(t *testing.T) {
	sum, window, period := month("sum", 1), month("window", 1), month("period", 1)
	sum.Credit.Net = "7601"
	window.ChallengeUntil = "soon"
	period.Period.To = "never"
	h := opened(t, published{sum, window, period, month("good", 1)})
	if got := h.run(t, day(0)); len(got.Failed) != 2 || got.Registered != 3 {
		t.Errorf("%+v", got) // seen on the first day, not when it should be paid
	}
	got := h.run(t, day(20))
	if got.Paid != 1 || len(got.Failed) != 3 {
		t.Errorf("%+v", got)
	}
	for id, want := range map[string]string{"sum-1": "is not net", "window-1": "challenge window", "period-1": "end of its period"} {
		s, err := h.State(t.Context(), id)
		if err != nil || !strings.Contains(s.Problem, want) || s.Statement != id {
			t.Errorf("%s: %+v, %v", id, s, err)
		}
	}
	if got := h.balances(t)["willow-creek:mint:meadow"]; got != -9_500 {
		t.Errorf("issued %d", -got)
	}
}

// TestOverlap: a site's time is paid once in an asset, also when a new version or a new name of the method made another
// statement, and also after a restart. Other sites, other assets and the time after are not touched.
func TestOverlap(t *testing.T) {
	again, other, rejected := month("north", 1), month("north", 1), month("west", 1)
	again.ID, again.Method.Name, again.Method.Version = "north-1-v2", "renamed", "2"
	other.ID, other.Method.Name, other.Credit.Asset = "north-1-water", "water", "WATER/2"
	corrected := rejected
	corrected.ID = "west-1-corrected"
	dir := memdir.New(t)
	statements := published{again, month("north", 1), month("north", 2), other, month("south", 1), rejected, corrected}
	statements[0].ChallengeUntil = statement.Time(day(30)) // listed first, but due last
	h := open(t, dir, statements)
	h.run(t, day(0))
	number, err := h.docket.Object(t.Context(), rejected.ID, "eve", "no", day(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.docket.Resolve(t.Context(), number, challenge.Upheld, "owl", "yes", day(2)); err != nil {
		t.Fatal(err)
	}
	if got := h.run(t, day(14)); got.Paid != 5 || len(got.Failed) != 0 {
		t.Errorf("%+v", got)
	}
	for range 2 {
		got := h.run(t, day(30))
		if got.Paid != 0 || len(got.Failed) != 1 || !errors.Is(got.Failed[0].Err, settlement.ErrOverlap) || got.Failed[0].Statement != again.ID {
			t.Errorf("%+v", got)
		}
		h.close(t)
		h = open(t, dir, statements)
	}
	if got := h.balances(t)["willow-creek:mint:meadow"]; got != -4*9_500 {
		t.Errorf("issued %d", -got)
	}
	h.close(t)
}

// TestStops: a run whose context ended touches nothing more.
func TestStops(t *testing.T) {
	h := opened(t, published{month("north", 1)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.RunDue(ctx, day(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if all, err := h.docket.List(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
}
