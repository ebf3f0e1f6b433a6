package schedule

import (
	"context"
	"slices"
	"sort"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/wire"
	"loam/valuation/statement"
)

// first returns when the evidence of a site begins: at its earliest reading under a synchronised clock, or, where no clock
// ever was, when the hub received the first batch. A gateway that booted in 1970 must not begin the valuation there, and
// one that never learns the time must not be passed over in silence: its statements say why they earn nothing.
//
// It looks through the log in steps, because only the first batches are wanted and they may be anywhere; this happens
// once in a site's life.
func (r *run) first(ctx context.Context, gateways []statement.Gateway) (time.Time, bool, error) {
	const step = 32 * 24 * time.Hour
	var received time.Time
	earliest := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) // older than any gateway of ours
	for base := earliest; base.Before(r.now); base = base.Add(step) {
		leaves, err := r.Evidence.Within(ctx, ids(gateways), base, base.Add(step))
		if err != nil {
			return time.Time{}, false, err
		}
		if !slices.ContainsFunc(leaves, synced) {
			for _, leaf := range leaves {
				if received.IsZero() || leaf.Received.Before(received) {
					received = leaf.Received
				}
			}
			continue
		}
		seconds := sort.Search(int(step/time.Second), func(n int) bool {
			if err != nil {
				return true
			}
			leaves, err = r.Evidence.Within(ctx, ids(gateways), base, base.Add(time.Duration(n+1)*time.Second))
			return slices.ContainsFunc(leaves, synced)
		})
		return base.Add(time.Duration(seconds) * time.Second), err == nil, err
	}
	return received, !received.IsZero(), nil
}

// synced says whether the readings of a batch were dated by a synchronised clock.
func synced(leaf evidence.Leaf) bool {
	head, err := wire.Peek(leaf.Bytes)
	return err == nil && head.Clock.Dated()
}
