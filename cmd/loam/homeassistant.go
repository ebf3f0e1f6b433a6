package main

import (
	"time"

	"loam/gateway/homeassistant"
	"loam/gateway/sampler"
)

// openMirror shows readings in Home Assistant where the configuration asks for it. One that cannot be set up is left out:
// the readings matter more.
func (g *gateway) openMirror() {
	if g.cfg.HomeAssistant == nil {
		return
	}
	device := homeassistant.Device{Community: g.cfg.Community, Gateway: g.cfg.Gateway, Version: version()}
	for _, p := range g.probes {
		for _, ch := range p.Channels {
			device.Channels = append(device.Channels, g.cfg.mirrored(p, ch))
		}
	}
	cfg := g.cfg.HomeAssistant.Beside(g.cfg.Uplink.Broker, g.cfg.Uplink.CAFile)
	mirror, err := homeassistant.New(cfg, device, g.clock.Now, g.log, g.metrics)
	if err != nil {
		g.log.Error("nothing is shown in Home Assistant; the gateway goes on without", "error", err)
		return
	}
	g.mirror = mirror
}

// mirrored is a channel as its readings will be.
func (c gatewayConfig) mirrored(p sampler.Probe, ch sampler.Channel) homeassistant.Channel {
	out := homeassistant.Channel{
		ID: ch.ID, Quantity: ch.Quantity, Calibrated: ch.Calibration.ID != "", Every: max(c.interval(), p.Every),
	}
	if b := c.Sampling.Battery; b != nil {
		out.Every = max(out.Every, time.Duration(b.Interval)) // it may be spared at any time
	}
	if ch.Calibration.To != "" {
		out.Quantity = ch.Calibration.To
	}
	return out
}
