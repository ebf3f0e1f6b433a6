// Package intake is the hub's side of MQTT: it hands batches to their handler, and the handler's receipts to the gateways.
//
// It decides nothing about a batch. What it cannot hand over now it lets go: the gateway has it still, and sends again
// until it has a receipt. So nothing here has to be kept, and memory has a bound.
package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/gateway/wire"
	"loam/internal/config"
	"loam/internal/mqttlink"
	"loam/internal/name"
)

// Handler decides about a batch.
type Handler interface {
	// Handle is called for one batch of a gateway at a time, in the order they came; for several gateways at once. It
	// returns the sealed receipt, or nothing where the gateway is to get none, or an error when nothing could be
	// decided, so that the gateway sends again.
	Handle(ctx context.Context, gateway string, payload []byte) (receipt []byte, err error)
}

// Config says where the broker is, and bounds what waits for the handler.
type Config struct {
	Broker       string `toml:"broker"`  // mqtt://host[:1883], or mqtts://host[:8883] encrypted
	CAFile       string `toml:"ca_file"` // PEM certificates that may sign the broker's; empty: those of the system
	Username     string `toml:"username"`
	PasswordFile string `toml:"password_file"` // its first line is the password
	ClientID     string `toml:"client_id"`     // default: the user name; two hubs on one broker need two

	Workers    int `toml:"workers"`     // batches handled at a time (default 8)
	Queue      int `toml:"queue"`       // batches of one gateway that may wait (default 64)
	QueueBytes int `toml:"queue_bytes"` // bytes of all that wait (default 64 MiB)

	Community string           `toml:"-"`
	Password  string           `toml:"-"` // instead of PasswordFile
	Now       func() time.Time `toml:"-"` // the hub's clock; nil: the machine's
	// Reconnect bounds the pause between two attempts to connect (default 0.5 s to 30 s).
	ReconnectMin, ReconnectMax time.Duration `toml:"-"`
}

