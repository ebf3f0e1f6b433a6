package intake_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/uplink"
	"loam/gateway/wire"
	"loam/internal/config"
)

func TestWhatIsWaitingWhenTheHubStartsArrives(t *testing.T) {
	e := newEmbedded(t)
	h := newHub(t)
	r := &river{t: t, middle: e, hub: h}
	r.gateway("gw-1", 30*time.Millisecond)
	t.Cleanup(func() { r.stops[0](); r.ended.Wait() })
	r.seal(50, 1)
	until(t, "the gateway has sent", func() bool { return r.uplinks[0].Status().Resent > 0 })
	start(t, e, h, nil, nil)
	r.drained()
	if st := r.uplinks[0].Status(); st.Stored != 50 {
		t.Errorf("%+v", st)
	}
}

func TestAfterALostConnectionEverythingIsSentAgainAtOnce(t *testing.T) {
	e := newEmbedded(t)
	h := newHub(t)
	deaf := true
	h.misbehave = func(_ wire.Receipt, raw []byte) []byte {
		if deaf {
			return nil
		}
		return raw
	}
	r := flow(t, e, h, nil, nil)
	r.gatewayOn(newShelf(t, "gw-1", h.has), time.Hour, func(c *uplink.Config) { c.PollEvery = config.Duration(time.Hour) })
	// What a gateway sends before the hub has subscribed is lost in the broker, and here nothing is sent twice.
	until(t, "the hub listens", func() bool { return r.intake.Statuses()["gw-1"].Online })
	r.seal(20, 1)
	until(t, "the hub has all and has not said so", func() bool { return h.count() == 20 })
	h.mu.Lock()
	deaf = false
	h.mu.Unlock()
	kick(t, e, "gw-1")
	r.drained()
}

// kick makes the broker let go of a gateway's connection, by making another as the same gateway and leaving.
func kick(t *testing.T, e *embedded, id string) {
	t.Helper()
	password, err := brokerPassword(id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	hello := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion, hello.CleanSession, hello.Keepalive = "MQTT", 4, true, 30
	hello.ClientIdentifier, hello.Username, hello.UsernameFlag, hello.Password, hello.PasswordFlag = id, id, true, []byte(password), true
	if err := hello.Write(c); err != nil {
		t.Fatal(err)
	}
	if ack, err := packets.ReadPacket(c); err != nil || ack.(*packets.ConnackPacket).ReturnCode != packets.Accepted {
		t.Fatalf("%v, %v", ack, err)
	}
}

func TestASilentHubIsTriedOverAnotherConnection(t *testing.T) {
	e := newEmbedded(t)
	h := newHub(t)
	h.misbehave = func(wire.Receipt, []byte) []byte { return nil }
	r := flow(t, e, h, nil, nil)
	r.gatewayOn(newShelf(t, "gw-1", h.has), 10*time.Millisecond, func(c *uplink.Config) { c.StallAfter = config.Duration(100 * time.Millisecond) })
	until(t, "there is a connection", func() bool { return r.uplinks[0].Status().Connected })
	began := r.uplinks[0].Status().Since
	r.seal(1, 1)
	until(t, "there is another", func() bool { s := r.uplinks[0].Status(); return s.Connected && s.Since.After(began) })
	h.mu.Lock()
	h.misbehave = nil
	h.mu.Unlock()
	r.drained()
}

func TestAPollFindsWhatNobodySpokeOfAndWhatWasLeftBehind(t *testing.T) {
	h := newHub(t)
	r := flow(t, newEmbedded(t), h, nil, nil)
	s := newShelf(t, "gw-1", h.has)
	s.deny = 3
	r.gatewayOn(s, time.Hour, func(c *uplink.Config) { c.PollEvery = config.Duration(10 * time.Millisecond) })
	until(t, "there is a connection", func() bool { return r.uplinks[0].Status().Connected })
	s.seal(10, 1) // and no Wake
	r.drained()
}

// Live readings pass a backlog.
func TestWhatIsSealedNowPassesTheBacklog(t *testing.T) {
	e := newEmbedded(t)
	h := newHub(t)
	var mu sync.Mutex
	var order []uint64
	gate := make(chan struct{}, 1000)
	h.before = func(_ string, payload []byte) {
		<-gate
		header, _ := wire.Peek(payload)
		mu.Lock()
		defer mu.Unlock()
		order = append(order, header.Sequence)
	}
	start(t, e, h, nil, nil)
	r := &river{t: t, middle: e, hub: h}
	s := newShelf(t, "gw-1", h.has)
	s.seal(200, 1)
	r.gatewayOn(s, time.Minute)
	t.Cleanup(func() { r.stops[0](); r.ended.Wait() })
	gate <- struct{}{}
	until(t, "the backlog is on its way", func() bool { return r.uplinks[0].Status().Stored == 1 })
	r.seal(1, 1)
	until(t, "the new batch is under way", func() bool { return r.uplinks[0].Status().InFlight > 24 })
	for range 400 {
		gate <- struct{}{}
	}
	r.drained()
	if at := slices.Index(order, 201); at < 0 || at > 32 {
		t.Errorf("the batch sealed last came as number %d, after the backlog", at)
	}
}

func TestSecretsStayOutOfTheLog(t *testing.T) {
	e := newEmbedded(t)
	var mu sync.Mutex
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return out.Write(p) }), &slog.HandlerOptions{Level: slog.LevelDebug}))
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("a wrong secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newShelf(t, "gw-1", nil)
	hubKey := identity.FormatKey(identitytest.NewSigner("hub").Public())
	own, err := brokerPassword("gw-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []uplink.Config{{}, {Username: "gw-1", PasswordFile: file}} {
		cfg.Broker, cfg.HubKey, cfg.StatusEvery = e.URL(), hubKey, config.Duration(10*time.Millisecond)
		u, err := uplink.New(cfg, community, s.gw, s, log, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		err = u.Run(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
	}
	if !strings.Contains(out.String(), "connected") || !strings.Contains(out.String(), "no connection") {
		t.Errorf("the log does not say how it went: %s", &out)
	}
	for _, secret := range []string{own, "a wrong secret", base64.RawURLEncoding.EncodeToString(s.gw.Key.Seed())} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log holds a secret: %s", &out)
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
