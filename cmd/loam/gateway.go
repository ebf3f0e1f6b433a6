package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"loam/gateway/feed"
	"loam/gateway/health"
	"loam/gateway/homeassistant"
	"loam/gateway/identity"
	"loam/gateway/sampler"
	"loam/gateway/spool"
	"loam/gateway/uplink"
	"loam/internal/config"
	"loam/internal/name"
	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/logbook"
)

// gatewayConfig is gateway.toml. sample/gateway.toml explains every key.
type gatewayConfig struct {
	Community string          `toml:"community"`
	Gateway   string          `toml:"gateway"`
	StateDir  string          `toml:"state_dir"`
	HTTP      httpConfig      `toml:"http"`
	Sampling  samplingConfig  `toml:"sampling"`
	Batch     batchConfig     `toml:"batch"`
	Spool     spool.Config    `toml:"spool"`
	Uplink    uplink.Config   `toml:"uplink"`
	Simulate  *simulateConfig `toml:"simulate"`
	Probes    []probeConfig   `toml:"probe"`
	Feeds     []feed.Config   `toml:"feed"`

	HomeAssistant *homeassistant.Config `toml:"home_assistant"` // nil: not shown there

	guided bool // its own pages are there to finish what is missing
}

// samplingConfig says when the probes are asked.
type samplingConfig struct {
	Interval config.Duration `toml:"interval"`
	Timeout  config.Duration `toml:"timeout"`
	Battery  *batteryConfig  `toml:"battery"`
}

// batteryConfig says when a battery is spared, by the channel that measures it.
type batteryConfig struct {
	Channel  sensors.Channel `toml:"channel"`
	Below    sensors.Decimal `toml:"below"`
	Above    sensors.Decimal `toml:"above"`
	Interval config.Duration `toml:"interval"`
}

// check says what is wrong with it, beside the sampling interval and the gateway's probes.
func (b batteryConfig) check(p *config.Problems, interval time.Duration, probes []probeConfig) {
	measured := slices.ContainsFunc(probes, func(c probeConfig) bool {
		return slices.ContainsFunc(c.Channels, func(ch channelConfig) bool { return ch.ID == b.Channel })
	})
	slow := time.Duration(b.Interval)
	p.Check(measured, "[sampling] battery: no probe of this gateway has the channel %q", b.Channel)
	p.Check(b.Below.Cmp(b.Above) < 0, "[sampling] battery: below %s, above %s: saving must end higher than it begins, or it would flutter", b.Below, b.Above)
	p.Check(slow > interval && slow%interval == 0, "[sampling] battery: interval %s: use a multiple of the sampling interval, %s", slow, interval)
}

// batchConfig says when readings are signed together.
type batchConfig struct {
	Readings int             `toml:"readings"`
	MaxAge   config.Duration `toml:"max_age"`
}

func (c gatewayConfig) interval() time.Duration { return c.Sampling.Interval.Or(time.Minute) }
func (c gatewayConfig) timeout() time.Duration  { return c.Sampling.Timeout.Or(10 * time.Second) }
func (c gatewayConfig) maxAge() time.Duration   { return c.Batch.MaxAge.Or(5 * time.Minute) }

// book is where the gateway's calibrations are kept.
func (c gatewayConfig) book() logbook.Book {
	return logbook.Open(filepath.Join(c.StateDir, "calibrations"))
}

func (c gatewayConfig) batchReadings() int {
	if c.Batch.Readings == 0 {
		return 60
	}
	return c.Batch.Readings
}

// readGatewayConfig reads and checks a gateway.toml. Relative paths in it are relative to its folder.
func readGatewayConfig(path string) (gatewayConfig, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return gatewayConfig{}, fmt.Errorf("read the gateway's configuration: %w", err)
	}
	return parseGatewayConfig(path, raw)
}

