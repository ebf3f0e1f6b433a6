package ingest

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"loam/gateway/quarantine"
	"loam/gateway/wire"
)

// Evidence keeps verified batches for ever.
type Evidence interface {
	// Append keeps the batch and returns its leaf; it is durable when Append returns nil. The error wraps one of
	// [ErrDuplicate], [ErrFork] and [ErrChain] where the batch itself is the cause; any other error means that evidence
	// is not available now.
	Append(ctx context.Context, s wire.Sealed, received time.Time) (index uint64, err error)
}

// Quarantine keeps refused batches; an item is durable when Put returns nil.
type Quarantine interface {
	Put(ctx context.Context, item quarantine.Item) error
}

// Keys knows the public keys of the enrolled gateways.
type Keys interface {
	Key(gateway string) (ed25519.PublicKey, bool)
}

// What evidence can have against a batch.
var (
	ErrDuplicate = errors.New("the batch is in evidence already") // the index is the earlier leaf's
	ErrFork      = errors.New("the sequence number was used for a different batch")
	ErrChain     = errors.New("the batch does not follow the one before it")
)
