package method

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a statement must verify on machines without time zone files

	"github.com/robfig/cron/v3"
)

// ticks are the times at which one period ends and the next begins.
type ticks struct {
	cron cron.Schedule
	zone *time.Location
}

func newTicks(spec, zone string) (ticks, error) {
	if zone == "Local" { // would be another zone on every machine
		return ticks{}, fmt.Errorf("time_zone %q: give an IANA name such as \"Europe/Berlin\", or leave it out for UTC", zone)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return ticks{}, fmt.Errorf("time_zone %q: give an IANA name such as \"Europe/Berlin\": %w", zone, err)
	}
	if len(strings.Fields(spec)) != 5 || strings.Contains(spec, "=") {
		return ticks{}, fmt.Errorf("cron %q: give minute, hour, day of month, month and day of week, e.g. \"0 0 * * *\"", spec)
	}
	s, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(spec)
	if err != nil {
		return ticks{}, fmt.Errorf("cron %q: %w", spec, err)
	}
	if s.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return ticks{}, fmt.Errorf("cron %q never ticks", spec)
	}
	return ticks{cron: s, zone: location}, nil
}

// after returns the first tick after t.
//
// The schedule is stepped through on the face of a wall clock, that is in a time without zone, where every tick comes
// exactly once, and only then placed in real time. Stepping in real time would skip or repeat ticks around clock changes.
func (k ticks) after(t time.Time) time.Time {
	const widestJump = 26 * time.Hour // clocks have been set back or forward by up to a day
	for face := k.face(t).Add(-widestJump); ; {
		face = k.cron.Next(face)
		if face.IsZero() {
			return time.Time{}
		}
		if tick := k.place(face); tick.After(t) {
			return tick
		}
	}
}

// face returns what a wall clock in the zone shows at t, as if it were UTC.
func (k ticks) face(t time.Time) time.Time {
	l := t.In(k.zone)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC)
}

// place returns when the wall clock shows face: the first time if twice, the moment the clock jumps over it if never.
// It never decreases as face grows.
func (k ticks) place(face time.Time) time.Time {
	const aroundAnyJump = 36 * time.Hour
	_, before := face.Add(-aroundAnyJump).In(k.zone).Zone()
	_, behind := face.Add(aroundAnyJump).In(k.zone).Zone()
	early := face.Add(-time.Duration(max(before, behind)) * time.Second)
	late := face.Add(-time.Duration(min(before, behind)) * time.Second)
	for _, t := range []time.Time{early, late} {
		if k.face(t).Equal(face) {
			return t
		}
	}
	jump, _ := late.In(k.zone).ZoneBounds() // late lies behind the jump
	return jump.UTC()
}

// Period returns the first period that begins at or after t.
func (m Method) Period(t time.Time) (from, to time.Time) {
	from = m.ticks.after(t.Add(-time.Nanosecond))
	return from.UTC(), m.ticks.after(from).UTC()
}

// IsPeriod says whether the two times are the ends of one period.
func (m Method) IsPeriod(from, to time.Time) bool {
	f, t := m.Period(from)
	return f.Equal(from) && t.Equal(to)
}

// Containing returns the period that t lies in.
func (m Method) Containing(t time.Time) (from, to time.Time) {
	// The last tick at or before t is found by stepping on from one that surely lies before it.
	for back := 2 * time.Hour; ; back *= 8 {
		from = m.ticks.after(t.Add(-back))
		if !from.After(t) {
			break
		}
	}
	for to = m.ticks.after(from); !to.After(t); to = m.ticks.after(from) {
		from = to
	}
	return from.UTC(), to.UTC()
}
