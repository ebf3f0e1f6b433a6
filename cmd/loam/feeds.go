package main

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"loam/gateway/feed"
	"loam/internal/config"
	"loam/sensors"
	"loam/sensors/clock"
)

// checkFeeds says everything that is wrong with the feeds, and with their channels beside those of the probes.
func checkFeeds(feeds []feed.Config, probes []probeConfig) error {
	var problems config.Problems
	names, channels := map[string]bool{}, map[sensors.Channel]bool{}
	for _, p := range probes {
		for _, c := range p.Channels {
			channels[c.ID] = true
		}
	}
	for i, f := range feeds {
		where := fmt.Sprintf("[[feed]] %d (%s)", i+1, f.Name)
		if err := f.Validate(); err != nil {
			problems.Add(fmt.Errorf("%s: %w", where, err))
		}
		problems.Check(!names[f.Name], "%s: give it a name no other feed has", where)
		names[f.Name] = true
		for _, c := range f.Channels {
			problems.Check(!channels[c.ID], "%s: channel %q is used twice on this gateway", where, c.ID)
			channels[c.ID] = true
		}
	}
	return problems.Err()
}

// openFeeds prepares every feed. None is listened to yet.
func openFeeds(configs []feed.Config, sink feed.Sink, clk clock.Clock, log *slog.Logger, reg prometheus.Registerer) ([]*feed.Feed, error) {
	if len(configs) == 0 {
		return nil, nil
	}
	metrics := feed.NewMetrics(reg)
	var feeds []*feed.Feed
	for _, c := range configs {
		f, err := feed.New(c, sink, clk, log, metrics)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, f)
	}
	return feeds, nil
}
