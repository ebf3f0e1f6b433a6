package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"loam/dashboard"
	"loam/gateway/wire"
	"loam/sensors/clock"
)

// demoStep is how often the probes are asked in the history that the demo lives through.
const demoStep = 30 * time.Minute

// demoOptions is what the command line says.
type demoOptions struct {
	http string
	data string
	days int
	exit bool
	json bool
}

func demoCommand() *cobra.Command {
	o := demoOptions{}
	var level string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole river in one process: three simulated gateways, a broker, the hub, the pages",
		Long: "demo lives through the last days of a small watershed at high speed, by the way real readings take, and then goes\n" +
			"on at one reading a second. Only the probes are simulated: chips on virtual buses, read by the real drivers.",
		Example: "  loam demo                              # then open http://127.0.0.1:8080\n" +
			"  loam demo --days 7 --exit --json       # a week, then a summary\n" +
			"  loam demo --data ./watershed           # keep it; verify, ledger, audit and rebuild take --data ./watershed",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.days < 1 || o.days > 3660 {
				return fmt.Errorf("--days %d: 1 to 3660", o.days)
			}
			if o.json && !o.exit {
				return errors.New("--json prints a summary at the end: use it with --exit")
			}
			log, err := logger(cmd, level, false)
			if err != nil {
				return err
			}
			return runDemo(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr(), log)
		},
	}
	cmd.Flags().StringVar(&o.http, "http", "127.0.0.1:8080", "where the pages are; empty: nowhere")
	cmd.Flags().StringVar(&o.data, "data", "", "keep everything in this folder (default: a temporary one, removed at the end)")
	cmd.Flags().IntVar(&o.days, "days", 30, "how many days to live through first")
	cmd.Flags().BoolVar(&o.exit, "exit", false, "leave after the history")
	cmd.Flags().BoolVar(&o.json, "json", false, "with --exit: print a summary as one JSON object")
	cmd.Flags().StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

