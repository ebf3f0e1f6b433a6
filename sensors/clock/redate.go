package clock

import "time"

// LongestRedate bounds how long before the clock was set a sample may lie to be dated afterwards. [Drift] of it, about
// four minutes, is the most that such a time is off by; valuation works in hours.
const LongestRedate = 30 * 24 * time.Hour

// Drift is how far uptime may be off after d: 100 parts in a million, several times the tolerance of a common board's
// crystal, leap smear (11.6 parts in a million) included.
func Drift(d time.Duration) time.Duration { return d / 10_000 }

// Redate dates an instant of the same boot, taken before the clock was set, by a later look at the clock, sync:
//
//	wall = sync's wall − (sync's uptime − the instant's uptime)
//
// It returns false, and the instant unchanged, where that cannot be done: sync is not [Synced], the boots differ or are
// not known, the instant is dated already, came after sync, or more than [LongestRedate] before it.
//
// The result is rounded to milliseconds and within 1 ms plus [Drift] of the time that sync's own clock would have shown.
// To that comes what the daemon had still to slew when it called the clock synchronised: wall and uptime are slewed
// alike, so their difference keeps it (at most 0.4 s with systemd-timesyncd, 1 s with chrony's customary makestep), and a
// leap second that is stepped in between.
func (sync Instant) Redate(at Instant) (Instant, bool) {
	before := sync.Uptime - at.Uptime
	switch {
	case sync.State != Synced, at.State.Dated(), at.Boot != sync.Boot, at.Boot == BootID{}, at.Wall.IsZero(), before < 0, before > LongestRedate:
		return at, false
	}
	at.Shown, at.State = at.Wall, Redated
	// sync's wall was cut to milliseconds, so that on average half of one is missing; a nanosecond less than that, and
	// what is whole milliseconds stays as it is.
	at.Wall = sync.Wall.UTC().Truncate(time.Millisecond).Add(time.Millisecond/2 - 1 - before).Round(time.Millisecond)
	return at, true
}
