package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"loam/gateway/health"
	"loam/gateway/spool"
	"loam/gateway/uplink"
	"loam/sensors/catalog"
)

// gatewayStatus is /status.json. The page may stand on plain http: there is nothing secret in it.
type gatewayStatus struct {
	Gateway string             `json:"gateway"`
	Version string             `json:"version"`
	Spool   spool.Stats        `json:"spool"`
	Uplink  uplink.Status      `json:"uplink"`
	Probes  []health.ProbeView `json:"probes"`
	Checks  []health.Check     `json:"checks"`
}

// pages is what the gateway itself shows: its health, its spool and its metrics.
func (g *gateway) pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, r *http.Request) {
		status, err := g.status(r.Context())
		if err != nil {
			http.Error(w, "the spool cannot be read", http.StatusServiceUnavailable)
			g.log.Error("status", "error", err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status) // a reader that went away needs no answer
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(g.metrics, promhttp.HandlerOpts{}))
	return mux
}

func (g *gateway) status(ctx context.Context) (gatewayStatus, error) {
	stats, err := g.spool.Stats(ctx)
	if err != nil {
		return gatewayStatus{}, err
	}
	return gatewayStatus{
		Gateway: g.cfg.Gateway, Version: version(), Spool: stats, Uplink: g.uplink.Status(),
		Probes: g.rhythm.At(g.clock.Now()).View(g.sampler.Statuses()),
		Checks: append(g.checks(), health.Spool(stats, g.clock.Now().Wall)...),
	}, nil
}

// checks is what can be said without asking the spool.
func (g *gateway) checks() []health.Check {
	checks := g.rhythm.At(g.clock.Now()).Probes(g.sampler.Statuses())
	checks = append(checks, health.Uplink(g.uplink.Status(), g.clock.Now().Wall))
	state, err := filepath.Abs(g.cfg.StateDir)
	if err != nil { // the working folder is gone
		state = ""
	}
	return append(checks, health.This(g.clock).Checks(state, g.cfg.needs())...)
}

// needs are the buses the probes are on; simulated ones need none of this machine.
func (c gatewayConfig) needs() []health.Need {
	var needs []health.Need
	for _, p := range c.Probes {
		if m, err := catalog.Find(p.Driver); err == nil && c.Simulate == nil {
			needs = append(needs, health.Need{Kind: m.Bus, Bus: p.Bus})
		}
	}
	return needs
}

// gatewayMetrics tells Prometheus how the probes and the machine are doing, when it asks.
type gatewayMetrics struct{ g *gateway }

var (
	probeUp       = prometheus.NewDesc("loam_gateway_probe_up", "1 where the probe gives samples, 0 where it fails or is silent.", []string{"probe"}, nil)
	probeSampled  = prometheus.NewDesc("loam_gateway_probe_last_sample_timestamp_seconds", "When the probe last gave a usable sample.", []string{"probe"}, nil)
	channelUsable = prometheus.NewDesc("loam_gateway_channel_usable", "1 where the channel's readings can be believed, 0 where they are silent, flat, implausible or passed on uncalibrated.", []string{"channel", "quantity"}, nil)
	checkLevel    = prometheus.NewDesc("loam_gateway_check_level", "0 well, 1 a warning, 2 a failure; what is not known is absent. /status.json has the words.", []string{"check"}, nil)
)

// Describe implements prometheus.Collector.
func (m gatewayMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{probeUp, probeSampled, channelUsable, checkLevel} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m gatewayMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	truth := func(d *prometheus.Desc, s health.State, labels ...string) {
		switch s {
		case health.Waiting: // nobody knows yet
		case health.Good:
			gauge(d, 1, labels...)
		default:
			gauge(d, 0, labels...)
		}
	}
	for _, p := range m.g.rhythm.At(m.g.clock.Now()).View(m.g.sampler.Statuses()) {
		truth(probeUp, p.State, p.Probe)
		if p.LastGood != nil {
			gauge(probeSampled, float64(p.LastGood.UnixMilli())/1000, p.Probe)
		}
		for _, c := range p.Channels {
			truth(channelUsable, c.State, string(c.Channel), string(c.Quantity))
		}
	}
	levels := map[health.Level]float64{health.OK: 0, health.Warning: 1, health.Failure: 2}
	for _, c := range m.g.checks() {
		if v, known := levels[c.Level]; known {
			gauge(checkLevel, v, c.ID)
		}
	}
}
