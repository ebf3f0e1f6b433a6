package health

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"loam/gateway/spool"
	"loam/gateway/uplink"
)

// Spool states how much waits for the hub, how long already, and how much room is left.
func Spool(s spool.Stats, now time.Time) []Check {
	backlog := topic{"spool.backlog", "when the spool is full the oldest readings are thinned, and what was thinned earns nothing"}
	age := topic{"spool.age", "readings earn only when they have reached the hub"}
	const deliver = "see the checks of the network and the broker"

	used := 0.0
	if s.MaxBytes > 0 {
		used = float64(s.Used) / float64(s.MaxBytes)
	}
	level := above(used, 0.7, 0.9)
	fact := fmt.Sprintf("waiting for the hub: %s; %s of %s are used", plural(s.Readings, "reading"), size(uint64(max(0, s.Used))), size(uint64(max(0, s.MaxBytes))))
	if s.Thinned.Batches > 0 {
		fact += fmt.Sprintf("; %s had to make room, from %s to %s", plural(s.Thinned.Readings-s.Thinned.Kept, "reading"), s.Thinned.From.Format(time.DateOnly), s.Thinned.To.Format(time.DateOnly))
		if level == OK {
			level = Warning
		}
	}
	return []Check{backlog.graded(level, deliver, "%s", fact), spoolAge(age, s, now, deliver)}
}

func spoolAge(t topic, s spool.Stats, now time.Time, cure string) Check {
	switch {
	case s.Oldest.IsZero():
		return t.ok("nothing waits")
	case s.Oldest.Before(made) || now.Before(made):
		return t.warn(syncCure, "readings wait that were read before the clock was set")
	}
	waits := now.Sub(s.Oldest)
	return t.graded(above(waits.Hours(), 1, 7*24), cure, "the oldest reading waits for %s", length(max(0, waits)))
}

// Uplink states how a running gateway is connected.
func Uplink(s uplink.Status, now time.Time) Check {
	t := topic{"uplink.connected", "readings wait in the spool until the hub can be reached; nothing is lost until it is full"}
	const cure = "see that the broker's address in [uplink] is right, that the hub runs, and the checks of the network"
	if s.Connected {
		return t.ok("connected to the broker for %s", length(max(0, now.Sub(s.Since))))
	}
	if s.Since.IsZero() {
		return t.fail(cure, "the gateway has not reached its broker since it started")
	}
	return t.fail(cure, "the gateway has had no connection to its broker for %s", length(max(0, now.Sub(s.Since))))
}

// Broker states whether a broker can be reached and lets the gateway in; err is what one attempt gave.
func Broker(err error) []Check {
	reach := topic{"broker.reachable", "without the broker nothing reaches the hub; readings wait in the spool"}
	auth := topic{"broker.authorised", "a broker that does not know the gateway takes nothing from it"}
	switch {
	case errors.Is(err, ErrNoKey):
		return []Check{reach.unknown("the broker was not asked: %v", err), auth.unknown("the broker was not asked: %v", err)}
	case err == nil:
		return []Check{reach.ok("the broker answers"), auth.ok("the broker lets this gateway in")}
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) || errors.Is(err, packets.ErrorRefusedNotAuthorised) || errors.Is(err, packets.ErrorRefusedIDRejected):
		return []Check{reach.ok("the broker answers"),
			auth.fail("enrol the key that `loam gateway --show-key` prints at the hub; on another broker see username and password_file", "the broker refuses this gateway: %v", err)}
	}
	return []Check{
		reach.fail("see that the broker's address in [uplink] is right, that the hub runs, and the checks of the network and the clock (certificates have dates)", "the broker cannot be reached: %v", err),
		auth.unknown("the broker was not reached"),
	}
}

// ErrNoKey is wrapped by what [Broker] is given where the gateway has no key yet that the broker could know it by.
var ErrNoKey = errors.New("the gateway's key cannot be read")

// NoSpool states that the spool is there and cannot be looked at.
func NoSpool(err error) Check {
	t := topic{"spool.backlog", "what the spool keeps is not delivered yet"}
	if errors.Is(err, fs.ErrPermission) {
		return t.unknown("the spool cannot be looked at: run this as the gateway's user")
	}
	return t.fail("stop the gateway and keep spool.db with spool.db-wal; `sqlite3 spool.db .recover` saves what is in a damaged one", "%v", err)
}

// Running states whether a gateway runs on a state folder; err is why that, or its status page, could not be looked at.
func Running(gateway string, running bool, err error) Check {
	t := topic{"gateway.running", "probes are read only while the gateway runs"}
	switch {
	case running && err != nil:
		return t.warn("see what it says: `journalctl -u loam-gateway -n 50`; then `sudo systemctl restart loam-gateway`", "%s is running, but its status page is not there: %v", gateway, err)
	case running:
		return t.ok("%s is running", gateway)
	case err != nil:
		return t.unknown("the state folder cannot be looked at: run this as the gateway's user")
	}
	return t.warn("`sudo systemctl enable --now loam-gateway`, or `loam gateway --config FILE`", "%s is not running", gateway)
}

// OfGateway picks what only a running gateway can say from the checks on its status page.
func OfGateway(checks []Check) []Check {
	return slices.DeleteFunc(slices.Clone(checks), func(c Check) bool {
		part, _, _ := strings.Cut(c.ID, ".")
		return !slices.Contains([]string{"probe", "channel", "spool", "uplink"}, part)
	})
}
