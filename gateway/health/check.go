// Package health states facts about a gateway and the machine it runs on, each with why it matters and what cures it.
//
// A check never guesses: what this machine has no word on is [Unknown], "not known here", and never [OK]. Checks change
// nothing, ask no probe and need no other program: what the kernel shows in /sys, /proc, /dev and /run is read through
// [Machine], how the probes are doing comes from the sampler.
//
// Read in this order: check.go (the nouns), machine.go, then one file for each part: power.go, disk.go, timekeeping.go,
// network.go, buses.go, files.go of the machine; probes.go, delivery.go of the gateway.
package health

import "fmt"

// Level is how a check came out.
type Level string

// The levels, the gravest last.
const (
	Unknown Level = "unknown" // this machine has no word on it
	OK      Level = "ok"
	Warning Level = "warn" // nothing is lost yet
	Failure Level = "fail" // readings, credits or the machine are being lost
)

// grave orders levels.
func (l Level) grave() int {
	return map[Level]int{Unknown: 0, OK: 1, Warning: 2, Failure: 3}[l]
}

// Check is one fact. Its id is stable: scripts and alarms hang on it.
type Check struct {
	ID    string `json:"id"` // "power.supply", "probe.air", "channel.soil-10cm"
	Level Level  `json:"level"`
	Fact  string `json:"fact"`
	Why   string `json:"why,omitempty"`  // it matters
	Cure  string `json:"cure,omitempty"` // where something is wrong
}

// Wrong says whether something has to be done about it.
func (c Check) Wrong() bool { return c.Level == Warning || c.Level == Failure }

// Worst returns the gravest level among checks; [Unknown] where there are none.
func Worst(checks []Check) Level {
	worst := Unknown
	for _, c := range checks {
		if c.Level.grave() > worst.grave() {
			worst = c.Level
		}
	}
	return worst
}

// topic is what a check is about: its id, and why it matters.
type topic struct{ id, why string }

// unknown says that this machine has no word on it.
func (t topic) unknown(fact string, args ...any) Check {
	return Check{ID: t.id, Level: Unknown, Fact: "not known here: " + fmt.Sprintf(fact, args...), Why: t.why}
}

func (t topic) ok(fact string, args ...any) Check {
	return Check{ID: t.id, Level: OK, Fact: fmt.Sprintf(fact, args...), Why: t.why}
}

func (t topic) warn(cure, fact string, args ...any) Check {
	return Check{ID: t.id, Level: Warning, Fact: fmt.Sprintf(fact, args...), Why: t.why, Cure: cure}
}

func (t topic) fail(cure, fact string, args ...any) Check {
	return Check{ID: t.id, Level: Failure, Fact: fmt.Sprintf(fact, args...), Why: t.why, Cure: cure}
}

// graded is ok, a warning or a failure with the same fact and cure.
func (t topic) graded(l Level, cure, fact string, args ...any) Check {
	switch l {
	case Failure:
		return t.fail(cure, fact, args...)
	case Warning:
		return t.warn(cure, fact, args...)
	}
	return t.ok(fact, args...)
}

// below grades a figure that is better the higher it is.
func below(v, fail, warn float64) Level {
	switch {
	case v < fail:
		return Failure
	case v < warn:
		return Warning
	}
	return OK
}

// above grades a figure that is better the lower it is.
func above(v, warn, fail float64) Level {
	switch {
	case v >= fail:
		return Failure
	case v >= warn:
		return Warning
	}
	return OK
}

// plural counts things.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
