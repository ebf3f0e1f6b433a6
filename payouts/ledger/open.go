package ledger

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"loam/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Ledger keeps accounts. It is safe for concurrent use; [Ledger.Close] it when done.
type Ledger struct {
	db         *sqlite.DB
	now        func() time.Time
	statements *statements
	batch      int // how many calls share a commit at most
	requests   chan request
	closing    chan struct{}
	closed     chan struct{}
	closeOnce  sync.Once
}

// Open opens or creates the ledger at path. now is the time transfers are recorded with and deadlines are measured by; it
// is called from one goroutine at a time.
func Open(ctx context.Context, path string, now func() time.Time) (*Ledger, error) {
	return open(ctx, path, now, largestBatch)
}

func open(ctx context.Context, path string, now func() time.Time, batch int) (*Ledger, error) {
	db, err := sqlite.Open(ctx, path, migrations)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	prepared, err := prepare(ctx, db.Write)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", errors.Join(err, prepared.close(), db.Close()))
	}
	l := &Ledger{
		db: db, now: now, statements: prepared, batch: batch,
		requests: make(chan request, batch), closing: make(chan struct{}), closed: make(chan struct{}),
	}
	go l.run(context.WithoutCancel(ctx))
	return l, nil
}

// Close waits for the commit under way and closes the file. Calls still waiting get [ErrClosed].
func (l *Ledger) Close() error {
	var err error
	l.closeOnce.Do(func() {
		close(l.closing)
		<-l.closed
		if err = errors.Join(l.statements.close(), l.db.Close()); err != nil {
			err = fmt.Errorf("ledger: %w", err)
		}
	})
	return err
}

// Post records transfers as done: all of them in the order given, or none. It returns them as the ledger keeps them;
// those recorded before by the same call come back as they stand now. What it refuses wraps one of the package's errors.
func (l *Ledger) Post(ctx context.Context, transfers ...Transfer) ([]Transfer, error) {
	return l.record(ctx, transfers, Posted)
}

// Reserve records transfers as pending until their Deadline: all of them in the order given, or none. A reservation holds
// its amount on both sides, so that [Ledger.PostPending] cannot fail on a limit. From its deadline on it is over.
func (l *Ledger) Reserve(ctx context.Context, transfers ...Transfer) ([]Transfer, error) {
	return l.record(ctx, transfers, Pending)
}

func (l *Ledger) record(ctx context.Context, transfers []Transfer, phase State) ([]Transfer, error) {
	checked := make([]Transfer, 0, len(transfers))
	for _, t := range transfers {
		t, err := t.normalise(phase)
		if err != nil {
			return nil, err
		}
		checked = append(checked, t)
	}
	if len(checked) == 0 {
		return nil, nil
	}
	return l.write(ctx, func(b *book) ([]Transfer, error) { return b.record(checked, phase) })
}

// PostPending completes a reservation. Done again it changes nothing; a voided or expired one gives [ErrSettled].
func (l *Ledger) PostPending(ctx context.Context, id string) (Transfer, error) {
	return l.settle(ctx, id, Posted)
}

// Void gives a reservation up and frees its amount, its origin and what it was to reverse. Done again it changes nothing;
// a posted or expired one gives [ErrSettled].
func (l *Ledger) Void(ctx context.Context, id string) (Transfer, error) {
	return l.settle(ctx, id, Voided)
}

func (l *Ledger) settle(ctx context.Context, id string, to State) (Transfer, error) {
	done, err := l.write(ctx, func(b *book) ([]Transfer, error) {
		t, err := b.settle(id, to)
		return []Transfer{t}, err
	})
	if err != nil {
		return Transfer{}, err
	}
	return done[0], nil
}

// ExpireDue ends the reservations whose deadline has come. Every other call that writes does it first, too; this is for
// ledgers that are idle, so that balances show it.
func (l *Ledger) ExpireDue(ctx context.Context) error {
	_, err := l.write(ctx, func(*book) ([]Transfer, error) { return nil, nil })
	return err
}

// SetLimits gives an account its limits in one asset; nil is no limit. Without it an account may not fall below zero, and
// an issuance account has no limits. Limits that the balance breaks already, pending amounts included, give [ErrLimit].
func (l *Ledger) SetLimits(ctx context.Context, account Account, asset Asset, minimum, maximum *int64) error {
	if err := account.Check(); err != nil {
		return err
	}
	if _, _, err := asset.Parse(); err != nil {
		return err
	}
	if minimum != nil && maximum != nil && *minimum > *maximum {
		return fmt.Errorf("ledger: limits of %s: the minimum %d is above the maximum %d: %w", account, *minimum, *maximum, ErrInvalid)
	}
	_, err := l.write(ctx, func(b *book) ([]Transfer, error) {
		if err := b.setLimits(account, asset, minimum, maximum); err != nil {
			return nil, fmt.Errorf("ledger: limits of %s: %w", account, err)
		}
		return nil, nil
	})
	return err
}
