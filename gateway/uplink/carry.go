package uplink

import (
	"context"
	"fmt"
	"time"

	"loam/gateway/wire"
	"loam/internal/mqttlink"
)

// sender is what carry needs of a connection.
type sender interface {
	Send(ctx context.Context, m mqttlink.Message) error
}

// carry sends batches and settles receipts over one connection, until ctx ends or the connection is no good.
func (u *Uplink) carry(ctx context.Context, s sender) error {
	stats, err := u.spool.Stats(ctx)
	if err != nil {
		return fmt.Errorf("uplink: spool: %w", err)
	}
	u.lanes.reset(stats.Next)
	report := time.NewTicker(u.cfg.StatusEvery.Or(0))
	defer report.Stop()
	poll := time.NewTicker(u.cfg.PollEvery.Or(0))
	defer poll.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	heard := time.Now() // of the last receipt, or since when one could have come
	for {
		if err := u.send(ctx, s); err != nil {
			return err
		}
		if len(u.window.flights) == 0 {
			heard = time.Now()
		}
		if next, waiting := u.next(time.Now()); waiting {
			again.Reset(time.Until(next))
		} else {
			again.Stop()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case raw := <-u.receipts:
			if u.settleAll(ctx, raw) {
				heard = time.Now()
			}
		case <-u.wake:
			u.lanes.woken()
		case <-again.C:
			if quiet := time.Since(heard); quiet > u.cfg.StallAfter.Or(0) {
				return fmt.Errorf("uplink: %d batches are under way and no receipt came for %s", len(u.window.flights), quiet.Round(time.Second))
			}
		case <-poll.C:
			u.lanes.woken()
			if len(u.window.flights) == 0 {
				u.lanes.rewind()
			}
		case <-report.C:
			if err := u.report(ctx, Online, s.Send); err != nil {
				return err
			}
		}
	}
}

// next returns when something is to be done though nobody says so: a batch is due again, or more may go than may now.
func (u *Uplink) next(now time.Time) (time.Time, bool) {
	next, waiting := u.window.next()
	if at, paced := u.pace.next(now); paced && (!waiting || at.Before(next)) {
		return at, true
	}
	return next, waiting
}

// send puts as much under way as the window holds and the pace allows, and sends what is due.
func (u *Uplink) send(ctx context.Context, s sender) error {
	now := time.Now()
	if u.pace.open(now) {
		if err := u.fill(ctx, now); err != nil {
			return err
		}
		if len(u.window.flights) == 0 && u.lanes.dry() {
			u.pace.done(now)
		}
	}
	for _, f := range u.window.due(now) {
		if err := s.Send(ctx, mqttlink.Message{Topic: wire.BatchTopic(u.community, u.gateway), Payload: f.bytes}); err != nil {
			return err
		}
		u.window.hasSent(f, now)
		u.countSent(f)
	}
	return nil
}

// fill puts batches under way. A quarter of the window is kept for what is sealed now.
func (u *Uplink) fill(ctx context.Context, now time.Time) error {
	for free := u.window.free(); free > 0; free-- {
		b, ok, err := u.lanes.take(ctx, u.window.has, free <= u.cfg.Window/4 || !u.pace.backlog(now))
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			u.log.Error("the spool cannot be read; trying again", "error", err)
			return nil // at the next poll, receipt or wake
		}
		if !ok {
			return nil
		}
		if !u.lanes.isLive(b.Sequence) {
			u.pace.took(now, len(b.Bytes))
		}
		u.window.add(b)
	}
	return nil
}

func (u *Uplink) countSent(f *flight) {
	u.metrics.sent.Inc()
	u.metrics.bytes.Add(float64(len(f.bytes)))
	again := f.sent > 1
	if again {
		u.metrics.resent.Inc()
	}
	u.note(func(s *Status) {
		s.Sent++
		s.BytesSent += uint64(len(f.bytes))
		s.InFlight = len(u.window.flights)
		if again {
			s.Resent++
		}
	})
}

// settleAll settles a receipt and those that came with it, and reports whether any was good.
func (u *Uplink) settleAll(ctx context.Context, raw []byte) (good bool) {
	for {
		good = u.settle(ctx, raw) || good
		select {
		case raw = <-u.receipts:
		default:
			u.metrics.inFlight.Set(float64(len(u.window.flights)))
			u.note(func(s *Status) { s.InFlight = len(u.window.flights) })
			return good
		}
	}
}

// settle forgets a batch if raw is the hub's word about it, and reports whether it is.
func (u *Uplink) settle(ctx context.Context, raw []byte) bool {
	r, err := wire.OpenReceipt(raw, u.hub)
	f := u.window.find(r)
	switch {
	case err != nil:
		return u.refuse("it was not signed by the hub", "error", err)
	case r.Gateway != u.gateway:
		return u.refuse("it is for another gateway", "for", r.Gateway)
	case f != nil && f.digest != r.Digest:
		return u.refuse("it is for other bytes than this batch's", "sequence", r.Sequence)
	}
	// A connection that is lost meanwhile, or a stop, does not keep a good receipt from being kept.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	forgot, err := u.spool.Settle(ctx, r)
	if err != nil {
		u.log.Error("the spool does not take a receipt; the batch is sent again", "sequence", r.Sequence, "error", err)
		return true
	}
	if f != nil {
		u.window.remove(f)
	}
	if forgot {
		u.settled(r)
	}
	return true
}

// settleTime bounds one write to the spool.
const settleTime = 10 * time.Second

// settled counts a batch that is done with.
func (u *Uplink) settled(r wire.Receipt) {
	u.metrics.lastReceipt.Set(float64(u.cfg.Now().Unix()))
	outcome := "stored"
	if r.Outcome == wire.Quarantined {
		outcome = "quarantined"
		u.log.Warn("the hub put a batch aside; its operator has to look at it", "sequence", r.Sequence, "reason", r.Reason)
	}
	u.metrics.receipts.WithLabelValues(outcome).Inc()
	u.note(func(s *Status) {
		s.LastReceipt = u.cfg.Now().UTC()
		if r.Outcome == wire.Quarantined {
			s.Quarantined++
		} else {
			s.Stored++
		}
	})
}

// refuse counts a receipt that is none. It says so in the log for the first only: whoever can publish to this gateway
// could otherwise fill its disk.
func (u *Uplink) refuse(why string, args ...any) bool {
	u.metrics.receipts.WithLabelValues("refused").Inc()
	first := false
	u.note(func(s *Status) { s.Refused++; first = s.Refused == 1 })
	if first {
		u.log.Warn("a receipt is refused; further ones are only counted", append([]any{"why", why}, args...)...)
	}
	return false
}
