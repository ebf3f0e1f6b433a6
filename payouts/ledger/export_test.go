package ledger

import (
	"context"
	"testing"
	"time"
)

// OpenBatch opens a ledger that commits at most batch calls together.
func OpenBatch(ctx context.Context, path string, now func() time.Time, batch int) (*Ledger, error) {
	return open(ctx, path, now, batch)
}

// Raw runs SQL past all rules, as somebody with access to the file could.
func (l *Ledger) Raw(t testing.TB, queries ...string) error {
	t.Helper()
	for _, q := range queries {
		if _, err := l.db.Write.Exec(q); err != nil {
			return err
		}
	}
	return nil
}
