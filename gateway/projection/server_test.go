//go:build servers

package projection

import (
	"testing"
	"time"

	"loam/gateway/qc"
	"loam/gateway/store/influxstore"
	"loam/internal/servertest"
)

// InfluxDB is killed in the middle, comes back, and misses nothing.
func TestInfluxKilledInTheMiddle(t *testing.T) {
	server := servertest.Influx(t)
	st, err := influxstore.Open(t.Context(), influxstore.Config{URL: server.URL(), Bucket: server.Database(), Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	log, reg := &memoryLog{}, newRegistry(t, "gw-1")
	ordinary(t, log, "gw-1", 20)
	p := open(t, Config{Evidence: log, Registry: reg, Settings: qc.Defaults(), Store: st, MaxPoints: 500})
	if n, err := p.Step(t.Context()); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	server.Kill()
	if _, err := p.Step(t.Context()); err == nil || p.Alarm() == "" {
		t.Fatalf("a dead server took points: %v, alarm %q", err, p.Alarm())
	}
	server.Start()
	drain(t, p)
	want := wanted(t, log, reg, qc.Defaults())
	equal(t, contents(t, st), want)
	if p.Alarm() != "" {
		t.Errorf("alarm: %q", p.Alarm())
	}
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, contents(t, st), want)
}