// parseGatewayConfig reads and checks what is, or shall be, in the file at path.
func parseGatewayConfig(path string, raw []byte) (gatewayConfig, error) {
	var c gatewayConfig
	if err := config.Decode(path, raw, &c); err != nil {
		return c, err
	}
	c.StateDir = relativeTo(path, c.StateDir)
	c.Uplink.PasswordFile = relativeTo(path, c.Uplink.PasswordFile)
	c.Uplink.CAFile = relativeTo(path, c.Uplink.CAFile)
	if h := c.HomeAssistant; h != nil {
		h.PasswordFile, h.CAFile = relativeTo(path, h.PasswordFile), relativeTo(path, h.CAFile)
	}
	for i := range c.Feeds {
		f := &c.Feeds[i]
		f.Path, f.PasswordFile, f.CAFile = relativeTo(path, f.Path), relativeTo(path, f.PasswordFile), relativeTo(path, f.CAFile)
	}
	if err := c.validate(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func (c gatewayConfig) validate() error {
	var p config.Problems
	p.Check(name.Valid(c.Community), "community %q: %s", c.Community, name.Rule)
	p.Check(name.Valid(c.Gateway), "gateway %q: %s", c.Gateway, name.Rule)
	p.Check(c.StateDir != "", "state_dir is missing: name a folder that survives a restart, e.g. /var/lib/loam")
	p.Check(c.interval() >= time.Second, "[sampling] interval %s: at least 1s", c.interval())
	p.Check(c.timeout() > 0, "[sampling] timeout %s: more than 0", c.timeout())
	p.Check(c.batchReadings() > 0 && c.batchReadings() <= maxBatchReadings, "[batch] readings %d: 1 to %d", c.Batch.Readings, maxBatchReadings)
	p.Add(c.Spool.Validate())
	p.Check(c.maxAge() > 0, "[batch] max_age %s: more than 0", c.maxAge())
	p.Check(len(c.Probes)+len(c.Feeds) > 0 || c.HTTP.Listen != "", "no [[probe]] is listed: `loam sensors list` shows what can be; with [http] listen the pages of the gateway help to find them")
	if b := c.Sampling.Battery; b != nil {
		b.check(&p, max(c.interval(), time.Second), c.Probes)
	}
	if c.HomeAssistant != nil {
		p.Add(c.HomeAssistant.Validate())
	}
	p.Add(checkProbes(c.Probes, max(c.interval(), time.Second)))
	p.Add(checkFeeds(c.Feeds, c.Probes))
	return p.Err()
}

// maxBatchReadings keeps a sealed batch well below what the wire allows.
const maxBatchReadings = 1000

func gatewayCommand() *cobra.Command {
	return roleCommand(&cobra.Command{
		Use:   "gateway --config gateway.toml",
		Short: "Read probes, sign what they said, and bring it to the hub",
		Example: "  loam gateway --config /etc/loam/gateway.toml\n" +
			"  loam gateway --config gateway.toml --show-key    # what the hub's operator needs to enrol this gateway",
	}, func(path string) (role, error) {
		cfg, err := readGatewayConfig(path)
		return role{
			name: cfg.Gateway, keyFile: keyPath(cfg.StateDir),
			run: func(ctx context.Context, log *slog.Logger) error { return runGateway(ctx, path, cfg, log) },
		}, err
	})
}

// clock is the machine's clock, or what a simulation makes of it.
func (c gatewayConfig) clock() (clock.Clock, error) {
	system, err := clock.NewSystem(clock.Chrony{}, clock.Timesyncd{})
	if err == nil && c.Simulate != nil && c.Simulate.Synced {
		return syncedClock{system}, nil
	}
	return system, err
}

// gateway is the edge role: probes → sampler → spool → uplink, with feeds of other systems beside the probes.
type gateway struct {
	cfg      gatewayConfig
	lock     *os.File
	log      *slog.Logger
	clock    clock.Clock
	metrics  *prometheus.Registry
	identity *identity.Identity
	buses    buses
	spool    *spool.Spool
	sampler  *sampler.Sampler
	uplink   carrier
	feeds    []*feed.Feed
	mirror   *homeassistant.Mirror // nil: none is wanted
	probes   []sampler.Probe
	rhythm   health.Rhythm
	resting  atomic.Bool // it stops only to go on in a moment
}

// openGateway wires the role. Nothing moves until Run.
func openGateway(ctx context.Context, cfg gatewayConfig, clk clock.Clock, log *slog.Logger) (_ *gateway, err error) {
	g := &gateway{cfg: cfg, clock: clk, log: log.With("gateway", cfg.Gateway), metrics: newMetrics(), rhythm: health.NewRhythm(cfg.interval(), cfg.timeout())}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Close())
		}
	}()
	if !cfg.guided { // otherwise whoever guides it has the folder
		if g.lock, err = lockFolder(cfg.StateDir, "gateway"); err != nil {
			return nil, err
		}
	}
	if g.identity, err = identity.LoadOrCreate(keyPath(cfg.StateDir), cfg.Gateway); err != nil {
		return nil, err
	}
	if g.buses, err = openBuses(cfg.Simulate, clk); err != nil {
		return nil, err
	}
	if g.spool, err = spool.Open(ctx, filepath.Join(cfg.StateDir, "spool.db"), cfg.Spool, g.log); err != nil {
		return nil, err
	}
	if g.probes, err = openProbes(cfg.Probes, cfg.book(), g.buses, cfg.timeout(), clk, g.log); err != nil {
		return nil, err
	}
	g.sampler = sampler.New(g.probes, sampler.SinkFunc(g.keep), clk, g.log, g.metrics)
	if b := cfg.Sampling.Battery; b != nil {
		g.sampler.Spare(sampler.Saver{Channel: b.Channel, Below: b.Below, Above: b.Above, Every: time.Duration(b.Interval)})
	}
	if g.feeds, err = openFeeds(cfg.Feeds, g.spool, clk, g.log, g.metrics); err != nil {
		return nil, err
	}
	cfg.Uplink.Now = func() time.Time { return clk.Now().Wall }
	if cfg.guided && cfg.Uplink.Broker == "" && cfg.Uplink.HubKey == "" {
		g.uplink = nowhere{}
	} else if g.uplink, err = uplink.New(cfg.Uplink, cfg.Community, g.identity, g.spool, g.log, g.metrics); err != nil {
		return nil, err
	}
	g.openMirror()
	g.metrics.MustRegister(gatewayMetrics{g})
	return g, nil
}

