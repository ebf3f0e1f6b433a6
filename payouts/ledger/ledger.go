// Package ledger is double-entry book-keeping in whole minor units, in one SQLite file.
//
// A [Transfer] moves an amount of one asset from one account to another, so per asset all balances always sum to zero.
// Entries are never changed: a correction is a new transfer that names the one it reverses. A transfer can be made in two
// phases ([Ledger.Reserve], then [Ledger.PostPending] or [Ledger.Void]); what is reserved counts against the limits, so
// posting can never break them.
//
// Every call that writes may be repeated until it answers: the same id with the same content is the same transfer. When
// it has answered, the transfer survives a power cut. Calls made at the same time share one commit.
//
// The log of entries is a hash chain; [Ledger.Check] re-adds every balance from it. Who keeps [Report.Head] somewhere
// else will also notice when the end of the log is cut off. A memo can never be erased, so names of people do not belong
// in it.
package ledger

import (
	"errors"
	"time"
)

// Account is "community:kind:id", e.g. "willow-creek:steward:asha".
type Account string

// Asset is "NAME/scale": the scale says how many digits of an amount stand after the point, e.g. "SOIL/2". A name has one
// scale for ever.
type Asset string

// State is where a transfer stands.
type State string

// The states of a transfer.
const (
	Pending State = "pending" // reserved
	Posted  State = "posted"
	Voided  State = "voided"
	Expired State = "expired"
)

// Transfer moves Amount minor units of Asset. Times are kept to the millisecond.
type Transfer struct {
	ID       string // made by the client, unique; the same id with the same content is the same transfer
	Debit    Account
	Credit   Account
	Asset    Asset
	Amount   int64  // more than 0
	Origin   string // what it stems from, e.g. a statement part; not empty: mints once, ever
	Memo     string
	Reverses string    // id of the posted transfer this one takes back, in full
	Deadline time.Time // pending only: when the reservation expires
	State    State     // set by the ledger
	At       time.Time // when it was recorded; set by the ledger
	Settled  time.Time // when it was posted, voided or expired; set by the ledger
	Sequence int64     // order of recording, set by the ledger
}

// Balance is where an account stands in one asset. Pending amounts count against limits, not yet as owned.
type Balance struct {
	Account    Account
	Asset      Asset
	Posted     int64 // credits − debits
	PendingIn  int64
	PendingOut int64
	Min        *int64 // Posted − PendingOut never falls below; nil: no limit
	Max        *int64 // Posted + PendingIn never rises above; nil: no limit
}

// What the ledger can refuse.
var (
	ErrExists   = errors.New("the id was used for a different transfer")
	ErrMinted   = errors.New("this origin was credited before")
	ErrReversed = errors.New("the transfer was reversed before")
	ErrLimit    = errors.New("the account's limit does not allow it")
	ErrInvalid  = errors.New("not valid")
	ErrNotFound = errors.New("no such transfer")
	ErrSettled  = errors.New("the reservation is no longer open")
	ErrClosed   = errors.New("the ledger is closed")
)
