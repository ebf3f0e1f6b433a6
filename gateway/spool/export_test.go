package spool

import "context"

// Flush commits what was gathered, as when the time is up.
func (s *Spool) Flush(ctx context.Context) error { return s.flush(ctx) }
