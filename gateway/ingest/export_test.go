package ingest

import (
	"crypto/ed25519"

	"loam/gateway/wire"
)

// SetOpen replaces how batches are opened.
func (in *Ingest) SetOpen(open func([]byte, ed25519.PublicKey) (wire.Sealed, error)) { in.open = open }
