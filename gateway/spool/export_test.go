package spool

import "context"

// Flush commits what was gathered, as when the time is up.
func (s *Spool) Flush(ctx context.Context) error { return s.flush(ctx) }

// Remembered is how many keys are known.
const Remembered = remembered

// Took notes n messages of another source, as if they had come.
func (s *Spool) Took(ctx context.Context, n int) error {
	_, err := s.db.Write.ExecContext(ctx, `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?)
		INSERT INTO taken (source, key) SELECT 'other', randomblob(32) FROM c`, n)
	return err
}
