package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// largestBatch is how many calls share a commit at most.
const largestBatch = 512

// request is a call waiting for the writer; reply has room for its one outcome.
type request struct {
	apply func(*book) ([]Transfer, error)
	reply chan outcome
}

type outcome struct {
	transfers []Transfer
	err       error
}

// write hands apply to the writer and waits until what it did is durable.
func (l *Ledger) write(ctx context.Context, apply func(*book) ([]Transfer, error)) ([]Transfer, error) {
	r := request{apply: apply, reply: make(chan outcome, 1)}
	select {
	case l.requests <- r:
	case <-ctx.Done():
		return nil, fmt.Errorf("ledger: nothing was recorded: %w", ctx.Err())
	case <-l.closing:
		return nil, fmt.Errorf("ledger: %w", ErrClosed)
	}
	select {
	case o := <-r.reply:
		return o.transfers, o.err
	case <-ctx.Done():
		return nil, fmt.Errorf("ledger: it may have been recorded or not; ask again with the same id: %w", ctx.Err())
	case <-l.closed:
	}
	select {
	case o := <-r.reply: // answered just before the end
		return o.transfers, o.err
	default:
		return nil, fmt.Errorf("ledger: %w", ErrClosed)
	}
}

// run is the single writer: it takes one request and whatever else waits by then, and commits them together. While a
// commit waits for the disk the next batch gathers, so the batch grows with the load and an idle ledger has no delay.
func (l *Ledger) run(ctx context.Context) {
	defer close(l.closed)
	for {
		select {
		case <-l.closing:
			return
		case first := <-l.requests:
			l.commit(ctx, l.gather(first))
		}
	}
}

func (l *Ledger) gather(first request) []request {
	batch := []request{first}
	for len(batch) < l.batch {
		select {
		case next := <-l.requests:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// commit applies a batch in one transaction. A refusal fails its own request only; nobody is answered before the commit,
// because an answer may rest on what another request of the batch did.
func (l *Ledger) commit(ctx context.Context, batch []request) {
	outcomes := make([]outcome, len(batch))
	err := l.db.InTx(ctx, func(tx *sql.Tx) error {
		b, err := l.open(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := b.expireDue(); err != nil {
			return err
		}
		for i, r := range batch {
			if outcomes[i].transfers, outcomes[i].err, err = b.attempt(r.apply); err != nil {
				return err
			}
		}
		return nil
	})
	for i, r := range batch {
		if err != nil {
			outcomes[i] = outcome{err: fmt.Errorf("ledger: the books could not be written; ask again with the same id: %w", err)}
		}
		r.reply <- outcomes[i]
	}
}

// open reads where the log ends and what time it is.
func (l *Ledger) open(ctx context.Context, tx *sql.Tx) (*book, error) {
	b := &book{ctx: ctx, q: l.statements.within(ctx, tx), now: l.now().UTC().Truncate(time.Millisecond)}
	var hash []byte
	err := b.q.head.QueryRowContext(ctx).Scan(&b.last.sequence, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the last entry: %w", err)
	}
	b.last.hash, err = toDigest(hash)
	return b, err
}

// attempt applies one request; what it did is undone when it is refused. fatal means that the whole batch is lost.
func (b *book) attempt(apply func(*book) ([]Transfer, error)) (done []Transfer, refused, fatal error) {
	if _, err := b.q.savepoint.ExecContext(b.ctx); err != nil {
		return nil, nil, err
	}
	before := b.last
	done, refused = apply(b)
	if refused != nil {
		b.last = before
		if _, err := b.q.rollback.ExecContext(b.ctx); err != nil {
			return nil, nil, errors.Join(refused, err)
		}
	}
	_, fatal = b.q.release.ExecContext(b.ctx)
	return done, refused, fatal
}
