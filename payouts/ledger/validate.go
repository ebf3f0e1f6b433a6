package ledger

import (
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	longestID   = 400
	longestMemo = 500
)

// normalise checks a transfer's shape, as far as that is possible without looking at the books, and returns it with what
// only the ledger may set cleared. phase is the state it is to be recorded in: [Posted] or [Pending].
func (t Transfer) normalise(phase State) (Transfer, error) {
	t.State, t.At, t.Settled, t.Sequence = "", time.Time{}, time.Time{}, 0
	t.Deadline = t.Deadline.UTC().Truncate(time.Millisecond)
	invalid := func(format string, args ...any) (Transfer, error) {
		return Transfer{}, fmt.Errorf("ledger: transfer %q: %s: %w", t.ID, fmt.Sprintf(format, args...), ErrInvalid)
	}
	if t.ID == "" || !isToken(t.ID) {
		return invalid("the id must be 1 to %d visible ASCII characters", longestID)
	}
	for _, a := range []Account{t.Debit, t.Credit} {
		if err := a.Check(); err != nil {
			return Transfer{}, fmt.Errorf("ledger: transfer %q: %w", t.ID, err)
		}
	}
	if _, _, err := t.Asset.Parse(); err != nil {
		return Transfer{}, fmt.Errorf("ledger: transfer %q: %w", t.ID, err)
	}
	switch {
	case t.Debit == t.Credit:
		return invalid("%s cannot pay itself", t.Debit)
	case t.Amount <= 0:
		return invalid("the amount is %d; it must be more than 0", t.Amount)
	case !isToken(t.Origin):
		return invalid("the origin must be at most %d visible ASCII characters", longestID)
	case !isToken(t.Reverses):
		return invalid("the id of the reversed transfer must be at most %d visible ASCII characters", longestID)
	case !isText(t.Memo):
		return invalid("the memo must be at most %d bytes of text without control characters", longestMemo)
	case t.Reverses == t.ID:
		return invalid("it cannot reverse itself")
	case t.Reverses != "" && t.Origin != "":
		return invalid("a reversal stems from the transfer it reverses: leave the origin empty")
	case t.Debit.Kind() == MintKind && t.Origin == "" && t.Reverses == "":
		return invalid("%s issues only for an origin: say what the amount stems from", t.Debit)
	case phase == Pending && t.Deadline.IsZero():
		return invalid("a reservation needs a deadline")
	case phase == Posted && !t.Deadline.IsZero():
		return invalid("only a reservation has a deadline")
	}
	return t, nil
}

func isToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= longestID
}

func isText(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return len(s) <= longestMemo && utf8.ValidString(s)
}