// ErrConfig is wrapped by everything that [New] refuses.
var ErrConfig = errors.New("intake is not configured right")

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value     *int
		otherwise int
	}{{&c.Workers, 8}, {&c.Queue, 64}, {&c.QueueBytes, 64 << 20}} {
		if *d.value == 0 {
			*d.value = d.otherwise
		}
	}
	if c.ClientID == "" {
		c.ClientID = c.Username
	}
	if c.ClientID == "" {
		c.ClientID = "loam-hub-" + c.Community
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate says what is wrong with the configuration, all of it at once.
func (c Config) Validate() error {
	d := c.withDefaults()
	var p config.Problems
	p.Check(c.Broker != "", "broker is missing: give mqtt://host:1883 or mqtts://host:8883")
	p.Check(name.Valid(c.Community), "community %q: %s", c.Community, name.Rule)
	p.Check(c.Password == "" || c.PasswordFile == "", "the password is given twice, in a file and without")
	p.Check(c.Username != "" || c.Password == "" && c.PasswordFile == "", "password_file is given without username")
	p.Check(d.Workers > 0 && d.Workers <= 256, "workers %d: from 1 to 256", d.Workers)
	p.Check(d.Queue > 0, "queue %d: more than 0", d.Queue)
	p.Check(d.QueueBytes >= wire.MaxSealedBytes, "queue_bytes %d: at least one batch, %d", d.QueueBytes, wire.MaxSealedBytes)
	if err := p.Err(); err != nil {
		return fmt.Errorf("intake: %w: %w", ErrConfig, err)
	}
	return nil
}

// Intake takes batches in for one community.
type Intake struct {
	cfg      Config
	handler  Handler
	link     *mqttlink.Link
	log      *slog.Logger
	metrics  *metrics
	queue    *queue
	statuses *statuses

	session atomic.Pointer[mqttlink.Session] // nil while there is no connection
	hearing atomic.Bool                      // the connection stands and the broker knows what it is to bring
	failing atomic.Int64                     // batches the handler has failed on since the last good one
	strange atomic.Bool                      // something was misaddressed, and the log says so
}

// New checks the configuration. It connects to nothing before [Intake.Run].
func New(cfg Config, handler Handler, log *slog.Logger, reg prometheus.Registerer) (*Intake, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.PasswordFile != "" {
		var err error
		if cfg.Password, err = mqttlink.ReadPassword(cfg.PasswordFile); err != nil {
			return nil, fmt.Errorf("intake: %w: %w", ErrConfig, err)
		}
	}
	link, err := mqttlink.New(mqttlink.Config{
		Broker: cfg.Broker, CAFile: cfg.CAFile, ClientID: cfg.ClientID, Username: cfg.Username, Password: cfg.Password,
		MinBackoff: cfg.ReconnectMin, MaxBackoff: cfg.ReconnectMax, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("intake: %w: %w", ErrConfig, err)
	}
	q := newQueue(cfg.Queue, cfg.QueueBytes)
	return &Intake{
		cfg: cfg, handler: handler, link: link, log: log, metrics: newMetrics(reg, q), queue: q,
		statuses: &statuses{now: cfg.Now, by: map[string]GatewayStatus{}},
	}, nil
}

// Connected reports whether a batch that is published now arrives: there is a connection, and the broker took the subscription.
func (i *Intake) Connected() bool { return i.hearing.Load() }

// Statuses returns what each gateway said of itself last, by its id.
func (i *Intake) Statuses() map[string]GatewayStatus { return i.statuses.all() }

// Run takes batches in until ctx ends, over as many connections as that takes, and returns the error of ctx.
func (i *Intake) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range i.cfg.Workers {
		workers.Go(func() { i.work(ctx) })
	}
	err := i.link.Run(ctx, i.serve)
	i.queue.wakeAll() // by hand: a function tied to the end of ctx could be called off before it began, and nobody would wake
	workers.Wait()
	return err
}

// serve works one connection.
func (i *Intake) serve(ctx context.Context, s *mqttlink.Session) error {
	i.session.Store(s) // before the first batch can come
	defer i.session.Store(nil)
	if err := s.Subscribe(ctx, i.received, wire.BatchTopic(i.cfg.Community, "+"), wire.StatusTopic(i.cfg.Community, "+")); err != nil {
		return err
	}
	i.hearing.Store(true)
	defer i.hearing.Store(false)
	i.metrics.connected.Set(1)
	defer i.metrics.connected.Set(0)
	<-ctx.Done()
	return context.Cause(ctx)
}

// received is called by the connection, and must not wait: a slow handler would otherwise cost the connection.
func (i *Intake) received(topic string, payload []byte, _ bool) {
	community, gateway, leaf, err := wire.ParseTopic(topic)
	switch {
	case err != nil || community != i.cfg.Community:
		i.misaddressed(topic)
	case leaf == wire.LeafBatch:
		if why := i.queue.put(gateway, payload); why != "" {
			i.metrics.batches.WithLabelValues(why).Inc()
		}
	case leaf == wire.LeafStatus:
		if err := i.statuses.heard(gateway, payload); err != nil {
			i.misaddressed(topic)
		}
	}
}

// misaddressed counts what cannot be used, and says so in the log once: a stranger could otherwise fill the disk.
func (i *Intake) misaddressed(topic string) {
	i.metrics.batches.WithLabelValues("misaddressed").Inc()
	if i.strange.CompareAndSwap(false, true) {
		i.log.Warn("a message that is no batch and no status is passed over; further ones are only counted", "topic", topic)
	}
}

// work hands batches to the handler until ctx ends.
func (i *Intake) work(ctx context.Context) {
	for {
		l, payload, ok := i.queue.next(ctx)
		if !ok {
			return
		}
		i.take(ctx, l.gateway, payload)
		i.queue.done(l, payload)
	}
}

// take has one batch decided on and its receipt sent.
func (i *Intake) take(ctx context.Context, gateway string, payload []byte) {
	receipt, err := i.handle(ctx, gateway, payload)
	if err != nil {
		i.metrics.batches.WithLabelValues("failed").Inc()
		if i.failing.Add(1) == 1 && ctx.Err() == nil {
			i.log.Error("batches cannot be taken in; gateways keep them and send again", "gateway", gateway, "error", err)
		}
		return
	}
	if n := i.failing.Swap(0); n > 0 {
		i.log.Info("batches can be taken in again", "failed", n)
	}
	i.metrics.batches.WithLabelValues("handled").Inc()
	if len(receipt) == 0 {
		return
	}
	result := "sent"
	if err := i.send(ctx, gateway, receipt); err != nil {
		result = "undelivered"
		i.log.Debug("a receipt was not delivered; the gateway sends its batch again", "gateway", gateway, "error", err)
	}
	i.metrics.receipts.WithLabelValues(result).Inc()
}

func (i *Intake) send(ctx context.Context, gateway string, receipt []byte) error {
	s := i.session.Load()
	if s == nil {
		return mqttlink.ErrLost
	}
	return s.Send(ctx, mqttlink.Message{Topic: wire.ReceiptTopic(i.cfg.Community, gateway), Payload: receipt})
}

// errPanic says that the handler gave up; the panic stays inside.
var errPanic = errors.New("handler panicked")

func (i *Intake) handle(ctx context.Context, gateway string, payload []byte) (receipt []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("intake: %w: %v", errPanic, p)
		}
	}()
	return i.handler.Handle(ctx, gateway, payload)
}
