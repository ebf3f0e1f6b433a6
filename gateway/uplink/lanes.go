package uplink

import (
	"context"

	"loam/gateway/wire"
)

// lanes decides which batch goes next. There are two: the backlog, from the oldest upwards, and what was sealed since the
// connection came up, with the newest few from before, which overtakes it. Whoever looks at a place after a week without
// network wants to see it now.
type lanes struct {
	spool Spool
	ahead int // how many batches to fetch at a time

	live    lane
	backlog lane
	since   uint64 // the first sequence that is live
}

// lane walks upwards through the spool.
type lane struct {
	after   uint64 // everything up to here has been fetched, or belongs to the other lane
	below   uint64 // everything from here on belongs to the other lane; 0: nothing does
	fetched []wire.Sealed
	dry     bool // nothing more to fetch until somebody says so
}

// reset begins anew: all that is in the spool is backlog.
func (l *lanes) reset(next uint64) {
	recent := uint64(l.ahead / 4)
	l.since = max(next, recent+1) - recent
	l.live, l.backlog = lane{after: l.since - 1}, lane{below: l.since}
}

// isLive says which lane a batch belongs to.
func (l *lanes) isLive(sequence uint64) bool { return sequence >= l.since }

// dry says whether there was nothing to fetch in either lane when it was looked for last.
func (l *lanes) dry() bool {
	return l.live.dry && l.backlog.dry && len(l.live.fetched)+len(l.backlog.fetched) == 0
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
		from.take(fetched, l.ahead)
	}
}

// take is handed what was fetched, of at most ahead batches.
func (l *lane) take(fetched []wire.Sealed, ahead int) {
	l.dry = len(fetched) < ahead
	if len(fetched) > 0 {
		l.after = fetched[len(fetched)-1].Sequence
	}
	for i, b := range fetched {
		if l.below > 0 && b.Sequence >= l.below {
			fetched, l.dry = fetched[:i], true
			break
		}
	}
	l.fetched = fetched
}
