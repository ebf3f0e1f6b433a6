package uplink

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
)

// counter is a spool that forgets what it is told to, and counts.
type counter struct {
	shelf
	settled []wire.Receipt
	fail    error
}

func (c *counter) Settle(_ context.Context, r wire.Receipt) (bool, error) {
	if c.fail != nil {
		return false, c.fail
	}
	c.settled = append(c.settled, r)
	return true, nil
}

func receipt(t *testing.T, s identitytest.Signer, r wire.Receipt) []byte {
	t.Helper()
	raw, err := wire.SealReceipt(r, s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestOnlyTheHubsWordAboutOurBatchSettlesIt(t *testing.T) {
	hub := identitytest.NewSigner("hub")
	thief := identitytest.Keyed("hub", "thief")
	s := &counter{}
	u, err := New(Config{Broker: "mqtt://hub", HubKey: identity.FormatKey(hub.Public())}, "valley", identitytest.NewSigner("gw-1"), s, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	u.window.add(sealed(7))
	good := wire.Receipt{Hub: "hub", Gateway: "gw-1", Sequence: 7, Digest: sealed(7).Digest, Outcome: wire.Stored, At: time.Unix(1e9, 0).UTC()}
	other, bytes := good, good
	other.Gateway = "gw-2"
	bytes.Digest[0] ^= 1
	for name, raw := range map[string][]byte{
		"nothing":            nil,
		"another's key":      receipt(t, thief, good),
		"another gateway":    receipt(t, hub, other),
		"other bytes":        receipt(t, hub, bytes),
		"a changed last bit": flipped(receipt(t, hub, good)),
	} {
		before := u.Status().Refused
		if u.settle(context.Background(), raw) || u.Status().Refused != before+1 {
			t.Errorf("%s is taken", name)
		}
	}
	if len(s.settled) > 0 || !u.window.has(7) {
		t.Fatalf("settled %+v", s.settled)
	}

	s.fail = errors.New("disk full")
	if u.settle(context.Background(), receipt(t, hub, good)); !u.window.has(7) {
		t.Error("given up although the spool did not take the receipt")
	}
	s.fail = nil
	if u.settle(context.Background(), receipt(t, hub, good)); u.window.has(7) || len(s.settled) != 1 || u.Status().Stored != 1 {
		t.Errorf("not settled: %+v", u.Status())
	}

	// One that is no longer under way, because the gateway was restarted meanwhile.
	good.Sequence, good.Outcome, good.Reason = 6, wire.Quarantined, "unsynchronised clock"
	if u.settle(context.Background(), receipt(t, hub, good)); len(s.settled) != 2 || u.Status().Quarantined != 1 {
		t.Errorf("a late receipt is lost: %+v", u.Status())
	}
}

func flipped(raw []byte) []byte {
	raw[len(raw)-1] ^= 1
	return raw
}