// keep is where readings leave the sampler: durable first, then signed when a batch is full. What is durable is kept,
// whether it could be signed or not: to refuse it would bring it a second time.
func (g *gateway) keep(ctx context.Context, readings []sensors.Reading) error {
	if err := g.spool.Append(ctx, readings); err != nil {
		return err
	}
	if g.mirror != nil {
		g.mirror.Show(readings)
	}
	for _, r := range readings {
		g.log.Debug("spooled", "channel", r.Channel, "quantity", r.Quantity, "value", r.Value, "at_ms", r.At.Wall.UnixMilli())
	}
	if err := g.seal(ctx, false); err != nil {
		g.log.Error("readings could not be signed; they stay in the spool and are tried again", "error", err)
	}
	return nil
}

// seal signs what is in the spool; partial also signs a batch that is not full.
func (g *gateway) seal(ctx context.Context, partial bool) error {
	n, err := g.spool.Seal(ctx, g.identity, spool.Batching{Max: g.cfg.batchReadings(), Partial: partial, Now: g.clock.Now(), Hold: g.hold()})
	if n > 0 {
		g.uplink.Wake()
	}
	return err
}

// hold is how long readings wait for an unset clock. Where the hub has long been within reach and no time server was, there
// is none to wait for.
func (g *gateway) hold() time.Duration {
	const patience = 3 * time.Minute
	if g.uplink.ConnectedFor() > patience {
		return 0
	}
	return g.cfg.Spool.HoldFor()
}

// Run samples, seals and sends until ctx ends.
func (g *gateway) Run(ctx context.Context, clk clock.Clock) error {
	g.log.Info("gateway starts", "key", identity.FormatKey(g.identity.Public()), "probes", len(g.probes), "feeds", len(g.feeds), "interval", g.cfg.interval())
	if state := clk.Now().State; !state.Dated() {
		g.log.Warn("the clock is not set: readings wait to be dated by it and are not sent before; check the time server", "clock", state, "longest", g.cfg.Spool.HoldFor())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.sampler.Run(ctx, g.cfg.interval()) })
	for _, f := range g.feeds {
		group.Go(func() error { return f.Run(ctx) })
	}
	group.Go(func() error { return g.sealByAge(ctx, clk) })
	group.Go(func() error { return g.uplink.Run(ctx) })
	group.Go(func() error { return g.tellSystemd(ctx) })
	if g.mirror != nil {
		group.Go(func() error { return g.mirror.Run(ctx) })
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (g *gateway) sealByAge(ctx context.Context, clk clock.Clock) error {
	for {
		if err := clk.Sleep(ctx, g.cfg.maxAge()); err != nil {
			return err
		}
		if err := g.seal(ctx, true); err != nil && ctx.Err() == nil {
			g.log.Error("readings could not be signed; they stay in the spool and are tried again", "error", err)
		}
	}
}

// Close releases buses and files. What is in the spool stays there.
func (g *gateway) Close() error {
	var errs []error
	for _, p := range g.probes {
		// A probe that was being asked when everything stopped is closed as soon as it answers: nothing went wrong.
		if err := p.Source.Close(); !errors.Is(err, sensors.ErrBusHung) {
			errs = append(errs, err)
		}
	}
	if g.spool != nil {
		errs = append(errs, g.spool.Close())
	}
	if g.buses.Close != nil {
		errs = append(errs, g.buses.Close())
	}
	if g.lock != nil {
		errs = append(errs, g.lock.Close())
	}
	return errors.Join(errs...)
}
