package broker_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"loam/gateway/broker"
	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
)

const community = "valley"

// soon bounds what has to happen; a test that passes does not wait for it.
const soon = 10 * time.Second

// password is what the gateway logs in with.
func password(t testing.TB, id string) string {
	t.Helper()
	p, err := identity.BrokerPassword(identitytest.NewSigner(id), community)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// keys is a registry of those named.
type keys struct {
	mu    sync.Mutex
	known map[string]bool
}

func enrolled(ids ...string) *keys {
	k := &keys{known: map[string]bool{}}
	for _, id := range ids {
		k.known[id] = true
	}
	return k
}

func (k *keys) Key(id string) (ed25519.PublicKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.known[id] {
		return nil, false
	}
	return identitytest.NewSigner(id).Public(), true
}

func (k *keys) strike(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, id)
}

// house is a broker under test, with everything it logged.
type house struct {
	*broker.Broker
	access broker.GatewayAccess
	keys   *keys
	log    *logged
}

type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func open(t testing.TB, cfg broker.Config) *house {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	h := &house{keys: enrolled("gw", "gw-1", "gw-2"), log: &logged{}}
	h.access = broker.NewGatewayAccess(community, h.keys)
	b, err := broker.Start(cfg, h.access, slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	h.Broker = b
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return h
}

// guest is a client that the test knows everything about.
type guest struct {
	mqtt.Client
	t    testing.TB
	lost chan error
	got  chan mqtt.Message
}

// knock connects and returns how it went.
func (h *house) knock(t testing.TB, user, password string, change func(*mqtt.ClientOptions)) (*guest, error) {
	t.Helper()
	g := &guest{t: t, lost: make(chan error, 1), got: make(chan mqtt.Message, 1000)}
	o := mqtt.NewClientOptions().AddBroker("tcp://" + h.Addr()).SetProtocolVersion(4).
		SetClientID(user).SetUsername(user).SetPassword(password).SetCleanSession(true).
		SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(soon).SetWriteTimeout(soon).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { g.lost <- err }).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { g.got <- m })
	if change != nil {
		change(o)
	}
	g.Client = mqtt.NewClient(o)
	t.Cleanup(func() { g.Disconnect(0) })
	token := g.Connect()
	if !token.WaitTimeout(soon) {
		t.Fatal("the broker does not answer")
	}
	return g, token.Error()
}

// enter connects, or fails the test.
func (h *house) enter(t testing.TB, user, password string, change func(*mqtt.ClientOptions)) *guest {
	t.Helper()
	g, err := h.knock(t, user, password, change)
	if err != nil {
		t.Fatalf("%s is not let in: %v", user, err)
	}
	return g
}

func (h *house) gateway(t testing.TB, id string) *guest {
	t.Helper()
	return h.enter(t, id, password(t, id), nil)
}

func (h *house) hub(t testing.TB) *guest {
	t.Helper()
	return h.enter(t, h.access.HubUser, h.access.HubPassword, nil)
}

// subscribe asks for a filter and reports whether it was granted.
func (g *guest) subscribe(filter string) bool {
	g.t.Helper()
	token := g.Subscribe(filter, 1, nil)
	if !token.WaitTimeout(soon) {
		g.t.Fatalf("no answer to a subscription to %q", filter)
	}
	if token.Error() != nil {
		return false
	}
	for _, granted := range token.(*mqtt.SubscribeToken).Result() { // under a name of the client's own for $share
		return granted <= 2
	}
	return false
}

// publish sends and waits for the broker to take it, or fails the test.
func (g *guest) publish(topic string, retained bool, payload string) {
	g.t.Helper()
	token := g.Publish(topic, 1, retained, payload)
	if !token.WaitTimeout(soon) || token.Error() != nil {
		g.t.Fatalf("publish on %s: %v", topic, token.Error())
	}
}

// receive returns the next message, or fails the test.
func (g *guest) receive() mqtt.Message {
	g.t.Helper()
	select {
	case m := <-g.got:
		return m
	case <-time.After(soon):
		g.t.Fatal("no message came")
		return nil
	}
}

func TestAGatewayAndItsHubTalk(t *testing.T) {
	h := open(t, broker.Config{})
	hub, gw := h.hub(t), h.gateway(t, "gw-1")
	for _, f := range []string{wire.BatchTopic(community, "+"), wire.StatusTopic(community, "+")} {
		if !hub.subscribe(f) {
			t.Errorf("the hub may not read %s", f)
		}
	}
	for _, f := range []string{wire.ReceiptTopic(community, "gw-1"), wire.ConfigTopic(community, "gw-1")} {
		if !gw.subscribe(f) {
			t.Errorf("the gateway may not read %s", f)
		}
	}
	for _, way := range []struct {
		from, to *guest
		topic    string
	}{
		{gw, hub, wire.BatchTopic(community, "gw-1")}, {gw, hub, wire.StatusTopic(community, "gw-1")},
		{hub, gw, wire.ReceiptTopic(community, "gw-1")}, {hub, gw, wire.ConfigTopic(community, "gw-1")},
	} {
		way.from.publish(way.topic, false, "hello "+way.topic)
		if m := way.to.receive(); m.Topic() != way.topic || string(m.Payload()) != "hello "+way.topic {
			t.Errorf("%s came as %q on %s", way.topic, m.Payload(), m.Topic())
		}
	}
}

