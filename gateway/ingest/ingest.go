// Package ingest decides what becomes of a batch that arrived at the hub: evidence, or quarantine with a reason.
//
// The gateway forgets a batch on the hub's receipt only, so a receipt is given exactly when the batch is safe: stored, or
// quarantined under a signature that held. For what nobody vouches for (a stranger, a forged signature, junk) there is
// no receipt: were it a real gateway, not yet enrolled or enrolled under another key, it keeps its readings and sends
// them again. Values are not judged here: that is quality control's work, and it changes nothing.
//
// Read in this order: contract.go (what is needed of others), ingest.go (the decision), verify.go (the checks).
package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/gateway/quarantine"
	"loam/gateway/wire"
)

// DefaultMaxFuture is more than a clock that was set runs ahead.
const DefaultMaxFuture = 10 * time.Minute

// DefaultEarliest is before any reading of loam: a clock that says less has not been set.
func DefaultEarliest() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

// Config is what ingest works with.
type Config struct {
	Community  string      // whose gateways these are, for messages
	Hub        wire.Signer // signs the receipts
	Keys       Keys
	Evidence   Evidence
	Quarantine Quarantine
	Now        func() time.Time

	// Synced says whether the hub's own clock is disciplined. While it is not, readings from the future are not judged:
	// the batch stays at the gateway. Nil: always.
	Synced func() bool

	Earliest  time.Time     // no reading can be older; zero: [DefaultEarliest]
	MaxFuture time.Duration // how far a gateway's clock may run ahead of the hub's; 0: [DefaultMaxFuture]

	Log     *slog.Logger          // nil: none
	Metrics prometheus.Registerer // nil: none
}

// ErrHubClock says that the hub cannot judge times because its own clock is wrong.
var ErrHubClock = errors.New("the hub's clock is not set: check its time server")

// Ingest decides; it is safe for concurrent use, and quicker so: evidence keeps batches that arrive together in one
// transaction.
type Ingest struct {
	Config
	metrics metrics
	open    opener
}

// New returns an Ingest that works with c.
func New(c Config) *Ingest {
	if c.Earliest.IsZero() {
		c.Earliest = DefaultEarliest()
	}
	if c.MaxFuture == 0 {
		c.MaxFuture = DefaultMaxFuture
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Ingest{Config: c, metrics: newMetrics(c.Metrics), open: wire.Open}
}

// Handle decides on a batch that arrived on the topic of gateway. It returns the signed receipt to send back; nil where
// there is none to give. An error means that nothing could be decided, because the batch could be kept nowhere or the
// hub's clock is wrong: there is no receipt, and the gateway sends the batch again.
func (in *Ingest) Handle(ctx context.Context, gateway string, payload []byte) (receipt []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			receipt, err = nil, fmt.Errorf("ingest: batch on the topic of gateway %q: the hub's program failed: %v", gateway, p)
		}
		if err != nil {
			in.metrics.failed()
			in.Log.ErrorContext(ctx, "batch could be neither kept nor refused; the gateway will send it again", "community", in.Community, "gateway", gateway, "error", err)
		}
	}()
	v := in.verify(gateway, payload)
	switch {
	case v.undecided != nil:
		return nil, v.undecided
	case v.reason != "":
		return in.refuse(ctx, v, payload)
	}
	return in.keep(ctx, v)
}

// keep hands a verified batch to evidence.
func (in *Ingest) keep(ctx context.Context, v verdict) ([]byte, error) {
	now := in.Now()
	index, err := in.Evidence.Append(ctx, v.sealed, now)
	switch {
	case err == nil:
		in.metrics.stored(v.gateway, len(v.sealed.Readings), now)
	case errors.Is(err, ErrDuplicate):
		in.metrics.duplicate(v.gateway, now)
	case errors.Is(err, ErrFork):
		return in.refuse(ctx, v.because(quarantine.Fork, err), v.sealed.Bytes)
	case errors.Is(err, ErrChain):
		return in.refuse(ctx, v.because(quarantine.ChainBreak, err), v.sealed.Bytes)
	default:
		return nil, fmt.Errorf("ingest: batch %d of gateway %q: evidence is not available: %w", v.sequence, v.gateway, err)
	}
	return in.receipt(wire.Receipt{
		Gateway: v.gateway, Sequence: v.sequence, Digest: sha256.Sum256(v.sealed.Bytes), Outcome: wire.Stored, Index: index, At: now,
	})
}

// refuse puts a batch into quarantine, and gives a receipt for it only where its signature held.
func (in *Ingest) refuse(ctx context.Context, v verdict, payload []byte) ([]byte, error) {
	now := in.Now()
	err := in.Quarantine.Put(ctx, quarantine.Item{
		Received: now, Gateway: v.gateway, Reason: v.reason, Detail: v.detail, Verified: v.verified, Bytes: payload,
	})
	if err != nil {
		return nil, fmt.Errorf("ingest: batch of gateway %q was refused (%s), but quarantine is not available: %w", v.gateway, v.reason, err)
	}
	in.metrics.refused(v, now)
	if !v.verified {
		// Strangers can send as much as they like: they may fill neither the log nor the disk.
		in.Log.DebugContext(ctx, "refused", "community", in.Community, "gateway", v.gateway, "reason", v.reason, "detail", v.detail)
		return nil, nil
	}
	in.Log.WarnContext(ctx, v.reason.Explain(v.gateway), "community", in.Community, "gateway", v.gateway, "sequence", v.sequence, "reason", v.reason, "detail", v.detail)
	// The sentence and nothing else: details may speak of the hub's inside.
	return in.receipt(wire.Receipt{
		Gateway: v.gateway, Sequence: v.sequence, Digest: sha256.Sum256(payload), Outcome: wire.Quarantined, Reason: v.reason.Explain(v.gateway), At: now,
	})
}

func (in *Ingest) receipt(r wire.Receipt) ([]byte, error) {
	r.Hub, r.At = in.Hub.ID(), r.At.UTC().Truncate(time.Millisecond)
	raw, err := wire.SealReceipt(r, in.Hub)
	if err != nil {
		return nil, fmt.Errorf("ingest: receipt for batch %d of gateway %q: %w", r.Sequence, r.Gateway, err)
	}
	return raw, nil
}
