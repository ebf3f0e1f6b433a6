package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sync/errgroup"

	"loam/gateway/identity"
	"loam/gateway/kit"
	"loam/gateway/uplink"
	"loam/internal/config"
	"loam/sensors/catalog"
	"loam/sensors/clock"
	"loam/sensors/scan"
)

const (
	watchEvery = 5 * time.Second  // probes are asked while a person watches …
	watchFor   = 10 * time.Minute // … for so long
)

// field is a gateway with its own pages: they stay while the gateway within is started anew with another configuration,
// or rests while its buses are searched.
type field struct {
	path  string
	state string // the folder that is locked
	log   *slog.Logger
	clock clock.Clock

	now   atomic.Pointer[running]
	again chan struct{} // the configuration or the rhythm has changed
	jobs  chan job

	mu        sync.Mutex
	changed   bool          // by the pages, and not yet tried
	takenBack string        // why the last change did not stay
	watching  time.Time     // until when the probes are asked more often
	usual     time.Duration // between two rounds, when nobody watches
}

// running is the gateway within.
type running struct {
	gateway *gateway
	pages   http.Handler
}

// job is done while no gateway has the buses.
type job struct {
	do   func()
	done chan struct{}
}

// runGateway runs what a configuration describes; with pages where it names an address for them.
func runGateway(ctx context.Context, path string, cfg gatewayConfig, log *slog.Logger) (err error) {
	clk, err := cfg.clock()
	if err != nil {
		return err
	}
	if cfg.HTTP.Listen == "" {
		g, err := openGateway(ctx, cfg, clk, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, g.Close()) }()
		return g.Run(ctx, clk)
	}
	lock, err := lockFolder(cfg.StateDir, "gateway") // also while none runs within
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	f := &field{path: path, state: cfg.StateDir, log: log, clock: clk, again: make(chan struct{}, 1), jobs: make(chan job)}
	pages, err := f.pages(cfg)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(ctx, cfg.HTTP.Listen, pages, log) })
	group.Go(func() error { return f.run(ctx) })
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// pages are the kit's own, and what programs ask for.
func (f *field) pages(cfg gatewayConfig) (http.Handler, error) {
	id, err := identity.LoadOrCreate(keyPath(cfg.StateDir), cfg.Gateway)
	if err != nil {
		return nil, err
	}
	own, err := kit.New(kit.Config{
		File: f.path, StateDir: cfg.StateDir, Key: id.Public(), Gateway: f, Log: f.log,
		Now:      func() time.Time { return f.clock.Now().Wall },
		Announce: func(pin string) { fmt.Fprintf(os.Stderr, "setup PIN (shown once; write it on the label): %s\n", pin) },
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", own)
	for _, path := range []string{"/healthz", "/status.json", "/metrics"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if now := f.now.Load(); now != nil {
				now.pages.ServeHTTP(w, r)
				return
			}
			http.Error(w, "the gateway is starting", http.StatusServiceUnavailable)
		})
	}
	return mux, nil
}

// run lets a gateway run, again and again, until ctx ends or one fails.
func (f *field) run(ctx context.Context) error {
	for ctx.Err() == nil {
		next, err := f.once(ctx)
		if err != nil {
			return err
		}
		if next != nil {
			f.rest(next)
		}
	}
	return ctx.Err()
}

// once runs a gateway until it has to begin again, and returns what is to be done before.
func (f *field) once(ctx context.Context) (*job, error) {
	g, err := f.open(ctx)
	if err != nil || g == nil {
		return nil, err
	}
	inner, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- g.Run(inner, f.clock) }()
	f.now.Store(&running{g, g.pages()})
	var next *job
	select {
	case err = <-ended:
		f.now.Store(nil)
		return nil, errors.Join(err, g.Close())
	case <-ctx.Done():
	case <-f.again:
		g.resting.Store(true)
	case j := <-f.jobs:
		g.resting.Store(true)
		next = &j
	case <-f.watched():
		g.resting.Store(true)
	}
	f.now.Store(nil)
	stop()
	if err := errors.Join(<-ended, g.Close()); err != nil && next != nil {
		close(next.done)
		return nil, err
	} else {
		return next, err
	}
}

// open reads the configuration and wires a gateway. A change by the pages that does not work is taken back: then there is
// none yet, and no error.
func (f *field) open(ctx context.Context) (*gateway, error) {
	cfg, err := readGatewayConfig(f.path)
	if err == nil && cfg.StateDir != f.state {
		err = fmt.Errorf("%s: state_dir was %s and is %s now: restart the gateway's service", f.path, f.state, cfg.StateDir)
	}
	var g *gateway
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		cfg.HTTP.Listen, cfg.guided = "", true // the pages are here
		f.usual = cfg.interval()
		if f.clock.Now().Wall.Before(f.watching) && cfg.interval() > watchEvery {
			cfg.Sampling.Interval = config.Duration(watchEvery)
		}
		g, err = openGateway(ctx, cfg, f.clock, f.log)
	}
	if err == nil || !f.changed || ctx.Err() != nil {
		if err == nil && f.changed {
			f.takenBack = ""
		}
		f.changed = false
		return g, err
	}
	f.changed, f.takenBack = false, err.Error()
	f.log.Error("the change by the setup pages does not work and is taken back", "error", err)
	if err := kit.Restore(f.path); err != nil {
		return nil, err
	}
	return nil, nil
}

