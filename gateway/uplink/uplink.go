// Package uplink carries batches from a gateway's spool to the hub, and the hub's receipts back.
//
// A batch is forgotten on one thing only: a receipt that the hub signed and that names the batch's digest. The broker's
// acknowledgement means nothing, a lost message is sent again, a message that arrives twice changes nothing at the hub.
package uplink

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/gateway/identity"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/internal/mqttlink"
	"loam/internal/name"
)

// Spool is where batches wait for their receipts.
type Spool interface {
	// Pending returns up to limit sealed batches with a sequence above after, in sequence order.
	Pending(ctx context.Context, after uint64, limit int) ([]wire.Sealed, error)
	// Settle forgets the batch that the receipt is for, and reports whether there was such a batch.
	Settle(ctx context.Context, r wire.Receipt) (forgot bool, err error)
	// Stats says what is waiting.
	Stats(ctx context.Context) (spool.Stats, error)
}

// Status is how the uplink is doing.
type Status struct {
	Connected   bool      `json:"connected"`
	Since       time.Time `json:"since"` // of the connection, or of its loss
	InFlight    int       `json:"in_flight"`
	LastReceipt time.Time `json:"last_receipt"` // zero: none yet
	BytesSent   uint64    `json:"bytes_sent"`
	Sent        uint64    `json:"sent"`   // batches, those sent again included
	Resent      uint64    `json:"resent"` // batches sent again
	Stored      uint64    `json:"stored"` // receipts by what the hub did
	Quarantined uint64    `json:"quarantined"`
	Refused     uint64    `json:"refused"` // receipts that were not the hub's word about one of our batches
	Traffic     Traffic   `json:"traffic"` // all of it, not only batches
}

// Uplink is one gateway's way to its hub.
type Uplink struct {
	cfg       Config
	community string
	gateway   string
	hub       ed25519.PublicKey
	spool     Spool
	link      *mqttlink.Link
	log       *slog.Logger
	metrics   *metrics

	wake     chan struct{}
	receipts chan []byte
	window   *window
	lanes    lanes
	pace     pace
	began    time.Time // of this connection, as the last will says it

	mu     sync.Mutex
	status Status

	connectedAt time.Time // with its monotonic part
}

// New checks the configuration. It connects to nothing before [Uplink.Run].
func New(cfg Config, community string, signer wire.Signer, s Spool, log *slog.Logger, reg prometheus.Registerer) (*Uplink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if !name.Valid(community) || !name.Valid(signer.ID()) {
		return nil, fmt.Errorf("uplink: %w: community %q and gateway %q: %s", ErrConfig, community, signer.ID(), name.Rule)
	}
	hub, err := identity.ParseKey(cfg.HubKey)
	if err != nil {
		return nil, fmt.Errorf("uplink: %w: hub_key: %w", ErrConfig, err)
	}
	u := &Uplink{
		cfg: cfg, community: community, gateway: signer.ID(), hub: hub, spool: s, log: log,
		metrics: newMetrics(reg, signer.ID()),
		wake:    make(chan struct{}, 1), receipts: make(chan []byte, max(4*cfg.Window, 64)),
		window: newWindow(cfg.Window, cfg.ResendAfter.Or(0), cfg.ResendMax.Or(0), rand.Float64),
		lanes:  lanes{spool: s, ahead: cfg.Window},
		pace:   pace{rate: cfg.BacklogRate, every: cfg.SendEvery.Or(0)},
	}
	link, err := cfg.link(community, signer)
	if err != nil {
		return nil, err
	}
	link.Will, link.Log, link.Count = u.will, log, u.traffic
	if u.link, err = mqttlink.New(link); err != nil {
		return nil, fmt.Errorf("uplink: %w: %w", ErrConfig, err)
	}
	return u, nil
}

// Wake says that something was sealed. It never waits.
func (u *Uplink) Wake() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// Status returns how the uplink is doing.
func (u *Uplink) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.status
	s.Traffic.turn(u.cfg.Now())
	return s
}

