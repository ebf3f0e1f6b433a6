package intake_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"loam/gateway/broker"
	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/intake"
	"loam/gateway/uplink"
	"loam/gateway/wire"
	"loam/internal/config"
)

const community = "valley"

// middle is the broker in between.
type middle interface {
	URL() string
	Hub() (user, password string)
	Restart()
}

// embedded is the hub's own broker.
type embedded struct {
	t      testing.TB
	access broker.GatewayAccess
	addr   string
	broker *broker.Broker
}

func newEmbedded(t testing.TB) *embedded {
	e := &embedded{t: t, access: broker.NewGatewayAccess(community, keys{}), addr: "127.0.0.1:0"}
	e.start()
	t.Cleanup(e.stop)
	return e
}

func (e *embedded) start() {
	b, err := broker.Start(broker.Config{Listen: e.addr}, e.access, slog.New(slog.DiscardHandler))
	if err != nil {
		e.t.Fatal(err)
	}
	e.broker, e.addr = b, b.Addr()
}

func (e *embedded) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.broker.Close(ctx); err != nil {
		e.t.Error(err)
	}
}

func (e *embedded) URL() string                  { return "mqtt://" + e.addr }
func (e *embedded) Hub() (user, password string) { return e.access.HubUser, e.access.HubPassword }
func (e *embedded) Restart()                     { e.stop(); e.start() }

// river is gateways, a broker and a hub, running.
type river struct {
	t       testing.TB
	middle  middle
	hub     *hub
	intake  *intake.Intake
	shelves []*shelf
	uplinks []*uplink.Uplink
	stops   []context.CancelFunc
	ended   sync.WaitGroup
}

func (r *river) run(do func(context.Context) error) context.CancelFunc {
	ctx, cancel := context.WithCancel(context.Background())
	r.ended.Go(func() {
		if err := do(ctx); !errors.Is(err, context.Canceled) {
			r.t.Errorf("ended with %v", err)
		}
	})
	return cancel
}

// flow starts it. Waits are short, so that what a fault delays comes soon.
func flow(t testing.TB, m middle, h *hub, gateways []string, change func(*intake.Config)) *river {
	t.Helper()
	r := &river{t: t, middle: m, hub: h}
	user, password := m.Hub()
	r.intake = newIntake(t, m.URL(), user, password, h, change, nil)
	r.stops = append(r.stops, r.run(r.intake.Run))
	for _, id := range gateways {
		r.gateway(id, 50*time.Millisecond)
	}
	t.Cleanup(func() {
		for _, stop := range r.stops {
			stop()
		}
		r.ended.Wait()
	})
	return r
}

func (r *river) gateway(id string, resend time.Duration) {
	r.t.Helper()
	r.gatewayOn(newShelf(r.t, id, r.hub.has), resend)
}

func (r *river) gatewayOn(s *shelf, resend time.Duration, change ...func(*uplink.Config)) {
	r.t.Helper()
	cfg := uplink.Config{
		Broker: r.middle.URL(), HubKey: identity.FormatKey(r.hub.key.Public()),
		ResendAfter: config.Duration(resend), ResendMax: config.Duration(5 * resend), PollEvery: config.Duration(time.Hour),
		ReconnectMin: 5 * time.Millisecond, ReconnectMax: 50 * time.Millisecond,
	}
	for _, c := range change {
		c(&cfg)
	}
	u, err := uplink.New(cfg, community, s.gw, s, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.shelves, r.uplinks = append(r.shelves, s), append(r.uplinks, u)
	r.stops = append(r.stops, r.run(u.Run))
}

func (r *river) seal(n, readings int) {
	for i, s := range r.shelves {
		s.seal(n, readings)
		r.uplinks[i].Wake()
	}
}

// until waits for what has to become true.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// drained waits for all spools to be empty, and checks that the hub has exactly what was sealed.
func (r *river) drained() {
	r.t.Helper()
	until(r.t, "all spools are empty", func() bool {
		for _, s := range r.shelves {
			if !s.empty() {
				return false
			}
		}
		return true
	})
	for _, s := range r.shelves {
		kept := r.hub.kept[s.gw.Name]
		if len(kept) != int(s.next-1) || len(s.forgot) != len(kept) {
			r.t.Errorf("%s sealed %d batches; the hub has %d, %d are forgotten", s.gw.Name, s.next-1, len(kept), len(s.forgot))
		}
	}
}

func TestEverythingArrivesOnce(t *testing.T) {
	h := newHub(t)
	r := flow(t, newEmbedded(t), h, []string{"gw-1", "gw-2", "gw-3"}, nil)
	for range 3 {
		r.seal(30, 3)
		r.drained()
	}
	if st := r.uplinks[0].Status(); st.Stored != 90 || st.InFlight != 0 || !st.Connected || st.LastReceipt.IsZero() || st.Refused != 0 {
		t.Errorf("status %+v", st)
	}
}

// The law under everything at once: broker restarts, a hub that fails for a while, receipts lost, receipts forged.
func chaos(t *testing.T, m middle, batches, restarts int) {
	if testing.Short() {
		batches, restarts = batches/4, restarts/2
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	h := newHub(t)
	thief := identitytest.Keyed("hub", "thief")             // gives itself out as the hub
	h.misbehave = func(r wire.Receipt, raw []byte) []byte { // under the hub's lock
		other := r
		switch random.IntN(24) {
		case 0, 1:
			return nil // the receipt is lost on the way
		case 2:
			return h.seal(r, thief)
		case 3:
			other.Gateway = "gw-9"
			return h.seal(other, h.key)
		case 4:
			other.Digest[random.IntN(len(other.Digest))] ^= 1
			return h.seal(other, h.key)
		case 5:
			other.Sequence += 1 + random.Uint64N(5) // a batch the hub may not have
			return h.seal(other, h.key)
		case 6:
			return raw[:random.IntN(len(raw))]
		case 7:
			raw[random.IntN(len(raw))] ^= 1 << random.IntN(8)
			return raw
		}
		return raw
	}
	r := flow(t, m, h, []string{"gw-1", "gw-2", "gw-3"}, func(c *intake.Config) { c.Queue = 16 }) // smaller than a window: some are dropped
	for i := range restarts {
		r.seal(batches/restarts, 1)
		reached := (i*2 + 1) * 3 * batches / restarts / 2
		until(t, fmt.Sprintf("the hub has %d batches", reached), func() bool { return h.count() >= reached })
		h.fail(20 + random.IntN(100))
		m.Restart()
	}
	r.drained()
	if h.repeated == 0 || r.uplinks[0].Status().Resent == 0 || r.uplinks[0].Status().Refused == 0 {
		t.Errorf("nothing was repeated, resent or refused (%d, %+v): the test does not test", h.repeated, r.uplinks[0].Status())
	}
}

func TestNothingIsLostInChaos(t *testing.T) { chaos(t, newEmbedded(t), 80, 4) }
