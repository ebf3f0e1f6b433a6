package schedule

import (
	"context"
	"slices"
	"sort"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/wire"
	"loam/sensors/clock"
	"loam/valuation/statement"
)

// first returns the earliest acquisition time in the evidence of a site, from batches whose clock was synchronised: a
// gateway that booted in 1970 must not begin the valuation there. It looks through the log in steps, because only the
// first batches are wanted and they may be anywhere; this happens once in a site's life.
func (r *run) first(ctx context.Context, gateways []statement.Gateway) (time.Time, bool, error) {
	const step = 32 * 24 * time.Hour
	earliest := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) // older than any gateway of ours
	for base := earliest; base.Before(r.now); base = base.Add(step) {
		found, err := r.synced(ctx, gateways, base, base.Add(step))
		if err != nil {
			return time.Time{}, false, err
		}
		if !found {
			continue
		}
		seconds := sort.Search(int(step/time.Second), func(n int) bool {
			if err != nil {
				return true
			}
			found, err = r.synced(ctx, gateways, base, base.Add(time.Duration(n+1)*time.Second))
			return found
		})
		return base.Add(time.Duration(seconds) * time.Second), err == nil, err
	}
	return time.Time{}, false, nil
}

// synced says whether there is a batch with a synchronised clock and readings within from <= t < to.
func (r *run) synced(ctx context.Context, gateways []statement.Gateway, from, to time.Time) (bool, error) {
	leaves, err := r.Evidence.Within(ctx, ids(gateways), from, to)
	return slices.ContainsFunc(leaves, func(leaf evidence.Leaf) bool {
		head, err := wire.Peek(leaf.Bytes)
		return err == nil && head.Clock == clock.Synced
	}), err
}