// runDemo starts the hub, then the gateways, lives through the history, and stays.
func runDemo(ctx context.Context, o demoOptions, out, talk io.Writer, log *slog.Logger) (err error) {
	started := time.Now()
	if o.data == "" {
		if o.data, err = os.MkdirTemp("", "loam-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.data)) }()
	}
	d, err := openDemo(ctx, o, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { return d.hub.serve(ctx) })
	for _, g := range d.gateways {
		running.Go(func() error {
			// What is published before the hub listens is sent again, but only after a while.
			if err := waitFor(ctx, func() (bool, error) { return d.hub.intake.Connected(), nil }); err != nil {
				return err
			}
			return g.uplink.Run(ctx)
		})
	}
	if o.http != "" {
		fmt.Fprintf(talk, "pages: http://%s\n", o.http)
	}
	running.Go(func() error {
		if err := d.liveThrough(ctx, talk); err != nil {
			return err
		}
		if o.exit {
			stop()
			return nil
		}
		fmt.Fprintln(talk, "the history is complete; one reading a second from now on. Stop with Ctrl-C.")
		return d.live(ctx)
	})
	if err := running.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if !o.exit || d.done() < 1 {
		return nil
	}
	return d.report(context.WithoutCancel(ctx), o.json, out, time.Since(started))
}

// demo is the watershed: a hub and three gateways, each with a clock that first runs through the history.
type demo struct {
	dir      string
	from, to time.Time // the history
	days     int
	hub      *hub
	hubClock *demoClock
	gateways []*gateway
	clocks   []*demoClock
	sampled  atomic.Int64

	// Of a demo that goes on: the newest reading there was, and that of each gateway. Zero in a new one.
	resumed    time.Time
	lastRounds []time.Time

	lived atomic.Int64 // steps done
	steps int64
	log   *slog.Logger
}

// demoWorld is what a kept demo has to remember to go on in the same watershed.
type demoWorld struct {
	Seed  int64     `json:"seed"`
	Start time.Time `json:"start"`
}

// demoSeed makes every demo the same watershed.
const demoSeed = 20260501

func openDemo(ctx context.Context, o demoOptions, log *slog.Logger) (_ *demo, err error) {
	real, err := clock.NewSystem()
	if err != nil {
		return nil, err
	}
	now := real.Now().Wall
	world, err := rememberWorld(o.data, demoWorld{Seed: demoSeed, Start: now.Truncate(24*time.Hour).AddDate(0, 0, -o.days)})
	if err != nil {
		return nil, err
	}
	d := &demo{dir: o.data, from: world.Start, to: now, days: o.days, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	files, err := layOutDemo(o.data, world, o.http)
	if err != nil {
		return nil, err
	}
	newClock := func() *demoClock {
		return &demoClock{past: clock.NewVirtual(d.from, clock.BootID{0xde, 0x30}), real: syncedClock{real}}
	}
	d.hubClock = newClock()
	hubConfig, err := readHubConfig(files.hub)
	if err != nil {
		return nil, err
	}
	hubConfig.HTTP.Listen = o.http // a kept demo may be looked at elsewhere than last time
	if hubConfig.Broker.Listen == "" {
		return nil, fmt.Errorf("%s names another broker: a demo needs its own, put [broker] listen = \"127.0.0.1:0\" back, or run loam hub and loam gateway", files.hub)
	}
	if d.hub, err = openHub(ctx, hubConfig, d.hubClock, log); err != nil {
		return nil, err
	}
	d.hub.progress = d.progress
	for _, path := range files.gateways {
		cfg, err := readGatewayConfig(path)
		if err != nil {
			return nil, err
		}
		cfg.Uplink.Broker = "mqtt://" + d.hub.broker.Addr()
		clk := newClock()
		g, err := openGateway(ctx, cfg, clk, log)
		if err != nil {
			return nil, err
		}
		d.clocks = append(d.clocks, clk)
		d.gateways = append(d.gateways, g)
	}
	if err := d.resume(ctx); err != nil {
		return nil, err
	}
	d.steps = max(1, int64(d.to.Sub(d.from)/demoStep))
	return d, nil
}

// resume goes on where a kept demo stopped, each gateway after its own newest reading: in evidence, or still in its spool
// where the demo was killed. The hub's clock stands at the newest of all, or it would take what is sent again for readings
// from the future.
func (d *demo) resume(ctx context.Context) error {
	heads, err := d.hub.evidence.Heads(ctx)
	if err != nil {
		return err
	}
	newest := map[string]time.Time{}
	for _, h := range heads {
		newest[h.Gateway] = h.LastReading
	}
	next := time.Time{} // the first round that some gateway has not lived through
	for _, g := range d.gateways {
		if err := g.seal(ctx, true); err != nil {
			return err
		}
		at, err := newestPending(ctx, g, newest[g.cfg.Gateway])
		if err != nil {
			return fmt.Errorf("the spool of gateway %s: %w", g.cfg.Gateway, err)
		}
		d.lastRounds = append(d.lastRounds, at)
		if after := at.Truncate(demoStep).Add(demoStep); next.IsZero() || after.Before(next) {
			next = after
		}
		if at.After(d.resumed) {
			d.resumed = at
		}
	}
	if next.After(d.from) {
		d.from = next
	}
	d.hubClock.past.Set(later(d.from, d.resumed))
	return nil
}

// newestPending is the latest acquisition time in the sealed batches of a gateway's spool, or at where that is later.
func newestPending(ctx context.Context, g *gateway, at time.Time) (time.Time, error) {
	for after := uint64(0); ; {
		waiting, err := g.spool.Pending(ctx, after, 64)
		if err != nil || len(waiting) == 0 {
			return at, err
		}
		for _, b := range waiting {
			opened, err := wire.Open(b.Bytes, g.identity.Public())
			if err != nil {
				return at, err
			}
			_, last := opened.Span()
			at, after = later(at, last), b.Sequence
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// rememberWorld returns the world that dir was begun with, or begins one.
func rememberWorld(dir string, begin demoWorld) (demoWorld, error) {
	path := filepath.Join(dir, "demo.json")
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(raw, &begin); err != nil {
			return begin, fmt.Errorf("%s is not a demo's memory: %w: give --data another folder", path, err)
		}
		return begin, nil
	case !errors.Is(err, fs.ErrNotExist):
		return begin, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return begin, err
	}
	raw, err = json.Marshal(begin)
	if err != nil {
		return begin, err
	}
	return begin, os.WriteFile(path, append(raw, '\n'), 0o640)
}

// done is how much of the history was lived through, 0 to 1.
func (d *demo) done() float64 { return float64(d.lived.Load()) / float64(d.steps) }

func (d *demo) progress() (dashboard.Progress, bool) {
	p := dashboard.Progress{Days: d.days, Done: d.done()}
	return p, p.Done < 1
}

// liveThrough lives through the history: at each step every gateway asks its probes, and once a day, when everything has
// arrived, the hub values the day before.
func (d *demo) liveThrough(ctx context.Context, talk io.Writer) error {
	bar := newProgress(talk, d.steps, d.days)
	defer bar.Close()
	if !d.resumed.IsZero() { // what was under way when the last life ended
		if err := d.settle(ctx); err != nil {
			return err
		}
		n, err := d.hub.evidence.Readings(ctx)
		if err != nil {
			return err
		}
		d.sampled.Store(n)
	}
	for at := d.from; at.Before(d.to); at = at.Add(demoStep) {
		d.hubClock.past.Set(later(at, d.resumed))
		if err := d.round(ctx, at); err != nil {
			return err
		}
		if at.Hour() == 1 { // yesterday's late data is in; half an hour later, so is the challenge window
			if err := d.settle(ctx); err != nil {
				return err
			}
			if err := d.hub.value(ctx, at); err != nil {
				return err
			}
		}
		d.lived.Add(1)
		bar.Add(1)
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	d.lived.Store(d.steps)
	for _, c := range slices.Concat(d.clocks, []*demoClock{d.hubClock}) {
		c.live.Store(true)
	}
	return d.hub.value(ctx, d.hubClock.Now().Wall)
}

// round asks the probes of every gateway at the same time, but for those that lived through it before they were killed.
func (d *demo) round(ctx context.Context, at time.Time) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, g := range d.gateways {
		if !at.After(d.lastRounds[i]) {
			continue
		}
		d.clocks[i].past.Set(at)
		group.Go(func() error {
			r, err := g.sampler.Round(ctx)
			d.sampled.Add(int64(r.Readings))
			return err
		})
	}
	return group.Wait()
}

// settle signs what is left in the spools and waits until the hub has receipted and stored all of it.
func (d *demo) settle(ctx context.Context) error {
	for _, g := range d.gateways {
		if err := g.seal(ctx, true); err != nil {
			return err
		}
		if err := waitFor(ctx, func() (bool, error) {
			s, err := g.spool.Stats(ctx)
			return s.Unsealed == 0 && s.Batches == 0, err
		}); err != nil {
			return fmt.Errorf("wait for the receipts of gateway %s: %w", g.cfg.Gateway, err)
		}
	}
	return waitFor(ctx, func() (bool, error) { return d.hub.projected(ctx) })
}

// waitFor asks until the answer is yes. The demo's stages run at full speed, so the answer is never far away.
func waitFor(ctx context.Context, yes func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := yes(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// live goes on at one reading a second until ctx ends.
func (d *demo) live(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, g := range d.gateways {
		group.Go(func() error { return g.sampler.Run(ctx, g.cfg.interval()) })
		group.Go(func() error { return g.sealByAge(ctx, d.clocks[i]) })
	}
	group.Go(func() error { return d.hub.valueInTime(ctx) })
	return group.Wait()
}

// summary is what `loam demo --exit --json` prints. Scripts depend on its keys.
type summary struct {
	Sampled     int64   `json:"readings_sampled"`
	Evidence    int64   `json:"readings_in_evidence"`
	Store       int64   `json:"readings_in_store"`
	Quarantined int     `json:"batches_quarantined"`
	Statements  int     `json:"statements"`
	Paid        int64   `json:"credits_paid"`
	Balanced    bool    `json:"ledger_balanced"`
	Elapsed     float64 `json:"elapsed_seconds"`
}

func (d *demo) report(ctx context.Context, asJSON bool, out io.Writer, elapsed time.Duration) error {
	s := summary{Sampled: d.sampled.Load(), Elapsed: float64(elapsed.Round(time.Millisecond)) / float64(time.Second)}
	if err := d.hub.summarise(ctx, &s); err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(s)
	}
	_, err := fmt.Fprintf(out, "%d readings sampled, %d in evidence, %d in the store; %d batches quarantined; %d statements; %d minor units paid; ledger balanced: %t; %.1f s\n",
		s.Sampled, s.Evidence, s.Store, s.Quarantined, s.Statements, s.Paid, s.Balanced, s.Elapsed)
	return err
}

// Close closes gateways and hub.
func (d *demo) Close() error {
	var errs []error
	for _, g := range d.gateways {
		errs = append(errs, g.Close())
	}
	if d.hub != nil {
		errs = append(errs, d.hub.Close())
	}
	return errors.Join(errs...)
}