// traffic counts what goes over the connection.
func (u *Uplink) traffic(sent, received int) {
	now := u.cfg.Now()
	u.note(func(s *Status) { s.Traffic.add(now, sent, received) })
	u.metrics.traffic.WithLabelValues("sent").Add(float64(sent))
	u.metrics.traffic.WithLabelValues("received").Add(float64(received))
}

// ConnectedFor is how long the present connection has stood; 0 where there is none. It does not go by the gateway's wall
// clock, which may be set meanwhile.
func (u *Uplink) ConnectedFor() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.status.Connected {
		return 0
	}
	return time.Since(u.connectedAt)
}

// note changes the status.
func (u *Uplink) note(change func(*Status)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.status)
}

// Run carries batches until ctx ends, over as many connections as that takes, and returns the error of ctx. It may be
// called once.
func (u *Uplink) Run(ctx context.Context) error { return u.link.Run(ctx, u.serve) }

// serve works one connection.
func (u *Uplink) serve(ctx context.Context, s *mqttlink.Session) error {
	if err := s.Subscribe(ctx, u.received, wire.ReceiptTopic(u.community, u.gateway)); err != nil {
		return err
	}
	if err := u.report(ctx, Online, s.Publish); err != nil {
		return err
	}
	u.connected(true)
	defer u.connected(false)
	u.window.allDue()
	err := u.carry(ctx, s)
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), mqttlink.ErrLost) {
		// Told to stop with the connection still up: say goodbye, in a moment of our own.
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTime)
		defer cancel()
		if err := u.report(bye, Offline, s.Publish); err != nil {
			u.log.Warn("the hub was not told that this gateway stops; the broker will tell it", "error", err)
		}
	}
	return err
}

// goodbyeTime bounds how long a stopping gateway waits to be heard.
const goodbyeTime = 2 * time.Second

func (u *Uplink) connected(is bool) {
	u.note(func(s *Status) { s.Connected, s.Since, u.connectedAt = is, u.cfg.Now().UTC(), time.Now() })
	u.metrics.connected.Set(map[bool]float64{true: 1}[is])
}

// received is called by the connection, and must not wait. A receipt that does not fit is as good as lost: its batch is
// sent again.
func (u *Uplink) received(_ string, payload []byte, _ bool) {
	select {
	case u.receipts <- payload:
	default:
		u.metrics.receipts.WithLabelValues("dropped").Inc()
	}
}

// will is the last will of the next connection.
func (u *Uplink) will() *mqttlink.Message {
	u.began = u.cfg.Now().UTC()
	raw, err := Report{Gateway: u.gateway, State: Offline, Since: u.began}.Encode()
	if err != nil {
		u.log.Error("no last will", "error", err)
		return nil
	}
	return &mqttlink.Message{Topic: wire.StatusTopic(u.community, u.gateway), Payload: raw, Retained: true}
}

// report tells the hub how the gateway is, by one of the session's ways of sending.
func (u *Uplink) report(ctx context.Context, state string, send func(context.Context, mqttlink.Message) error) error {
	now := u.cfg.Now().UTC()
	r := Report{Gateway: u.gateway, State: state, Since: u.began, Time: &now}
	if stats, err := u.spool.Stats(ctx); err != nil {
		u.log.Error("the spool does not say what is waiting", "error", err)
	} else {
		r.Spool = waiting(stats)
	}
	raw, err := r.Encode()
	if err != nil {
		return err
	}
	return send(ctx, mqttlink.Message{Topic: wire.StatusTopic(u.community, u.gateway), Payload: raw, Retained: true})
}

func waiting(s spool.Stats) *Waiting {
	w := &Waiting{Unsealed: s.Unsealed, Batches: s.Batches, Readings: s.Readings, Bytes: s.Bytes}
	if !s.Oldest.IsZero() {
		oldest := s.Oldest.UTC()
		w.Oldest = &oldest
	}
	if t := s.Thinned; t.Batches > 0 {
		w.Thinned = &Thinned{Batches: t.Batches, Readings: t.Readings, Kept: t.Kept, From: t.From, To: t.To}
	}
	return w
}
