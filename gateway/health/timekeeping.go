package health

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"loam/sensors/clock"
)

// made is before any gateway of this kind was: a clock that shows less stands at the machine's first second, or at a time
// somebody saved.
var made = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// timekeeping says how far the clock can be trusted, now and after the next power cut.
func (m Machine) timekeeping(stateDir string) []Check {
	now := m.Clock.Now()
	return []Check{m.synced(now), m.daemon(now), m.rtc(now), m.sane(now, stateDir)}
}

const syncCure = "give the machine a way to a time server (network, or a GNSS receiver with chrony) and see `timedatectl timesync-status` or `chronyc tracking`"

func (m Machine) synced(now clock.Instant) Check {
	t := topic{"clock.synced", "only readings whose time is known earn; what is read before waits, to be dated when the clock is set"}
	switch now.State {
	case clock.Synced, clock.Redated:
		return t.ok("the clock is synchronised")
	case clock.Unsynced:
		return t.warn(syncCure, "the clock is not synchronised; it shows %s", now.Wall.UTC().Format(time.DateTime+" UTC"))
	}
	return t.unknown("the kernel does not say whether the clock is synchronised")
}

// daemon says who keeps the clock. That the file is there says that timesyncd has set it since boot; chronyd leaves none
// and is asked by the clock itself.
func (m Machine) daemon(now clock.Instant) Check {
	t := topic{"clock.keeper", "without a program that keeps the clock right it drifts by seconds a day"}
	if info, err := fs.Stat(m.Files, rooted(clock.TimesyncdFile)); err == nil {
		age := now.Wall.Sub(info.ModTime()).Round(time.Second)
		return t.graded(above(age.Hours(), 24, 7*24), syncCure, "systemd-timesyncd has last set the clock %s ago", length(age))
	}
	for _, p := range []string{"run/chrony/chronyd.pid", "run/chronyd.pid", "run/chrony/chronyd.sock"} {
		if _, err := fs.Stat(m.Files, p); err == nil {
			return t.ok("chronyd keeps the clock")
		}
	}
	if _, err := fs.Stat(m.Files, "run/systemd/timesync"); err == nil {
		return t.warn(syncCure, "systemd-timesyncd runs and has not set the clock since the machine started")
	}
	return t.unknown("neither systemd-timesyncd nor chronyd has left a word")
}

func (m Machine) rtc(now clock.Instant) Check {
	t := topic{"clock.rtc", "without a clock on a battery the machine wakes up in the past after each power cut, until a network sets it right"}
	const cure = "put a DS3231 clock with its battery on the I2C bus and write dtoverlay=i2c-rtc,ds3231 into /boot/firmware/config.txt"
	if _, err := fs.Stat(m.Files, "sys/class/rtc"); err != nil {
		return t.unknown("this kernel has no word on clocks")
	}
	found := m.glob("sys/class/rtc/rtc*")
	if len(found) == 0 {
		return t.warn(cure, "there is no clock on a battery")
	}
	name, _ := m.text(path.Join(found[0], "name"))
	shows, ok := m.number(path.Join(found[0], "since_epoch"), 10)
	at := time.Unix(shows, 0).UTC()
	switch off := now.Wall.Sub(at).Round(time.Second); {
	case !ok:
		return t.warn("put a new battery into it, then run `sudo hwclock --systohc`", "the clock on a battery (%s) cannot be read", name)
	case at.Before(made):
		return t.warn("put a new battery into it, then run `sudo hwclock --systohc`", "the clock on a battery (%s) shows %s", name, at.Format(time.DateTime))
	case now.State.Dated() && off.Abs() > time.Minute:
		return t.warn("run `sudo hwclock --systohc`; if it comes back, put a new battery into it", "the clock on a battery (%s) is %s off", name, length(off.Abs()))
	}
	return t.ok("there is a clock on a battery (%s)", name)
}

// sane looks for a clock that is certainly wrong: before loam was made, or before what the gateway has written.
func (m Machine) sane(now clock.Instant, stateDir string) Check {
	t := topic{"clock.sane", "a clock that went back dates readings before those that were read before them"}
	if now.Wall.Before(made) {
		return t.fail(syncCure, "the clock shows %s, which is long past", now.Wall.UTC().Format(time.DateTime+" UTC"))
	}
	if stateDir == "" {
		return t.ok("the clock shows %s", now.Wall.UTC().Format(time.DateTime+" UTC"))
	}
	for _, name := range []string{"spool.db", "spool.db-wal"} {
		info, err := m.stat(path.Join(stateDir, name))
		if err == nil && info.ModTime().After(now.Wall.Add(time.Minute)) {
			return t.fail(syncCure, "the clock shows %s, but the gateway has written %s at %s", now.Wall.UTC().Format(time.DateTime+" UTC"), name, info.ModTime().UTC().Format(time.DateTime))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return t.unknown("%s cannot be looked at: run this as the gateway's user", stateDir)
		}
	}
	return t.ok("the clock shows %s, after everything the gateway has written", now.Wall.UTC().Format(time.DateTime+" UTC"))
}

// length writes a length of time as people say it: its two largest parts.
func length(d time.Duration) string {
	d = d.Round(time.Second)
	if d >= 24*time.Hour {
		days := d / (24 * time.Hour)
		s := plural(int(days), "day")
		if h := (d % (24 * time.Hour)) / time.Hour; h > 0 && days < 10 {
			s += " " + plural(int(h), "hour")
		}
		return s
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
