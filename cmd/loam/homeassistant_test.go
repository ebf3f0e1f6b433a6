package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/gateway/sampler"
	"loam/internal/config"
	"loam/internal/servertest"
	"loam/sensors"
)

const mirroredGateway = `
community = "willow-creek"
gateway = "brook"
state_dir = "state"
[sampling]
interval = "1s"
timeout = "1s"
[uplink]
broker = "mqtt://127.0.0.1:1"
hub_key = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
[home_assistant]
%s
[simulate]
place = "stream"
seed = 1
start = 2026-01-01
[[probe]]
name = "air"
driver = "bme280"
bus = "SIM-stream-I2C"
  [[probe.channel]]
  id = "air-temperature"
  quantity = "air_temperature"
`

// A mirror whose broker is away, or that could not even be set up, costs the gateway no reading and does not hold up its
// end.
func TestReadingsAreKeptWhateverTheMirrorDoes(t *testing.T) {
	for name, c := range map[string]struct {
		table  string
		mirror bool
	}{
		"broker away": {fmt.Sprintf("broker = \"mqtt://%s\"", servertest.FreeAddress(t)), true},
		"no password": {"username = \"u\"\npassword_file = \"none\"", false},
	} {
		t.Run(name, func(t *testing.T) {
			g, stop := runMirrored(t, c.table)
			defer stop()
			if (g.mirror != nil) != c.mirror {
				t.Errorf("mirror: %v", g.mirror != nil)
			}
			kept := 0
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				stats, err := g.spool.Stats(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if kept = stats.Readings; kept > 0 && (!c.mirror || displaced(t, g)) {
					return
				}
			}
			t.Errorf("%d readings are kept; the mirror was given more than one: %v", kept, displaced(t, g))
		})
	}
}

func runMirrored(t *testing.T, table string) (_ *gateway, stop func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.toml")
	if err := os.WriteFile(path, fmt.Appendf(nil, mirroredGateway, table), 0o600); err != nil {
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
	g, err := openGateway(t.Context(), cfg, clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx, clk) }()
	return g, func() {
		cancel()
		began := time.Now()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s to end", took)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}

// displaced says whether a reading waited for the broker and a newer one took its place.
func displaced(t *testing.T, g *gateway) bool {
	t.Helper()
	families, err := g.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "loam_homeassistant_readings_total" && strings.Contains(m.String(), "displaced") {
				return m.GetCounter().GetValue() >= 1
			}
		}
	}
	return false
}

// Home Assistant hears of a channel as its readings will be: in the calibrated quantity, at the slowest rhythm it may have.
func TestAChannelIsMirroredAsItsReadingsWillBe(t *testing.T) {
	voltage := sampler.Channel{ID: "soil", Quantity: sensors.ProbeVoltage}
	moisture := voltage
	moisture.Calibration = sensors.Calibration{Certificate: sensors.Certificate{ID: "c"}, To: sensors.VolumetricWaterContent}
	var cfg gatewayConfig
	if got := cfg.mirrored(sampler.Probe{}, voltage); got.Quantity != sensors.ProbeVoltage || got.Calibrated || got.Every != time.Minute {
		t.Errorf("%+v", got)
	}
	if got := cfg.mirrored(sampler.Probe{Every: time.Hour}, moisture); got.Quantity != sensors.VolumetricWaterContent || !got.Calibrated || got.Every != time.Hour {
		t.Errorf("%+v", got)
	}
	cfg.Sampling.Battery = &batteryConfig{Interval: config.Duration(15 * time.Minute)}
	if got := cfg.mirrored(sampler.Probe{}, voltage); got.Every != 15*time.Minute {
		t.Errorf("on a battery: %+v", got)
	}
}
