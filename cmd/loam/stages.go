package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"loam/dashboard"
	"loam/gateway/broker"
	"loam/gateway/evidence"
	"loam/gateway/identity"
	"loam/gateway/ingest"
	"loam/gateway/intake"
	"loam/gateway/projection"
	"loam/gateway/qc"
	"loam/gateway/quarantine"
	"loam/gateway/registry"
	"loam/gateway/store"
	stores "loam/gateway/store/catalog"
	"loam/gateway/wire"
	"loam/internal/config"
	"loam/internal/sqlite"
	"loam/payouts/challenge"
	"loam/payouts/ledger"
	"loam/payouts/policy"
	"loam/payouts/settlement"
	"loam/sensors/clock"
	"loam/valuation/method"
	"loam/valuation/schedule"
	"loam/valuation/statement"
)

// hubConfig is hub.toml. sample/hub.toml explains every key.
type hubConfig struct {
	Community string             `toml:"community"`
	DataDir   string             `toml:"data_dir"`
	Method    string             `toml:"method"`
	HTTP      httpConfig         `toml:"http"`
	Pages     dashboard.Settings `toml:"pages"`
	Broker    broker.Config      `toml:"broker"` // the embedded one …
	MQTT      intake.Config      `toml:"mqtt"`   // … or another
	Store     stores.Config      `toml:"store"`
	QC        []qc.Override      `toml:"qc"`
	Stewards  []registry.Steward `toml:"steward"`
	Sites     []registry.Site    `toml:"site"`
	Gateways  []registry.Gateway `toml:"gateway"`

	registry *registry.Registry
	settings qc.Settings
	method   method.Method
}

