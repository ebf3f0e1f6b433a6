package schedule_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/qc"
	"loam/gateway/registry"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
	"loam/valuation/fieldtest"
	"loam/valuation/method"
	"loam/valuation/schedule"
	"loam/valuation/statement"
)

var (
	start = fieldtest.Start()
	day   = 24 * time.Hour
)

// hub is a hub with its stores; its method can be replaced.
type hub struct {
	log   *evidence.Log
	store *statement.Store
}

func newHub(t *testing.T, batches ...[]wire.Sealed) *hub {
	t.Helper()
	store, err := statement.OpenStore(t.Context(), filepath.Join(t.TempDir(), "statements.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &hub{log: fieldtest.Log(t, batches...), store: store}
}

func (h *hub) schedule(t *testing.T, edit ...string) *schedule.Schedule {
	t.Helper()
	return h.over(t, h.log, edit...)
}

// over returns a schedule over another view of the evidence; edit are pairs of text to replace in the method.
func (h *hub) over(t *testing.T, e schedule.Evidence, edit ...string) *schedule.Schedule {
	t.Helper()
	m, err := method.Parse([]byte(strings.NewReplacer(edit...).Replace(fieldtest.Method)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.New(schedule.Config{
		Registry: fieldtest.Registry(t), Settings: qc.Defaults(), Method: m, Evidence: e, Origin: fieldtest.Origin,
		Statements: h.store, Hub: fieldtest.Hub(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func meadow(t *testing.T, from, to time.Time) []wire.Sealed {
	return fieldtest.NewGateway("meadow-1").Soil(t, "soil", from, to, time.Hour, 240)
}

func stream(t *testing.T, from, to time.Time) []wire.Sealed {
	return fieldtest.NewGateway("stream-1").Water(t, "water", from, to, time.Hour, 12_000)
}

// due runs the schedule and returns "site day" of what it issued.
func due(t *testing.T, s *schedule.Schedule, now time.Time) string {
	t.Helper()
	issued, err := s.RunDue(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return names(issued)
}

func names(issued []statement.Statement) string {
	var list []string
	for _, s := range issued {
		list = append(list, s.Site.ID+s.Period.From[8:10])
	}
	return strings.Join(list, " ")
}

func TestAPeriodIsDueWhenItHasSettled(t *testing.T) {
	h := newHub(t, meadow(t, start, start.Add(3*day)))
	s := h.schedule(t)
	settled := start.Add(day + time.Hour)
	if got := due(t, s, settled.Add(-time.Second)); got != "" {
		t.Errorf("issued %s before its time", got)
	}
	if got := due(t, s, settled); got != "meadow01" {
		t.Errorf("issued %q at its time", got)
	}
	if got := due(t, s, settled); got != "" {
		t.Errorf("issued %s twice", got)
	}
}

// Whether the hub ran all the time or was down for days, the same statements come out, but for the time of issue and the
// state of the log.
func TestCatchingUpComesToTheSame(t *testing.T) {
	batches := [][]wire.Sealed{meadow(t, start, start.Add(4*day)), stream(t, start.Add(day), start.Add(4*day))}
	punctual, late := newHub(t, batches...), newHub(t, batches...)
	p := punctual.schedule(t)
	for at := start; !at.After(start.Add(4*day + time.Hour)); at = at.Add(time.Hour) {
		due(t, p, at)
	}
	if got, want := due(t, late.schedule(t), start.Add(4*day+time.Hour)), "meadow01 meadow02 meadow03 meadow04 stream02 stream03 stream04"; got != want {
		t.Errorf("caught up on %s, want %s", got, want)
	}
	list, err := late.store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		b, ok, err := punctual.store.Get(t.Context(), a.ID)
		if err != nil || !ok {
			t.Fatal(a.ID, ok, err)
		}
		for _, s := range []*statement.Statement{&a, &b} {
			s.IssuedAt, s.ChallengeUntil, s.Evidence.ContentDigest = "", "", ""
		}
		x, _ := statement.Canonical(a)
		y, _ := statement.Canonical(b)
		if string(x) != string(y) {
			t.Errorf("late\n%s\npunctual\n%s", x, y)
		}
	}
}

func TestDaysWithoutDataAreStatedAndEarnNothing(t *testing.T) {
	h := newHub(t, meadow(t, start, start.Add(day)))
	issued, err := h.schedule(t).RunDue(t.Context(), start.Add(2*day+time.Hour))
	if err != nil || names(issued) != "meadow01 meadow02" {
		t.Fatal(names(issued), err)
	}
	if s := issued[0]; !s.Earns || s.Credit.Net == "0" {
		t.Errorf("a good day: %+v %v", s.Credit, s.Reasons)
	}
	s := issued[1]
	if s.Earns || s.Health != "" || s.Credit.Gross != "0" || s.Credit.Net != "0" || s.Credit.Split[0].Amount != "0" || s.Indices[0].Score != "" {
		t.Errorf("a day without data: %+v", s)
	}
	if text := strings.Join(s.Reasons, " "); !strings.Contains(text, "No verified reading of soil moisture in any of 24 hours.") || !strings.Contains(text, "Does not earn") {
		t.Errorf("reasons %q", text)
	}
}

func TestSparseDaysEarnNothing(t *testing.T) {
	h := newHub(t, meadow(t, start.Add(8*time.Hour), start.Add(day+time.Hour)))
	issued, err := h.schedule(t).RunDue(t.Context(), start.Add(day+time.Hour))
	if err != nil || len(issued) != 1 {
		t.Fatal(names(issued), err)
	}
	if s := issued[0]; s.Earns || s.Health == "" || s.Credit.Gross != "0" || !strings.Contains(strings.Join(s.Reasons, " "), "in 15 of 24 hours; the method asks for 75 %") {
		t.Errorf("%+v %v", s.Credit, s.Reasons)
	}
}

// A site has two indices in this method; the one without data is not made up for by the other.
func TestAMissingIndexIsNotMadeUpFor(t *testing.T) {
	h := newHub(t, meadow(t, start, start.Add(day)))
	issued, err := h.schedule(t, `["F1.1"]`, `["F1.1", "T4.5"]`).RunDue(t.Context(), start.Add(day+time.Hour))
	if err != nil || len(issued) != 1 {
		t.Fatal(names(issued), err)
	}
	if s := issued[0]; s.Earns || s.Health != "" || s.Indices[0].Score == "" || s.Indices[1].Score != "" || s.Classes != "1 of 6 SEEA condition classes measured" {
		t.Errorf("%+v", s)
	}
}

func TestStartOfAMethod(t *testing.T) {
	h := newHub(t, meadow(t, start, start.Add(4*day)))
	if got := due(t, h.schedule(t, `settle`, "start = \"2026-05-02T12:00:00Z\"\nsettle"), start.Add(4*day+time.Hour)); got != "meadow03 meadow04" {
		t.Errorf("issued %s", got)
	}
}

// A gateway that booted in 1970, unsynchronised, does not begin the valuation there.
func TestUnsyncedReadingsDoNotBeginTheValuation(t *testing.T) {
	g := fieldtest.NewGateway("meadow-1")
	early := g.Seal(t, clock.Unsynced, fieldtest.Reading("soil", sensors.VolumetricWaterContent, start.Add(-300*day), 240, -3))
	h := newHub(t, []wire.Sealed{early}, g.Soil(t, "soil", start, start.Add(day), time.Hour, 240))
	if got := due(t, h.schedule(t), start.Add(day+time.Hour)); got != "meadow01" {
		t.Errorf("issued %s", got)
	}
}

// A gateway that never learns the time is not passed over: its site's statements say why they earn nothing. They begin
// with the day the hub received its first batch, whatever the gateway's clock said.
func TestAGatewayThatNeverKnewTheTimeIsToldWhyItEarnsNothing(t *testing.T) {
	g := fieldtest.NewGateway("meadow-1")
	wrong := g.Seal(t, clock.Unsynced, fieldtest.Reading("soil", sensors.VolumetricWaterContent, start.Add(-300*day), 240, -3))
	h := newHub(t)
	if _, err := h.log.Append(t.Context(), wrong, start.Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	issued, err := h.schedule(t).RunDue(t.Context(), start.Add(day+time.Hour))
	if err != nil || names(issued) != "meadow01" || issued[0].Earns {
		t.Errorf("issued %s, %v", names(issued), err)
	}
}

// A new version of the method carries on where the old one stopped: no day is paid under both.
func TestANewVersionCarriesOn(t *testing.T) {
	h := newHub(t, meadow(t, start, start.Add(4*day)))
	if got := due(t, h.schedule(t), start.Add(2*day+time.Hour)); got != "meadow01 meadow02" {
		t.Errorf("version 1 issued %s", got)
	}
	next := h.schedule(t, `version = "1"`, `version = "2"`, `"0 0 * * *"`, `"0 12 * * *"`)
	issued, err := next.RunDue(t.Context(), start.Add(4*day+time.Hour))
	if err != nil || len(issued) != 1 || issued[0].Method.Version != "2" || issued[0].Period.From != "2026-05-03T12:00:00Z" {
		t.Errorf("version 2 issued %s, %v", names(issued), err)
	}
}

// broken is an evidence log that cannot read one gateway.
type broken struct {
	schedule.Evidence
	gateway string
}

var errBroken = errors.New("the disk is broken here")

func (b broken) Within(ctx context.Context, gateways []string, from, to time.Time) ([]evidence.Leaf, error) {
	if slices.Contains(gateways, b.gateway) {
		return nil, errBroken
	}
	return b.Evidence.Within(ctx, gateways, from, to)
}

func TestOneSitesFailureDoesNotStopTheOthers(t *testing.T) {
	h := newHub(t, meadow(t, start, start.Add(day)), stream(t, start, start.Add(day)))
	issued, err := h.over(t, broken{h.log, "meadow-1"}).RunDue(t.Context(), start.Add(day+time.Hour))
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "meadow") || names(issued) != "stream01" {
		t.Errorf("issued %s, error %v", names(issued), err)
	}
	if got := due(t, h.schedule(t), start.Add(day+time.Hour)); got != "meadow01" {
		t.Errorf("made up for %s", got)
	}
}

// dying is an evidence log whose program dies at the nth look into it.
type dying struct {
	schedule.Evidence
	left atomic.Int64
	die  context.CancelFunc
}

func (d *dying) Within(ctx context.Context, gateways []string, from, to time.Time) ([]evidence.Leaf, error) {
	if d.left.Add(-1) < 0 {
		d.die()
		return nil, ctx.Err()
	}
	return d.Evidence.Within(ctx, gateways, from, to)
}

// Wherever a run is cut short, the runs together issue each statement once.
func TestCutShortAnywhere(t *testing.T) {
	h := newHub(t, meadow(t, start, start.Add(3*day)), stream(t, start, start.Add(3*day)))
	var all []string
	for left := 0; len(all) < 6 && left < 400; left += 7 {
		ctx, cancel := context.WithCancel(t.Context())
		d := &dying{Evidence: h.log, die: cancel}
		d.left.Store(int64(left))
		issued, err := h.over(t, d).RunDue(ctx, start.Add(3*day+time.Hour))
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
		for _, s := range issued {
			all = append(all, s.ID)
		}
	}
	list, err := h.store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	if len(list) != 6 || len(slices.Compact(all)) != 6 {
		t.Errorf("%d statements stand, %d were returned", len(list), len(all))
	}
}

func TestConcurrentRunsIssueEachOnce(t *testing.T) {
	h := newHub(t, meadow(t, start, start.Add(3*day)), stream(t, start, start.Add(3*day)))
	var mu sync.Mutex
	var all []string
	var runs sync.WaitGroup
	for range 4 {
		s := h.schedule(t)
		runs.Go(func() {
			issued, err := s.RunDue(t.Context(), start.Add(3*day+time.Hour))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			for _, s := range issued {
				all = append(all, s.ID)
			}
		})
	}
	runs.Wait()
	slices.Sort(all)
	if len(all) != 6 || len(slices.Compact(slices.Clone(all))) != 6 {
		t.Errorf("issued %v", all)
	}
}

func TestNewRefuses(t *testing.T) {
	good := schedule.Config{Registry: fieldtest.Registry(t), Evidence: broken{}, Origin: "o", Statements: &statement.Store{}, Hub: fieldtest.Hub()}
	var err error
	if good.Method, err = method.Parse([]byte(fieldtest.Method)); err != nil {
		t.Fatal(err)
	}
	if _, err := schedule.New(good); err != nil {
		t.Fatal(err)
	}
	other, err := method.Parse([]byte("community = \"elsewhere\"\n" + fieldtest.Method))
	if err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*schedule.Config){
		"no registry": func(c *schedule.Config) { c.Registry = (*registry.Registry)(nil) },
		"no evidence": func(c *schedule.Config) { c.Evidence = nil }, "no hub": func(c *schedule.Config) { c.Hub = nil },
		"no origin": func(c *schedule.Config) { c.Origin = "" }, "no method": func(c *schedule.Config) { c.Method = method.Method{} },
		"another community's method": func(c *schedule.Config) { c.Method = other },
	} {
		c := good
		edit(&c)
		if _, err := schedule.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
