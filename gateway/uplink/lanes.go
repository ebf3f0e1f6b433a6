package uplink

import (
	"context"

	"loam/gateway/wire"
)

// lanes decides which batch goes next. There are two: the backlog, from the oldest upwards, and what was sealed since the
// connection came up, which overtakes it. Whoever looks at a place after a week without network wants to see it now.
type lanes struct {
	spool Spool
	ahead int // how many batches to fetch at a time

	live    lane
	backlog lane
}

// lane walks upwards through the spool.
type lane struct {
	after   uint64 // everything up to here has been fetched, or belongs to the other lane
	fetched []wire.Sealed
	dry     bool // nothing more to fetch until somebody says so
}

// reset begins anew: all that is in the spool is backlog.
func (l *lanes) reset(next uint64) {
	l.backlog = lane{}
	l.live = lane{}
	if next > 0 {
		l.live.after = next - 1
	}
}

// woken says that something may have been sealed.
func (l *lanes) woken() { l.live.dry = false }

// rewind looks through the whole spool again, for whatever was left behind.
func (l *lanes) rewind() { l.backlog = lane{} }

// take returns the next batch that is not under way, or false where there is none. With liveOnly the backlog stays.
func (l *lanes) take(ctx context.Context, underWay func(uint64) bool, liveOnly bool) (wire.Sealed, bool, error) {
	b, ok, err := l.takeFrom(ctx, &l.live, underWay)
	if ok || err != nil || liveOnly {
		return b, ok, err
	}
	return l.takeFrom(ctx, &l.backlog, underWay)
}

func (l *lanes) takeFrom(ctx context.Context, from *lane, underWay func(uint64) bool) (wire.Sealed, bool, error) {
	for {
		for len(from.fetched) > 0 {
			b := from.fetched[0]
			from.fetched = from.fetched[1:]
			if !underWay(b.Sequence) {
				return b, true, nil
			}
		}
		if from.dry {
			return wire.Sealed{}, false, nil
		}
		fetched, err := l.spool.Pending(ctx, from.after, l.ahead)
		if err != nil {
			return wire.Sealed{}, false, err
		}
		from.fetched, from.dry = fetched, len(fetched) < l.ahead
		if len(fetched) > 0 {
			from.after = fetched[len(fetched)-1].Sequence
		}
	}
}
