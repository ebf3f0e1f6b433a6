package dashboard

import (
	"context"
	"time"

	"loam/gateway/quarantine"
	"loam/gateway/registry"
	"loam/gateway/store"
	"loam/payouts/ledger"
	"loam/sensors"
	"loam/valuation/statement"
)

// Sources is everything the pages are made from. All are needed except where it says "may be nil".
type Sources struct {
	Registry   *registry.Registry
	Readings   Readings
	Evidence   Evidence
	Statements Statements
	Challenges Challenges
	Ledger     Ledger
	Quarantine Quarantine
	// StatementOf returns the id of the statement behind a transfer, and false where none is. May be nil: entries of the
	// ledger then do not lead to statements.
	StatementOf  func(ledger.Transfer) (string, bool)
	Calibrations Calibrations // may be nil: certificates are then not shown
	// Alarms returns what is wrong at the moment, each as one plain sentence that says what it means for people. May be nil.
	Alarms func() []string
	// Progress says how far a demonstration has lived through its history, and false when it lives in the present. May be nil.
	Progress func() (Progress, bool)
}

// Readings is the part of a [store.Store] that pages read.
type Readings interface {
	Keys(ctx context.Context) ([]store.Key, error)
	Range(ctx context.Context, k store.Key, from, to time.Time) ([]store.Point, error)
	Latest(ctx context.Context, k store.Key) (store.Point, bool, error)
	Ping(ctx context.Context) error
}

// Evidence is the log of verified batches, as far as pages show it.
type Evidence interface {
	// Size is the number of batches in the log.
	Size(ctx context.Context) (uint64, error)
	// Readings is the number of readings in those batches.
	Readings(ctx context.Context) (int64, error)
	// Heads says for each gateway that ever sent something where it stands.
	Heads(ctx context.Context) ([]Head, error)
	// Checkpoint is the newest signed note over the log.
	Checkpoint(ctx context.Context) ([]byte, error)
}

// Head is where the evidence of one gateway stands.
type Head struct {
	Gateway      string
	Sequence     uint64 // of the newest batch
	Readings     int64
	Gaps         int // batches missing before Sequence
	LastReceived time.Time
}

// Statements are the published statements.
type Statements interface {
	// Latest returns statements, newest period first, at most limit; of one site, or of all where site is "".
	Latest(ctx context.Context, site string, limit int) ([]statement.Statement, error)
	// Get returns one statement, and false where there is none.
	Get(ctx context.Context, id string) (statement.Statement, bool, error)
	// Bundle returns the file with which anyone can recompute the statement, and false where there is none.
	Bundle(ctx context.Context, id string) ([]byte, bool, error)
}

// Challenges knows where a statement stands between publication and payment.
type Challenges interface {
	// Of returns the state of a statement, and false where it was never opened for challenge.
	Of(ctx context.Context, statement string) (Challenge, bool, error)
}

// ChallengeState is where a statement stands.
type ChallengeState string

// The states of a statement.
const (
	Proposed   ChallengeState = "proposed"   // anyone may object
	Challenged ChallengeState = "challenged" // somebody did, and it is not settled
	Final      ChallengeState = "final"      // nobody did, or it was settled in its favour
	Paid       ChallengeState = "paid"       // credited on the ledger
	Recalled   ChallengeState = "recalled"   // withdrawn, to be issued anew
)

// Challenge is the state of one statement with the objections against it.
type Challenge struct {
	State      ChallengeState
	Until      time.Time // end of the window
	Objections []Objection
}

// Objection is what somebody holds against a statement.
type Objection struct {
	By      string
	Reason  string
	At      time.Time
	Outcome string // in words; empty while it is open
}

// Ledger says who has how much, and why: a [ledger.Ledger].
type Ledger interface {
	// Accounts returns every account, by asset and name, all as of one moment.
	Accounts(ctx context.Context) ([]ledger.Balance, error)
	// History returns every transfer to or from an account, in the order of recording.
	History(ctx context.Context, account ledger.Account) ([]ledger.Transfer, error)
}

// Quarantine holds what the hub refused: a [quarantine.Quarantine].
type Quarantine interface {
	// List returns at most limit items, the one that came last first.
	List(ctx context.Context, limit int) ([]quarantine.Item, error)
	// CountByReason returns the tally of every reason that ever occurred.
	CountByReason(ctx context.Context) ([]quarantine.Tally, error)
}

// Calibrations knows the certificate behind the newest reading of a series.
type Calibrations interface {
	// Of returns the certificate, and false where no reading of the series is known.
	Of(ctx context.Context, k store.Key) (sensors.Certificate, bool, error)
}

// Progress is how far a demonstration has lived through its history.
type Progress struct {
	Days int     // length of the history
	Done float64 // 0 to 1
}
