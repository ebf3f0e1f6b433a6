package spool

import (
	"context"
	"errors"
	"fmt"

	"loam/internal/sqlite"
)

// Peek says what a spool holds, without opening it for work: nothing is written, and a gateway that is running on it is not
// disturbed. What such a gateway still gathers in memory is not counted.
func Peek(ctx context.Context, path string, cfg Config) (_ Stats, err error) {
	db, err := sqlite.OpenReadOnly(ctx, path)
	if err != nil {
		return Stats{}, fmt.Errorf("spool: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return (&Spool{db: db, cfg: cfg}).Stats(ctx)
}
