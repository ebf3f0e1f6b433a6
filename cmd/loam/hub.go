package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"loam/dashboard"
	"loam/gateway/broker"
	"loam/gateway/identity"
	"loam/gateway/intake"
	"loam/sensors/clock"
)

func hubCommand() *cobra.Command {
	return roleCommand(&cobra.Command{
		Use:   "hub --config hub.toml",
		Short: "Verify, keep, value, pay and show what the gateways send",
		Example: "  loam hub --config /etc/loam/hub.toml\n" +
			"  loam hub --config hub.toml --show-key    # what gateways need as hub_key",
	}, func(path string) (role, error) {
		cfg, err := readHubConfig(path)
		return role{
			name: cfg.hubName(), keyFile: keyPath(cfg.DataDir),
			run: func(ctx context.Context, log *slog.Logger) (err error) {
				clk, err := clock.NewSystem(clock.Chrony{}, clock.Timesyncd{})
				if err != nil {
					return err
				}
				h, err := openHub(ctx, cfg, clk, log)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, h.Close()) }()
				return h.Run(ctx)
			},
		}, err
	})
}

// hub is the community's server: broker → intake → the stages → pages.
type hub struct {
	*stages
	lock     *os.File
	log      *slog.Logger
	now      func() time.Time
	metrics  *prometheus.Registry
	broker   *broker.Broker // nil where another is used
	intake   *intake.Intake
	pages    http.Handler
	progress func() (dashboard.Progress, bool) // set by a demo
	unvalued atomic.Pointer[string]            // why the last valuation or settlement failed; nil: it did not
}

// valueEvery is how often the hub looks whether a period has ended or a window has closed.
const valueEvery = 10 * time.Second

// openHub wires the role. Nothing moves until Run.
func openHub(ctx context.Context, cfg hubConfig, clk clock.Clock, log *slog.Logger) (_ *hub, err error) {
	h := &hub{log: log.With("hub", cfg.Community), now: func() time.Time { return clk.Now().Wall }, metrics: newMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	if h.lock, err = lockFolder(cfg.DataDir, "hub"); err != nil {
		return nil, err
	}
	if h.stages, err = openStages(ctx, cfg, clk, h.log, h.metrics); err != nil {
		return nil, err
	}
	uplink := cfg.MQTT
	if cfg.Broker.Listen != "" {
		access := broker.NewGatewayAccess(cfg.Community, cfg.registry)
		if h.broker, err = broker.Start(cfg.Broker, access, h.log); err != nil {
			return nil, err
		}
		uplink.Broker, uplink.Username, uplink.Password = "mqtt://"+h.broker.Addr(), access.HubUser, access.HubPassword
	}
	uplink.Community, uplink.Now = cfg.Community, h.now
	if h.intake, err = intake.New(uplink, h.ingest, h.log, h.metrics); err != nil {
		return nil, err
	}
	h.pages, err = dashboard.New(h.dashboard())
	return h, err
}

// Run serves until ctx ends.
func (h *hub) Run(ctx context.Context) error {
	h.log.Info("hub starts", "key", identity.FormatKey(h.identity.Public()), "fingerprint", h.identity.Fingerprint())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.serve(ctx) })
	group.Go(func() error { return h.valueInTime(ctx) })
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// serve takes batches in, carries evidence into the store and shows pages, until ctx ends.
func (h *hub) serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.intake.Run(ctx) })
	group.Go(func() error { return h.projection.Run(ctx) })
	if h.cfg.HTTP.Listen != "" {
		group.Go(func() error { return serve(ctx, h.cfg.HTTP.Listen, h.pages, h.log) })
	}
	return group.Wait()
}

// valueInTime values and settles as periods and windows end.
func (h *hub) valueInTime(ctx context.Context) error {
	tick := time.NewTicker(valueEvery)
	defer tick.Stop()
	for {
		err := h.value(ctx, h.now())
		if err != nil && ctx.Err() == nil {
			h.log.Error("valuation or settlement failed; it is tried again", "error", err, "again_in", valueEvery)
		}
		h.noteValued(err)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// noteValued keeps what people have to know of a valuation.
func (h *hub) noteValued(err error) {
	if err == nil {
		h.unvalued.Store(nil)
		return
	}
	first, rest, more := strings.Cut(err.Error(), "\n")
	if more {
		first += fmt.Sprintf(" (and %d more)", 1+strings.Count(rest, "\n"))
	}
	alarm := "something could not be valued or paid and is tried again: " + first
	h.unvalued.Store(&alarm)
}

// Close stops the broker and closes the stages.
func (h *hub) Close() error {
	var errs []error
	if h.broker != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		errs = append(errs, h.broker.Close(ctx))
	}
	if h.stages != nil {
		errs = append(errs, h.stages.Close())
	}
	if h.lock != nil {
		errs = append(errs, h.lock.Close())
	}
	return errors.Join(errs...)
}

// summarise fills in what the hub knows of a demo's summary.
func (h *hub) summarise(ctx context.Context, s *summary) (err error) {
	if s.Evidence, err = h.evidence.Readings(ctx); err != nil {
		return err
	}
	if s.Store, err = h.store.Count(ctx); err != nil {
		return err
	}
	if s.Quarantined, err = h.quarantine.Count(ctx); err != nil {
		return err
	}
	list, err := h.statements.List(ctx)
	if err != nil {
		return err
	}
	s.Statements = len(list)
	books, err := h.ledger.Check(ctx)
	if err != nil {
		return err
	}
	s.Balanced = books.OK()
	for _, a := range books.Assets {
		s.Paid += a.Issued
	}
	return nil
}
