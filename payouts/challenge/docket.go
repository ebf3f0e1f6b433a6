package challenge

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"loam/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Docket keeps the record. It is safe for concurrent use; [Docket.Close] it when done.
type Docket struct{ db *sqlite.DB }

// Open opens or creates the record at path.
func Open(ctx context.Context, path string) (*Docket, error) {
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, fmt.Errorf("challenge: %w", err)
	}
	return &Docket{db: db}, nil
}

// Close closes the file.
func (d *Docket) Close() error {
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	return nil
}

// Propose opens the window of a statement. Done again with the same end it changes nothing; with another it gives
// [ErrExists].
func (d *Docket) Propose(ctx context.Context, statement string, until, at time.Time) error {
	until = until.UTC().Truncate(time.Millisecond)
	if err := checkText("statement id", statement, longestName); err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	if until.UnixMilli() <= 0 {
		return fmt.Errorf("challenge: statement %q: a window needs an end: %w", statement, ErrInvalid)
	}
	_, err := d.record(ctx, statement, at, func(f file, at time.Time) (*event, error) {
		if f.State == "" {
			return &event{kind: proposed, until: until}, nil
		}
		if first := f.proposed; !first.Equal(until) {
			return nil, fmt.Errorf("until %s, not %s: %w", first.Format(time.RFC3339), until.Format(time.RFC3339), ErrExists)
		}
		return nil, nil
	})
	return err
}

// Object records what somebody has against a statement and returns the objection's number. It is refused with
// [ErrClosed] when the window is over. The same person saying the same again, while it is open, is the same objection.
func (d *Docket) Object(ctx context.Context, statement, by, reason string, at time.Time) (number int64, err error) {
	by, reason = strings.TrimSpace(by), strings.TrimSpace(reason)
	if err := checkSaid(by, reason); err != nil {
		return 0, fmt.Errorf("challenge: statement %q: %w", statement, err)
	}
	e, err := d.record(ctx, statement, at, func(f file, at time.Time) (*event, error) {
		for _, o := range f.Objections {
			if o.Verdict == "" && o.By == by && o.Reason == reason {
				number = o.Number
				return nil, nil
			}
		}
		switch {
		case f.State == "":
			return nil, ErrNotFound
		case f.State == Proposed && !at.Before(f.Until):
			return nil, fmt.Errorf("since %s: %w", f.Until.Format(time.RFC3339), ErrClosed)
		case f.State != Proposed && f.State != Challenged:
			return nil, fmt.Errorf("it is %s: %w", f.State, ErrClosed)
		}
		return &event{kind: objected, by: by, reason: reason}, nil
	})
	if e != nil {
		number = e.number
	}
	return number, err
}

// Resolve decides an open objection, with a reason. Done again with the same words it changes nothing.
func (d *Docket) Resolve(ctx context.Context, objection int64, verdict Verdict, by, reason string, at time.Time) error {
	by, reason = strings.TrimSpace(by), strings.TrimSpace(reason)
	if err := checkSaid(by, reason); err != nil {
		return fmt.Errorf("challenge: objection %d: %w", objection, err)
	}
	if verdict != Upheld && verdict != Dismissed {
		return fmt.Errorf("challenge: objection %d: the verdict is %q; it must be %q or %q: %w", objection, verdict, Upheld, Dismissed, ErrInvalid)
	}
	statement, err := d.about(ctx, objection)
	if err != nil {
		return err
	}
	_, err = d.record(ctx, statement, at, func(f file, at time.Time) (*event, error) {
		o := f.objection(objection)
		switch {
		case o.Verdict == verdict && o.DecidedBy == by && o.Answer == reason:
			return nil, nil
		case o.Verdict != "":
			return nil, fmt.Errorf("objection %d was %s by %s: %w", objection, o.Verdict, o.DecidedBy, ErrDecided)
		case f.State != Challenged:
			return nil, fmt.Errorf("it is %s: %w", f.State, ErrClosed)
		case verdict == Upheld:
			return &event{kind: upheld, objection: objection, by: by, reason: reason}, nil
		}
		e := &event{kind: dismissed, objection: objection, by: by, reason: reason, until: f.Until}
		if f.open() == 1 {
			e.until = f.resumed(at)
		}
		return e, nil
	})
	return err
}

// Finalise makes a statement final when its window is over and no objection is open, and returns where it stands then.
// Before that, and after, it changes nothing.
func (d *Docket) Finalise(ctx context.Context, statement string, at time.Time) (Status, error) {
	_, err := d.record(ctx, statement, at, func(f file, at time.Time) (*event, error) {
		switch {
		case f.State == "":
			return nil, ErrNotFound
		case f.State == Proposed && !at.Before(f.Until):
			return &event{kind: final}, nil
		}
		return nil, nil
	})
	if err != nil {
		return Status{}, err
	}
	return d.State(ctx, statement)
}

// MarkPaid records that a final statement's credits are in the ledger. Done again it changes nothing; before a statement
// is final it gives [ErrNotFinal].
func (d *Docket) MarkPaid(ctx context.Context, statement string, at time.Time) error {
	_, err := d.record(ctx, statement, at, func(f file, at time.Time) (*event, error) {
		switch f.State {
		case Paid:
			return nil, nil
		case Final:
			return &event{kind: paid}, nil
		case "":
			return nil, ErrNotFound
		}
		return nil, fmt.Errorf("it is %s: %w", f.State, ErrNotFinal)
	})
	return err
}

// record adds the event that decide wants, if any, to a statement's file. Events are recorded no earlier than the one
// before them, whatever the clock says.
func (d *Docket) record(ctx context.Context, statement string, at time.Time, decide func(f file, at time.Time) (*event, error)) (*event, error) {
	var recorded *event
	err := d.db.InTx(ctx, func(tx *sql.Tx) error {
		events, err := read(ctx, tx, ofStatement, statement)
		if err != nil {
			return err
		}
		f := fold(events)
		at = at.UTC().Truncate(time.Millisecond)
		if at.Before(f.last) {
			at = f.last
		}
		e, err := decide(f, at)
		if err != nil || e == nil {
			return err
		}
		e.statement, e.at = statement, at
		recorded = e
		return e.insert(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("challenge: statement %q: %w", statement, err)
	}
	return recorded, nil
}

const (
	longestName   = 200
	longestReason = 4000
)

func checkSaid(by, reason string) error {
	if err := checkText("who says it", by, longestName); err != nil {
		return err
	}
	return checkText("the reason", reason, longestReason)
}

func checkText(what, text string, longest int) error {
	if strings.TrimSpace(text) == "" || len(text) > longest || !utf8.ValidString(text) {
		return fmt.Errorf("%s must be 1 to %d bytes of text: %w", what, longest, ErrInvalid)
	}
	return nil
}
