package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/gateway/kit"
)

const unfinished = `community = "willow-creek"
gateway = "meadow"
state_dir = "state"

[http]
listen = "127.0.0.1:0"

[simulate]
place = "meadow"
seed = 1
start = 2026-05-01
`

const oneProbe = unfinished + `
[[probe]]
name = "air"
driver = "bme280"
bus = "SIM-meadow-I2C"
address = "0x76"

  [[probe.channel]]
  id = "air-temperature"
  quantity = "air_temperature"
`

// inTheField runs a gateway with pages, as after its first boot.
func inTheField(t *testing.T) *field {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.toml")
	if err := os.WriteFile(path, []byte(unfinished), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := readGatewayConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	clk, err := cfg.clock()
	if err != nil {
		t.Fatal(err)
	}
	f := &field{path: path, state: cfg.StateDir, log: slog.New(slog.DiscardHandler), clock: clk, again: make(chan struct{}, 1), jobs: make(chan job)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return f
}

// until waits for a status.
func (f *field) until(t *testing.T, what string, is func(kit.Status) bool) kit.Status {
	t.Helper()
	var s kit.Status
	var err error
	for range 900 {
		if s, err = f.Status(t.Context()); err == nil && is(s) {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s does not come about: %+v, %v", what, s, err)
	return s
}

// A gateway without probes and hub runs for its pages alone; the buses are searched while it rests; probes taken on are
// asked, and asked more often while somebody watches.
func TestAGatewayIsFinishedWhileItRuns(t *testing.T) {
	f := inTheField(t)
	f.until(t, "a start without probes", func(s kit.Status) bool { return len(s.Probes) == 0 && s.Broker == "" })
	found, err := f.Scan(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[1].Address != 0x76 || found[1].Candidates[0].Model.Name != "bme280" {
		t.Fatalf("found %+v", found)
	}
	f.until(t, "a start after the search", func(kit.Status) bool { return true })
	if err := f.Check([]byte(oneProbe)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path, []byte(oneProbe), 0o600); err != nil {
		t.Fatal(err)
	}
	f.Restart()
	f.until(t, "a start with a probe", func(s kit.Status) bool { return len(s.Probes) == 1 })
	f.Watch()
	s := f.until(t, "a first value, kept although no hub is known", func(s kit.Status) bool {
		return s.Watching && len(s.Views) == 1 && s.Views[0].Channels[0].Value != nil && s.Spool.Readings > 0
	})
	if s.Interval != time.Minute {
		t.Errorf("the usual interval is %s", s.Interval)
	}
}

// A change that passes the check and does not work is taken back, and the page can say why.
func TestAChangeThatDoesNotWorkIsTakenBack(t *testing.T) {
	f := inTheField(t)
	f.until(t, "a start", func(kit.Status) bool { return true })
	broken := strings.Replace(unfinished, `"meadow"
state_dir`, `"other"
state_dir`, 1) + "\n[uplink]\nbroker = \"mqtt://127.0.0.1:1\"\nhub_key = \"none\"\n"
	if err := f.Check([]byte(broken)); err != nil {
		t.Fatalf("the check knows this mistake by itself now, so find another one that only opening shows: %v", err)
	}
	if err := errors.Join(os.WriteFile(f.path+".bak", []byte(unfinished), 0o600), os.WriteFile(f.path, []byte(broken), 0o600)); err != nil {
		t.Fatal(err)
	}
	f.Restart()
	s := f.until(t, "the earlier configuration", func(s kit.Status) bool { return s.TakenBack != "" })
	if s.Gateway != "meadow" || !strings.Contains(s.TakenBack, "hub_key") {
		t.Errorf("gateway %s, taken back because %q", s.Gateway, s.TakenBack)
	}
	if raw, err := os.ReadFile(f.path); err != nil || string(raw) != unfinished {
		t.Errorf("the file is not as it was: %v\n%s", err, raw)
	}
}
