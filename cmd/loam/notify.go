package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"loam/gateway/health"
)

// stallAfter is how much later than it should sampling may turn before it counts as stalled, beyond the time a probe may
// take: a worn card can keep a commit waiting for many seconds.
const stallAfter = 30 * time.Second

// statusEvery is how often systemd is told how the gateway is doing, where it has no watchdog that asks more often.
const statusEvery = 30 * time.Second

// tellSystemd says that the gateway is up, how it is doing, and that sampling turns; and when it stops. Without systemd it
// does nothing.
func (g *gateway) tellSystemd(ctx context.Context) error {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		g.log.Error("systemd's word on its watchdog makes no sense; it is not fed", "error", err)
	}
	w := watch{
		watchdog: watchdog,
		stalled:  func() error { return g.sampler.Stalled(g.cfg.timeout() + stallAfter) },
		status:   g.statusLine,
		send:     func(state string) { g.notify(state) },
		failed: func(err error) {
			g.log.Error("the watchdog is not fed, so systemd will start the gateway anew", "error", err)
		},
	}
	return w.run(ctx)
}

func (g *gateway) notify(state string) {
	if state == daemon.SdNotifyStopping && g.resting.Load() {
		return // systemd would take it for the end
	}
	if _, err := daemon.SdNotify(false, state); err != nil {
		g.log.Debug("systemd could not be told", "error", err)
	}
}

// statusLine is what `systemctl status` shows.
func (g *gateway) statusLine(ctx context.Context) string {
	views := g.rhythm.At(g.clock.Now()).View(g.sampler.Statuses())
	wrong := 0
	for _, v := range views {
		if v.State == health.Failing || v.State == health.Silent {
			wrong++
		}
	}
	line := fmt.Sprintf("%d of %d probes answer", len(views)-wrong, len(views))
	if stats, err := g.spool.Stats(ctx); err == nil {
		line += fmt.Sprintf("; %d readings wait for the hub", stats.Readings)
	}
	if g.uplink.Status().Connected {
		return line + "; connected"
	}
	return line + "; not connected"
}

// watch tells systemd how a service is doing.
type watch struct {
	watchdog time.Duration // systemd restarts a service that was not heard for so long; 0: never
	stalled  func() error  // whether the service's work still turns; the watchdog is fed only where it does
	status   func(context.Context) string
	send     func(state string)
	failed   func(error)
}

// run tells until ctx ends. The feed is a word on the work, not on this loop: where the work has stalled, none is sent.
func (w watch) run(ctx context.Context) error {
	every := statusEvery
	if w.watchdog > 0 {
		every = min(every, w.watchdog/3) // two may be late
	}
	beat := time.NewTicker(every)
	defer beat.Stop()
	w.send(daemon.SdNotifyReady)
	for {
		line := ""
		if err := w.stalled(); err != nil {
			w.failed(err)
			line = "stalled: " + err.Error()
		} else {
			if w.watchdog > 0 {
				w.send(daemon.SdNotifyWatchdog) // first: what comes after may have to wait for the disk
			}
			status, cancel := context.WithTimeout(ctx, every/2)
			line = w.status(status)
			cancel()
		}
		w.send("STATUS=" + strings.ReplaceAll(line, "\n", " "))
		select {
		case <-ctx.Done():
			w.send(daemon.SdNotifyStopping)
			return ctx.Err()
		case <-beat.C:
		}
	}
}
