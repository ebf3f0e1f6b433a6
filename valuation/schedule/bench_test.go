package schedule_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"loam/gateway/identity"
	"loam/gateway/qc"
	"loam/gateway/registry"
	"loam/valuation/fieldtest"
	"loam/valuation/method"
	"loam/valuation/schedule"
	"loam/valuation/statement"
)

// BenchmarkSites values n sites over one period of 90 days of hourly readings, from the evidence log to the signed bundle
// in the store. Time must be linear in sites, memory flat.
func BenchmarkSites(b *testing.B) {
	for _, n := range []int{10, 40} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkSites(b, n) })
	}
}

func benchmarkSites(b *testing.B, n int) {
	const days = 90
	season := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	end := season.Add(days * day)
	log := fieldtest.Log(b)
	var sites []registry.Site
	var gateways []registry.Gateway
	for i := range n {
		id := fmt.Sprintf("site-%d", i)
		sites = append(sites, registry.Site{
			ID: id, Name: id, Ecosystem: "T4.5", AreaM2: 10_000, Steward: "asha", Outline: []registry.Coordinate{{8, 47}, {8, 48}, {9, 48}},
		})
		g := fieldtest.NewGateway(id)
		gateways = append(gateways, registry.Gateway{ID: id, Name: id, Site: id, Key: identity.FormatKey(g.Public())})
		fieldtest.Append(b, log, g.SoilBy(b, "soil", season, end, time.Hour, 240, 60*time.Hour))
	}
	r, err := registry.New("willow-creek", []registry.Steward{{ID: "asha", Name: "Asha"}}, sites, gateways)
	if err != nil {
		b.Fatal(err)
	}
	m, err := method.Parse([]byte(strings.Replace(fieldtest.Method, `cron = "0 0 * * *"`, `cron = "0 0 1 4,7 *"`, 1) + "\n"))
	if err != nil {
		b.Fatal(err)
	}
	from, to := m.Containing(season)
	if from != season || to.After(end.Add(2*day)) {
		b.Fatal(from, to)
	}
	var stats runtime.MemStats
	b.ResetTimer()
	for b.Loop() {
		store, err := statement.OpenStore(b.Context(), filepath.Join(b.TempDir(), "statements.db"))
		if err != nil {
			b.Fatal(err)
		}
		s, err := schedule.New(schedule.Config{
			Registry: r, Settings: qc.Defaults(), Method: m, Evidence: log, Origin: fieldtest.Origin, Statements: store, Hub: fieldtest.Hub(),
		})
		if err != nil {
			b.Fatal(err)
		}
		issued, err := s.RunDue(b.Context(), to.Add(time.Hour))
		if err != nil || len(issued) != n || !issued[0].Earns {
			b.Fatal(len(issued), err, issued[0].Reasons)
		}
		store.Close()
	}
	runtime.ReadMemStats(&stats)
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*n), "ms/site")
	b.ReportMetric(float64(stats.Sys)/1e6, "MB-sys")
}
