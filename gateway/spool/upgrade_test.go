package spool_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
	"loam/internal/sqlite"
	"loam/sensors/clock"
)

// TestUpgrade: what a gateway had in its spool before this version stays: sealed and unsealed readings, and the chain.
func TestUpgrade(t *testing.T) {
	first, err := os.ReadFile("migrations/0001_spool.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "spool.db")
	db, err := sqlite.Open(t.Context(), path, fstest.MapFS{"migrations/0001_spool.sql": &fstest.MapFile{Data: first}})
	if err != nil {
		t.Fatal(err)
	}
	rs := synced(0, 20)
	b, err := wire.Seal(wire.Batch{Header: wire.Header{Gateway: "creek-1", Sequence: 41, Boot: rs[0].At.Boot, Clock: clock.Synced}, Readings: rs[:12]}, identitytest.NewSigner("creek-1"))
	if err != nil {
		t.Fatal(err)
	}
	err = db.InTx(t.Context(), func(tx *sql.Tx) error {
		exec := func(query string, args ...any) {
			if _, execErr := tx.ExecContext(context.Background(), query, args...); execErr != nil {
				err = execErr
			}
		}
		exec("INSERT INTO batch VALUES (?, ?, ?, ?, ?)", b.Sequence, b.Digest[:], len(b.Readings), start.UnixMilli(), b.Bytes)
		exec("INSERT INTO chain VALUES (1, ?, ?)", b.Sequence, b.Digest[:])
		for i, r := range rs[12:] {
			exec("INSERT INTO unsealed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", i+1, string(r.Channel), string(r.Quantity), r.Value.Mantissa, r.Value.Exponent,
				string(r.RawQuantity), r.Raw.Mantissa, r.Raw.Exponent, r.At.Wall.UnixMilli(), int64(r.At.Uptime/time.Nanosecond), r.At.Boot[:], r.At.State, "cal", r.Calibration.Date.Unix())
		}
		return err
	})
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	if n := seal(t, s, 60, true); n != 1 {
		t.Fatalf("%d batches of the rest", n)
	}
	batches := pending(t, s)
	if len(batches) != 2 || batches[0].Digest != b.Digest || batches[1].Sequence != 42 || batches[1].Previous != b.Digest || !slices.Equal(numbers(batches), numbersUpTo(20)) {
		t.Errorf("%v in %d batches", numbers(batches), len(batches))
	}
	if forgot, err := s.Settle(t.Context(), receipt(batches[0])); err != nil || !forgot {
		t.Errorf("settle: %v, %v", forgot, err)
	}
}
