package recompute_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/gateway/qc"
	"loam/gateway/wire"
	"loam/valuation/fieldtest"
	"loam/valuation/method"
	"loam/valuation/recompute"
	"loam/valuation/schedule"
	"loam/valuation/statement"
)

// issue runs a hub over the batches until now and returns its statements and where they are kept.
func issue(t testing.TB, now time.Time, batches ...[]wire.Sealed) ([]statement.Statement, *statement.Store) {
	t.Helper()
	store, err := statement.OpenStore(t.Context(), filepath.Join(t.TempDir(), "statements.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	m, err := method.Parse([]byte(fieldtest.Method))
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.New(schedule.Config{
		Registry: fieldtest.Registry(t), Settings: qc.Defaults(), Method: m,
		Evidence: fieldtest.Log(t, batches...), Origin: fieldtest.Origin, Statements: store, Hub: fieldtest.Hub(),
	})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := s.RunDue(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return issued, store
}

func TestWhatAHubIssuesVerifies(t *testing.T) {
	start := fieldtest.Start()
	issued, store := issue(t, start.Add(73*time.Hour),
		fieldtest.NewGateway("meadow-1").Soil(t, "soil-10cm", start, start.Add(72*time.Hour), 30*time.Minute, 240),
		fieldtest.NewGateway("stream-1").Water(t, "water", start, start.Add(72*time.Hour), 30*time.Minute, 12_000),
	)
	if len(issued) != 6 {
		t.Fatalf("issued %d statements, want 3 days of 2 sites", len(issued))
	}
	for _, s := range issued {
		bundle, ok, err := store.Bundle(t.Context(), s.ID)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		r, err := recompute.Verify(bundle)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %d bytes\n%s\n%s\n%+v\n%+v", s.ID, len(bundle), strings.Join(r.Checked, "\n"), strings.Join(s.Reasons, "\n"), s.Credit, s.Excluded)
	}
}
