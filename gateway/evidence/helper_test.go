package evidence_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

const origin = "hub.willow-creek.example/log"

var (
	start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	boot  = clock.BootID{1, 2, 3}
)

// keys enrols everybody under the key made from their name.
type keys struct{}

func (keys) Key(gateway string) (ed25519.PublicKey, bool) {
	return identitytest.NewSigner(gateway).Public(), true
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// seal makes a real batch of n readings, one a second from at on.
func seal(t fataler, gateway string, sequence uint64, previous wire.Digest, n int, at time.Time) wire.Sealed {
	t.Helper()
	b := wire.Batch{Header: wire.Header{Gateway: gateway, Sequence: sequence, Previous: previous, Boot: boot, Clock: clock.Synced}}
	for i := range n {
		s := sensors.Sample{
			Quantity: sensors.SoilTemperature,
			Value:    sensors.Decimal{Mantissa: int64(1500 + i), Exponent: -2},
			At:       clock.Instant{Wall: at.Add(time.Duration(i) * time.Second), Boot: boot, State: clock.Synced},
		}
		r, err := sensors.Calibration{}.Apply("soil-10cm", s, nil)
		if err != nil {
			t.Fatalf("%v", err)
		}
		b.Readings = append(b.Readings, r)
	}
	s, err := wire.Seal(b, identitytest.NewSigner(gateway))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

// chain makes count real batches that follow each other, a minute apart.
func chain(t fataler, gateway string, count int) []wire.Sealed {
	t.Helper()
	var batches []wire.Sealed
	var previous wire.Digest
	for i := range count {
		s := seal(t, gateway, uint64(i+1), previous, 3, start.Add(time.Duration(i)*time.Minute))
		batches, previous = append(batches, s), s.Digest
	}
	return batches
}

// loose makes a batch whose bytes mean nothing, for what does not look into them.
func loose(gateway string, sequence uint64, previous wire.Digest, body []byte, readings ...time.Time) wire.Sealed {
	s := wire.Sealed{Bytes: body, Digest: sha256.Sum256(body)}
	s.Header = wire.Header{Gateway: gateway, Sequence: sequence, Previous: previous}
	for _, at := range readings {
		s.Readings = append(s.Readings, sensors.Reading{At: clock.Instant{Wall: at}})
	}
	return s
}

func open(t testing.TB, path string) *evidence.Log {
	t.Helper()
	l, err := evidence.Open(context.Background(), path, identitytest.NewSigner("hub"), origin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func fresh(t testing.TB) *evidence.Log {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "evidence.db"))
}

func appendAll(t testing.TB, l *evidence.Log, batches ...wire.Sealed) {
	t.Helper()
	for _, s := range batches {
		if _, err := l.Append(context.Background(), s, start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}

// all reads the whole log.
func all(t fataler, l *evidence.Log) []evidence.Leaf {
	t.Helper()
	leaves, err := l.Read(context.Background(), 0, 1<<30)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return leaves
}

func trust() evidence.Trust {
	return evidence.Trust{Gateways: keys{}, Origin: origin, Hub: identitytest.NewSigner("hub").Public()}
}

// sound fails the test where an audit finds anything.
func sound(t testing.TB, l *evidence.Log, trust evidence.Trust) {
	t.Helper()
	findings, err := l.Audit(context.Background(), trust)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Errorf("audit: %s", f)
	}
}

// tamper changes the file behind the log's back.
func tamper(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		res, err := db.Exec(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if n, _ := res.RowsAffected(); n == 0 {
			t.Fatalf("%s changed nothing", s)
		}
	}
}

func sameLeaf(leaf evidence.Leaf, s wire.Sealed) bool {
	return leaf.Gateway == s.Gateway && leaf.Sequence == s.Sequence && bytes.Equal(leaf.Bytes, s.Bytes)
}
