package fieldtest

import (
	"path/filepath"
	"testing"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/wire"
)

// Origin is the name of the field's evidence log.
const Origin = "hub.example.org/log"

// Hub is the field's hub.
func Hub() Signer { return NewSigner("hub") }

// Log returns an evidence log that holds the batches, each received a minute after its last reading.
func Log(t testing.TB, batches ...[]wire.Sealed) *evidence.Log {
	t.Helper()
	log, err := evidence.Open(t.Context(), filepath.Join(t.TempDir(), "evidence.db"), Hub(), Origin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	Append(t, log, batches...)
	return log
}

// Append adds batches to the log.
func Append(t testing.TB, log *evidence.Log, batches ...[]wire.Sealed) {
	t.Helper()
	for _, list := range batches {
		for _, b := range list {
			_, last := b.Span()
			if _, err := log.Append(t.Context(), b, last.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