func TestManyMessagesArriveInOrder(t *testing.T) {
	h := open(t, broker.Config{})
	hub, gw := h.hub(t), h.gateway(t, "gw-1")
	hub.subscribe(wire.BatchTopic(community, "+"))
	const n = 500
	for i := range n {
		gw.Publish(wire.BatchTopic(community, "gw-1"), 1, false, fmt.Sprint(i, " ", strings.Repeat("x", i*7)))
	}
	for i := range n {
		if m := hub.receive(); string(m.Payload()) != fmt.Sprint(i, " ", strings.Repeat("x", i*7)) {
			t.Fatalf("message %d is %.20q", i, m.Payload())
		}
	}
}

func TestRetainedOnlyWhereALastWordMakesSense(t *testing.T) {
	h := open(t, broker.Config{})
	gw := h.gateway(t, "gw-1")
	gw.publish(wire.BatchTopic(community, "gw-1"), true, "batch")
	gw.publish(wire.StatusTopic(community, "gw-1"), true, "status")
	hub := h.hub(t)
	hub.subscribe(wire.BatchTopic(community, "+"))
	hub.subscribe(wire.StatusTopic(community, "+"))
	if m := hub.receive(); string(m.Payload()) != "status" || !m.Retained() {
		t.Errorf("first came %q, retained %v", m.Payload(), m.Retained())
	}
	gw.publish(wire.BatchTopic(community, "gw-1"), true, "another")
	m := hub.receive()
	for string(m.Payload()) == "status" { // the same once more, where it was still on its way to whoever subscribed
		m = hub.receive()
	}
	if string(m.Payload()) != "another" {
		t.Errorf("then came %q: a batch was kept", m.Payload())
	}
}

func TestALostGatewaysWillIsHeard(t *testing.T) {
	h := open(t, broker.Config{})
	hub := h.hub(t)
	hub.subscribe(wire.StatusTopic(community, "+"))
	var conn tapped
	h.enter(t, "gw-1", password(t, "gw-1"), func(o *mqtt.ClientOptions) {
		o.SetWill(wire.StatusTopic(community, "gw-1"), "gone", 1, true)
		conn.into(o)
	})
	conn.cut()
	if m := hub.receive(); string(m.Payload()) != "gone" {
		t.Errorf("came %q", m.Payload())
	}
}

func TestANewConnectionReplacesTheOldOneAndHasTheLastWord(t *testing.T) {
	h := open(t, broker.Config{})
	hub := h.hub(t)
	hub.subscribe(wire.StatusTopic(community, "+"))
	status := wire.StatusTopic(community, "gw-1")
	for i := range 200 {
		gw := h.enter(t, "gw-1", password(t, "gw-1"), func(o *mqtt.ClientOptions) {
			o.SetWill(status, fmt.Sprint("lost ", i), 1, true)
		})
		gw.publish(status, true, fmt.Sprint("here ", i))
		if !gw.subscribe(wire.ReceiptTopic(community, "gw-1")) {
			t.Fatal("subscription refused")
		}
		m := hub.receive()
		for m.Retained() || string(m.Payload()) == fmt.Sprint("lost ", i-1) {
			// What is said while a subscription begins comes a second time, as retained; and the old will may come, but before.
			m = hub.receive()
		}
		if string(m.Payload()) != fmt.Sprint("here ", i) {
			t.Fatalf("connection %d: the hub hears %q", i, m.Payload())
		}
		hub.publish(wire.ReceiptTopic(community, "gw-1"), false, fmt.Sprint("receipt ", i))
		if m := gw.receive(); string(m.Payload()) != fmt.Sprint("receipt ", i) {
			t.Fatalf("connection %d gets %q", i, m.Payload())
		}
	}
}

func TestCloseLetsGoOfThoseWhoNeverSaidWhoTheyAre(t *testing.T) {
	h := open(t, broker.Config{})
	c := h.dial(t)
	defer c.Close()
	h.gateway(t, "gw-1")
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(ctx); err != nil {
		t.Fatalf("a second time: %v", err)
	}
}

func TestAddressIsFreeAgainAfterClose(t *testing.T) {
	h := open(t, broker.Config{})
	h.gateway(t, "gw-1")
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}
	again := open(t, broker.Config{Listen: h.Addr()})
	again.gateway(t, "gw-1")
}