// readHubConfig reads and checks a hub.toml and the method it names. Relative paths in it are relative to its folder.
func readHubConfig(path string) (hubConfig, error) {
	var c hubConfig
	raw, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read the hub's configuration: %w", err)
	}
	if err := config.Decode(path, raw, &c); err != nil {
		return c, err
	}
	for _, p := range []*string{&c.DataDir, &c.Method, &c.Broker.CertFile, &c.Broker.KeyFile, &c.MQTT.PasswordFile, &c.MQTT.CAFile, &c.Store.TokenFile} {
		*p = relativeTo(path, *p)
	}
	if err := c.complete(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// complete checks the configuration and makes what it describes, without opening or listening to anything.
func (c *hubConfig) complete() error {
	var p config.Problems
	p.Check(c.DataDir != "", "data_dir is missing: name a folder that survives a restart, e.g. /var/lib/loam")
	switch embedded, other := c.Broker.Listen != "", c.MQTT.Broker != ""; {
	case embedded && other:
		p.Add(errors.New("[broker] listen and [mqtt] broker exclude each other: a hub uses its own broker or another"))
	case embedded:
		p.Add(c.Broker.Validate())
	case other:
		c.MQTT.Community = c.Community
		p.Add(c.MQTT.Validate())
	default:
		p.Add(errors.New("no broker: give [broker] listen for loam's own, or [mqtt] broker for another"))
	}
	p.Add(c.Store.Validate())
	var err error
	c.registry, err = registry.New(c.Community, c.Stewards, c.Sites, c.Gateways)
	p.Add(err)
	c.settings, err = qc.Defaults().With(c.QC)
	p.Add(err)
	switch raw, err := os.ReadFile(c.Method); {
	case c.Method == "":
		p.Add(errors.New("method is missing: name the file with the rules your community chose"))
	case err != nil:
		p.Add(fmt.Errorf("read the method: %w", err))
	default:
		c.method, err = method.Parse(raw)
		p.Add(wrapFile(c.Method, err))
	}
	return p.Err()
}

// hubName is the name the hub signs under.
func (c hubConfig) hubName() string { return c.Community + "-hub" }

// origin names the community's evidence log in checkpoints, for ever.
func (c hubConfig) origin() string { return "loam/" + c.Community }

// stages is everything a hub keeps, from the first verified batch to the ledger. Each owns a file in data_dir.
type stages struct {
	cfg        hubConfig
	identity   *identity.Identity
	quarantine *quarantine.Quarantine
	evidence   *evidence.Log
	ingest     *ingest.Ingest
	store      store.Store
	projection *projection.Projection
	statements *statement.Store
	schedule   *schedule.Schedule
	challenges *challenge.Docket
	ledger     *ledger.Ledger
	settlement *settlement.Settlement
}

// openStages opens the stages in the order a reading passes through them. clk is the hub's clock.
func openStages(ctx context.Context, cfg hubConfig, clk clock.Clock, log *slog.Logger, reg prometheus.Registerer) (_ *stages, err error) {
	s := &stages{cfg: cfg}
	now := func() time.Time { return clk.Now().Wall }
	defer func() {
		if errors.Is(err, sqlite.ErrDamaged) {
			err = fmt.Errorf("%w: nothing in it was changed: move it aside, with the -wal and -shm beside it, and put a backup in its place (for %s: start without, and loam rebuild)", err, stores.FileName)
		}
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	file := func(name string) string { return filepath.Join(cfg.DataDir, name) }
	if s.identity, err = identity.LoadOrCreate(keyPath(cfg.DataDir), cfg.hubName()); err != nil {
		return nil, err
	}
	if s.quarantine, err = quarantine.Open(ctx, file("quarantine.db")); err != nil {
		return nil, err
	}
	if s.evidence, err = evidence.Open(ctx, file("evidence.db"), s.identity, cfg.origin()); err != nil {
		return nil, err
	}
	s.ingest = ingest.New(ingest.Config{
		Community: cfg.Community, Hub: s.identity, Keys: cfg.registry,
		Evidence: announced{s.evidence, func() { s.projection.Wake() }}, Quarantine: s.quarantine, Now: now,
		Synced: func() bool { return clk.Now().State != clock.Unsynced }, Log: log, Metrics: reg,
	})
	if s.store, err = stores.Open(ctx, cfg.Store, cfg.DataDir); err != nil {
		return nil, err
	}
	if s.projection, err = projection.Open(ctx, file("projection.db"), projection.Config{
		Evidence: s.evidence, Registry: cfg.registry, Settings: cfg.settings, Store: s.store, Log: log, Metrics: reg,
	}); err != nil {
		return nil, err
	}
	if s.statements, err = statement.OpenStore(ctx, file("statements.db")); err != nil {
		return nil, err
	}
	if s.schedule, err = schedule.New(schedule.Config{
		Registry: cfg.registry, Settings: cfg.settings, Method: cfg.method, Evidence: s.evidence, Origin: cfg.origin(),
		Statements: s.statements, Hub: s.identity, Log: log,
	}); err != nil {
		return nil, err
	}
	if s.challenges, err = challenge.Open(ctx, file("challenges.db")); err != nil {
		return nil, err
	}
	if s.ledger, err = ledger.Open(ctx, file("ledger.db"), now); err != nil {
		return nil, err
	}
	// Any asset: a statement under the method before this one may still be in its challenge window.
	pay, err := policy.New(policy.Config{Community: cfg.Community})
	if err != nil {
		return nil, err
	}
	s.settlement = settlement.New(settlement.Config{
		Statements: provenStatements{Store: s.statements, challenges: s.challenges, hub: s.identity, proven: map[string]string{}},
		Challenges: s.challenges, Policy: pay, Ledger: s.ledger, Log: log, Metrics: reg,
	})
	return s, nil
}

// announced is the evidence log as ingest sees it: what is appended is announced, so that it is in the store at once and
// not at the projection's next poll.
type announced struct {
	*evidence.Log
	wake func()
}

// Append implements ingest.Evidence.
func (a announced) Append(ctx context.Context, s wire.Sealed, received time.Time) (uint64, error) {
	index, err := a.Log.Append(ctx, s, received)
	if err == nil {
		a.wake()
	}
	return index, err
}

// Close closes what is open, last stage first.
func (s *stages) Close() error {
	var errs []error
	closing := func(open bool, closer func() error) {
		if open {
			errs = append(errs, closer())
		}
	}
	closing(s.ledger != nil, func() error { return s.ledger.Close() })
	closing(s.challenges != nil, func() error { return s.challenges.Close() })
	closing(s.statements != nil, func() error { return s.statements.Close() })
	closing(s.projection != nil, func() error { return s.projection.Close() })
	closing(s.store != nil, func() error { return s.store.Close() })
	closing(s.evidence != nil, func() error { return s.evidence.Close() })
	closing(s.quarantine != nil, func() error { return s.quarantine.Close() })
	return errors.Join(errs...)
}

// value assesses every period that has ended and settles every statement whose window has closed.
func (s *stages) value(ctx context.Context, now time.Time) error {
	_, err := s.schedule.RunDue(ctx, now)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(err, s.settle(ctx, now))
}

// settle takes every statement as far as it can go.
func (s *stages) settle(ctx context.Context, now time.Time) error {
	report, err := s.settlement.RunDue(ctx, now)
	for _, f := range report.Failed {
		err = errors.Join(err, fmt.Errorf("statement %s: %w", f.Statement, f.Err))
	}
	return err
}

// projected says whether the store has everything that is in evidence.
func (s *stages) projected(ctx context.Context) (bool, error) {
	size, err := s.evidence.Size(ctx)
	if err != nil {
		return false, err
	}
	cursor, err := s.projection.Cursor(ctx)
	return cursor == size, err
}

// hubFlags are the two ways to name a hub's data.
type hubFlags struct{ config, data string }

func (f *hubFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.config, "config", "/etc/loam/hub.toml", "the hub's configuration")
	cmd.Flags().StringVar(&f.data, "data", "", "a folder that holds a hub.toml, such as the one of loam demo --data")
	cmd.MarkFlagsMutuallyExclusive("config", "data")
}

func (f *hubFlags) read() (hubConfig, error) {
	path := f.config
	if f.data != "" {
		path = filepath.Join(f.data, "hub.toml")
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return hubConfig{}, fmt.Errorf("there is no %s: name the hub with --config hub.toml, or the folder that holds it with --data", path)
	}
	return readHubConfig(path)
}

// open opens the stages for a command that looks or works on them beside a running hub.
func (f *hubFlags) open(cmd *cobra.Command) (*stages, error) {
	cfg, err := f.read()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(cfg.DataDir); err != nil {
		return nil, fmt.Errorf("the hub has no data yet: %w: start it once with loam hub", err)
	}
	log := warnings(cmd)
	clk, err := clock.NewSystem()
	if err != nil {
		return nil, err
	}
	return openStages(cmd.Context(), cfg, clk, log, prometheus.NewRegistry())
}

// warnings is the log of a command that talks to a person: only what they have to know.
func warnings(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}
