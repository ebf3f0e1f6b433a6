package intake_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

func digest(b []byte) wire.Digest { return sha256.Sum256(b) }

func brokerPassword(id string) (string, error) {
	return identity.BrokerPassword(identitytest.NewSigner(id), community)
}

// keys is a registry that knows everybody.
type keys struct{}

func (keys) Key(id string) (ed25519.PublicKey, bool) {
	return identitytest.NewSigner(id).Public(), id != "stranger"
}

// shelf is a spool in memory. It holds the uplink to the law: forgotten only what the hub has.
type shelf struct {
	t      testing.TB
	gw     identitytest.Signer
	stored func(gateway string, sequence uint64) bool

	mu      sync.Mutex
	waiting []wire.Sealed
	next    uint64
	last    wire.Digest
	forgot  map[uint64]bool
	deny    int // so many receipts are not taken, without an error
}

func newShelf(t testing.TB, id string, stored func(string, uint64) bool) *shelf {
	return &shelf{t: t, gw: identitytest.NewSigner(id), stored: stored, next: 1, forgot: map[uint64]bool{}}
}

func reading(i uint64) sensors.Reading {
	value := sensors.Decimal{Mantissa: int64(2000 + i%100), Exponent: -2}
	at := time.UnixMilli(1_760_000_000_000 + int64(i)*60_000).UTC()
	return sensors.Reading{
		Channel: "air", Quantity: sensors.AirTemperature, Value: value, RawQuantity: sensors.AirTemperature, Raw: value,
		At: clock.Instant{Wall: at, Uptime: time.Duration(i) * time.Minute, Boot: clock.BootID{1}, State: clock.Synced},
	}
}

// seal puts n more batches of some readings on the shelf.
func (s *shelf) seal(n, readings int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		b := wire.Batch{Header: wire.Header{Gateway: s.gw.Name, Sequence: s.next, Previous: s.last, Boot: clock.BootID{1}, Clock: clock.Synced}}
		for i := range readings {
			b.Readings = append(b.Readings, reading(s.next*uint64(readings)+uint64(i)))
		}
		sealed, err := wire.Seal(b, s.gw)
		if err != nil {
			s.t.Fatal(err)
		}
		s.waiting = append(s.waiting, sealed)
		s.last = sealed.Digest
		s.next++
	}
}

func (s *shelf) Pending(_ context.Context, after uint64, limit int) ([]wire.Sealed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, _ := slices.BinarySearchFunc(s.waiting, after+1, func(b wire.Sealed, q uint64) int { return int(b.Sequence) - int(q) })
	return slices.Clone(s.waiting[from:min(len(s.waiting), from+limit)]), nil
}

func (s *shelf) Settle(_ context.Context, r wire.Receipt) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearchFunc(s.waiting, r.Sequence, func(b wire.Sealed, q uint64) int { return int(b.Sequence) - int(q) })
	if !found || s.waiting[i].Digest != r.Digest {
		return false, nil
	}
	if s.deny > 0 {
		s.deny--
		return false, nil
	}
	if !s.stored(s.gw.Name, r.Sequence) {
		s.t.Errorf("%s forgets %d, which the hub does not have", s.gw.Name, r.Sequence)
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	s.forgot[r.Sequence] = true
	return true, nil
}

func (s *shelf) Stats(context.Context) (spool.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return spool.Stats{Batches: len(s.waiting), Next: s.next}, nil
}

func (s *shelf) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) == 0
}

// hub is a handler that stores in memory, and misbehaves when told to.
type hub struct {
	t   testing.TB
	key identitytest.Signer

	mu        sync.Mutex
	kept      map[string]map[uint64]wire.Digest
	total     int
	repeated  int
	failing   int                                     // so many more calls fail
	misbehave func(r wire.Receipt, raw []byte) []byte // what to answer instead of raw
	before    func(gateway string, payload []byte)    // called first, without the lock
}

func newHub(t testing.TB) *hub {
	return &hub{t: t, key: identitytest.NewSigner("hub"), kept: map[string]map[uint64]wire.Digest{}}
}

var errAway = errors.New("the evidence is away")

func (h *hub) Handle(_ context.Context, gateway string, payload []byte) ([]byte, error) {
	if h.before != nil {
		h.before(gateway, payload)
	}
	b, err := wire.Open(payload, identitytest.NewSigner(gateway).Public())
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing > 0 {
		h.failing--
		return nil, errAway
	}
	if h.kept[gateway] == nil {
		h.kept[gateway] = map[uint64]wire.Digest{}
	}
	if earlier, known := h.kept[gateway][b.Sequence]; known {
		h.repeated++
		if earlier != b.Digest {
			h.t.Errorf("%s sends %d with other bytes", gateway, b.Sequence)
		}
	} else {
		h.kept[gateway][b.Sequence] = b.Digest
		h.total++
	}
	r := wire.Receipt{Hub: h.key.Name, Gateway: gateway, Sequence: b.Sequence, Digest: b.Digest, Outcome: wire.Stored, At: time.UnixMilli(1_760_000_000_000).UTC()}
	raw := h.seal(r, h.key)
	if h.misbehave != nil {
		return h.misbehave(r, raw), nil
	}
	return raw, nil
}

func (h *hub) seal(r wire.Receipt, s identitytest.Signer) []byte {
	raw, err := wire.SealReceipt(r, s)
	if err != nil {
		h.t.Error(err)
	}
	return raw
}

func (h *hub) has(gateway string, sequence uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.kept[gateway][sequence]
	return ok
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.total
}

func (h *hub) fail(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failing = n
}
