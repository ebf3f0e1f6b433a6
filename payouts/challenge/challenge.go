// Package challenge is the window in which anyone may object to a statement before it is paid, and the record of what
// became of it.
//
// A statement is proposed until a stated time. While the window is open anyone may object, with a reason; an open
// objection stops the clock. An upheld objection rejects the statement for good. When all are dismissed, the window goes
// on with the time that was left, and at least [Reopened]. A statement whose window ends without an open objection can be
// made final, and then paid:
//
//	proposed ⇄ challenged → rejected
//	proposed → final → paid
//
// Final and everything after it are recorded, not worked out from a clock: a clock that goes back, or an objection that
// comes late, cannot take a final statement back. Who may object or decide is for the caller to say; this package keeps
// what they said, and never forgets it.
package challenge

import (
	"errors"
	"time"
)

// Reopened is the least time a window stays open after an objection was dismissed, so that others have time to answer.
const Reopened = 24 * time.Hour

// State is where a statement stands.
type State string

// The states of a statement.
const (
	Proposed   State = "proposed"   // the window is open, or over and not yet looked at
	Challenged State = "challenged" // at least one objection is open
	Final      State = "final"      // nobody can object any more; it may be paid
	Rejected   State = "rejected"   // an objection was upheld; it is never paid
	Paid       State = "paid"       // its credits are in the ledger
)

// Verdict is how an objection was decided.
type Verdict string

// The verdicts. An open objection has none: "".
const (
	Upheld    Verdict = "upheld"    // the objection is right: the statement is rejected
	Dismissed Verdict = "dismissed" // the statement stands
)

// Objection is what somebody has against a statement.
type Objection struct {
	Number    int64 // unique over all statements
	By        string
	Reason    string
	At        time.Time
	Verdict   Verdict // "" while it is open
	DecidedBy string
	Answer    string // the reason of the verdict
	DecidedAt time.Time
}

// Status is what is known of a statement.
type Status struct {
	Statement  string
	State      State
	Since      time.Time   // when it came to this state
	Until      time.Time   // when the window ends; while it is challenged, when it would have ended
	Objections []Objection // oldest first
}

// What can be refused.
var (
	ErrNotFound = errors.New("not known")
	ErrInvalid  = errors.New("not valid")
	ErrExists   = errors.New("it was proposed with another window")
	ErrClosed   = errors.New("the window is closed")
	ErrDecided  = errors.New("the objection was decided before")
	ErrNotFinal = errors.New("the statement is not final")
)