// watched tells when nobody watches any more.
func (f *field) watched() <-chan time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if left := f.watching.Sub(f.clock.Now().Wall); left > 0 {
		return time.After(left)
	}
	return nil
}

// rest does a job while no gateway runs. systemd hears of it: nothing has stalled.
func (f *field) rest(j *job) {
	defer close(j.done)
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err == nil && watchdog > 0 {
		beat := time.NewTicker(watchdog / 3)
		defer beat.Stop()
		finished := make(chan struct{})
		defer close(finished)
		go func() {
			for {
				select {
				case <-finished:
					return
				case <-beat.C:
					_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog) // without systemd nobody listens
				}
			}
		}()
	}
	j.do()
}

// Restart implements [kit.Gateway].
func (f *field) Restart() {
	f.mu.Lock()
	f.changed = true
	f.mu.Unlock()
	f.begin()
}

// Watch implements [kit.Gateway].
func (f *field) Watch() {
	f.mu.Lock()
	f.watching = f.clock.Now().Wall.Add(watchFor)
	f.mu.Unlock()
	f.begin()
}

func (f *field) begin() {
	f.now.Store(nil) // a page that is asked for now waits for the new gateway
	select {
	case f.again <- struct{}{}:
	default: // it will begin again anyway
	}
}

// Check implements [kit.Gateway].
func (f *field) Check(raw []byte) error {
	_, err := parseGatewayConfig(f.path, raw)
	return err
}

// Ports implements [kit.Gateway].
func (f *field) Ports() ([]scan.SerialPort, error) { return scan.SerialPorts("/") }

// Scan implements [kit.Gateway].
func (f *field) Scan(ctx context.Context, ports []kit.Port) (found []scan.Found, err error) {
	j := job{done: make(chan struct{}), do: func() { found, err = f.look(ctx, ports) }}
	err = errors.New("the gateway could not be stopped for it") // unless the job is done
	select {
	case f.jobs <- j:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	<-j.done
	return found, err
}

func (f *field) look(ctx context.Context, ports []kit.Port) (_ []scan.Found, err error) {
	cfg, err := readGatewayConfig(f.path)
	if err != nil {
		return nil, err
	}
	b, err := openBuses(cfg.Simulate, f.clock)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	var o scanOptions
	for _, p := range ports {
		switch p.Kind {
		case "modbus":
			o.modbus = append(o.modbus, p.Name)
		case "sdi-12":
			o.sdi12 = append(o.sdi12, p.Name)
		case "uart":
			o.uart = append(o.uart, p.Name)
		}
	}
	return o.look(ctx, scan.Scanner{Models: catalog.Models(), Clock: f.clock, Timeout: cfg.timeout(), Ports: b.serial})
}

// Status implements [kit.Gateway].
func (f *field) Status(ctx context.Context) (kit.Status, error) {
	now := f.now.Load()
	if now == nil {
		return kit.Status{}, kit.ErrStarting
	}
	g := now.gateway
	s, err := g.status(ctx)
	if err != nil && f.now.Load() != now {
		err = kit.ErrStarting // it was closed while it was asked
	}
	if err != nil {
		return kit.Status{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := kit.Status{
		Community: g.cfg.Community, Gateway: g.cfg.Gateway, Version: s.Version, Broker: g.cfg.Uplink.Broker, HubKey: g.cfg.Uplink.HubKey,
		Interval: f.usual, Watching: f.clock.Now().Wall.Before(f.watching),
		Views: s.Probes, Checks: s.Checks, Spool: s.Spool, Uplink: s.Uplink, Clock: f.clock.Now(), TakenBack: f.takenBack,
	}
	for _, p := range g.cfg.Probes {
		title := p.Driver
		if m, err := catalog.Find(p.Driver); err == nil {
			title = m.Title
		}
		out.Probes = append(out.Probes, kit.Probe{Name: p.Name, Title: title, Bus: p.Bus, Address: string(p.Address)})
	}
	return out, nil
}

// carrier is what a gateway needs of its uplink.
type carrier interface {
	Wake()
	ConnectedFor() time.Duration
	Status() uplink.Status
	Run(ctx context.Context) error
}

// nowhere is the uplink of a gateway that was not told its hub yet: what is measured waits in the spool.
type nowhere struct{}

func (nowhere) Wake()                       {}
func (nowhere) ConnectedFor() time.Duration { return 0 }
func (nowhere) Status() uplink.Status       { return uplink.Status{} }
func (nowhere) Run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
