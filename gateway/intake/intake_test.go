package intake_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/prometheus/client_golang/prometheus"

	"loam/gateway/intake"
	"loam/gateway/uplink"
	"loam/gateway/wire"
	"loam/internal/config"
	"loam/internal/mqttlink"
)

func TestAWrongConfigurationIsRefusedInWords(t *testing.T) {
	right := intake.Config{Broker: "mqtt://hub", Community: community, Username: "u", Password: "secret-word"}
	for says, change := range map[string]func(*intake.Config){
		"broker is missing":    func(c *intake.Config) { c.Broker = "" },
		`scheme "amqp"`:        func(c *intake.Config) { c.Broker = "amqp://hub" },
		`community "A/B"`:      func(c *intake.Config) { c.Community = "A/B" },
		"given twice":          func(c *intake.Config) { c.PasswordFile = "x" },
		"without username":     func(c *intake.Config) { c.Username = "" },
		"workers -1":           func(c *intake.Config) { c.Workers = -1 },
		"queue -1":             func(c *intake.Config) { c.Queue = -1 },
		"at least one batch":   func(c *intake.Config) { c.QueueBytes = 1 },
		"password_file: open ": func(c *intake.Config) { c.Password, c.PasswordFile = "", filepath.Join(t.TempDir(), "none") },
	} {
		c := right
		change(&c)
		_, err := intake.New(c, newHub(t), slog.New(slog.DiscardHandler), nil)
		if !errors.Is(err, intake.ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to say %q", err, says)
		}
		if err != nil && strings.Contains(err.Error(), right.Password) {
			t.Errorf("the error quotes the password: %v", err)
		}
	}
}

// raw connects as a gateway that the test drives by hand.
func raw(t *testing.T, m middle, user, password string) *mqttlink.Session {
	t.Helper()
	link, err := mqttlink.New(mqttlink.Config{Broker: m.URL(), ClientID: user, Username: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	up := make(chan *mqttlink.Session, 1)
	var ended sync.WaitGroup
	ended.Go(func() {
		_ = link.Run(ctx, func(ctx context.Context, s *mqttlink.Session) error {
			up <- s
			<-ctx.Done()
			return nil
		})
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
	select {
	case s := <-up:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("no connection")
		return nil
	}
}

// gatewayByHand connects as a gateway of the embedded broker.
func gatewayByHand(t *testing.T, e *embedded, id string) *mqttlink.Session {
	t.Helper()
	password, err := brokerPassword(id)
	if err != nil {
		t.Fatal(err)
	}
	return raw(t, e, id, password)
}

// handler is a function that handles.
type handler func(ctx context.Context, gateway string, payload []byte) ([]byte, error)

func (h handler) Handle(ctx context.Context, gateway string, payload []byte) ([]byte, error) {
	return h(ctx, gateway, payload)
}

// newIntake makes an intake that is quick to come back.
func newIntake(t testing.TB, url, user, password string, h intake.Handler, change func(*intake.Config), reg prometheus.Registerer) *intake.Intake {
	t.Helper()
	cfg := intake.Config{
		Broker: url, Community: community, Username: user, Password: password,
		ReconnectMin: 5 * time.Millisecond, ReconnectMax: 50 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	i, err := intake.New(cfg, h, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// start runs an intake on an embedded broker, connected.
func start(t *testing.T, e *embedded, h intake.Handler, change func(*intake.Config), reg prometheus.Registerer) *intake.Intake {
	t.Helper()
	user, password := e.Hub()
	i := newIntake(t, e.URL(), user, password, h, change, reg)
	r := &river{t: t}
	stop := r.run(i.Run)
	t.Cleanup(func() { stop(); r.ended.Wait() })
	until(t, "the intake is connected", i.Connected)
	return i
}

func publish(t *testing.T, s *mqttlink.Session, topic string, payload string) {
	t.Helper()
	if err := s.Publish(context.Background(), mqttlink.Message{Topic: topic, Payload: []byte(payload)}); err != nil {
		t.Fatal(err)
	}
}

func counted(t *testing.T, reg *prometheus.Registry, result string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "loam_intake_batches_total" && m.GetLabel()[0].GetValue() == result {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestAGatewaysOrderIsKeptAndNobodyWaitsForAnother(t *testing.T) {
	e := newEmbedded(t)
	var mu sync.Mutex
	seen := map[string][]string{}
	release := make(chan struct{})
	start(t, e, handler(func(_ context.Context, gateway string, payload []byte) ([]byte, error) {
		if gateway == "gw-1" {
			<-release
		}
		mu.Lock()
		defer mu.Unlock()
		seen[gateway] = append(seen[gateway], string(payload))
		return nil, nil
	}), nil, nil)
	slow, quick := gatewayByHand(t, e, "gw-1"), gatewayByHand(t, e, "gw-2")
	var want []string
	for i := range 40 {
		name := strings.Repeat("x", i)
		want = append(want, name)
		publish(t, slow, wire.BatchTopic(community, "gw-1"), name)
		publish(t, quick, wire.BatchTopic(community, "gw-2"), name)
	}
	arrived := func(gateway string) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return len(seen[gateway]) == len(want) }
	}
	until(t, "the quick gateway is served while the slow one is not", arrived("gw-2"))
	close(release)
	until(t, "the slow gateway is served", arrived("gw-1"))
	for gateway, got := range seen {
		if !slices.Equal(got, want) {
			t.Errorf("%s came in another order: %q", gateway, got)
		}
	}
}

func TestASlowHandlerCostsNeitherTheConnectionNorTheMemory(t *testing.T) {
	const room = 512 << 10
	e := newEmbedded(t)
	reg := prometheus.NewRegistry()
	var handled atomic.Int64
	release := make(chan struct{})
	i := start(t, e, handler(func(context.Context, string, []byte) ([]byte, error) {
		<-release
		handled.Add(1)
		return nil, nil
	}), func(c *intake.Config) { c.QueueBytes = room }, reg)
	gw := gatewayByHand(t, e, "gw-1")
	const each, n = 50_000, 40
	for k := range n {
		publish(t, gw, wire.BatchTopic(community, "gw-1"), strings.Repeat(string(rune('0'+k)), each))
	}
	until(t, "what finds no room is dropped", func() bool { return counted(t, reg, "dropped") == n-room/each })
	if !i.Connected() {
		t.Error("the connection is lost")
	}
	close(release)
	until(t, "what found room is handled", func() bool { return handled.Load() == room/each })
}

func TestAHandlerThatFailsOrPanicsStopsNothing(t *testing.T) {
	e := newEmbedded(t)
	reg := prometheus.NewRegistry()
	start(t, e, handler(func(_ context.Context, _ string, payload []byte) ([]byte, error) {
		switch {
		case bytes.HasPrefix(payload, []byte("panic")):
			panic("out of order")
		case bytes.HasPrefix(payload, []byte("fail")):
			return nil, errAway
		}
		return []byte("receipt for " + string(payload)), nil
	}), nil, reg)
	gw := gatewayByHand(t, e, "gw-1")
	receipts := make(chan string, 10)
	err := gw.Subscribe(context.Background(), func(_ string, p []byte, _ bool) { receipts <- string(p) }, wire.ReceiptTopic(community, "gw-1"))
	if err != nil {
		t.Fatal(err)
	}
	const n = 20 // more than there are workers
	for i := range n {
		publish(t, gw, wire.BatchTopic(community, "gw-1"), fmt.Sprint("panic ", i))
		publish(t, gw, wire.BatchTopic(community, "gw-1"), fmt.Sprint("fail ", i))
	}
	until(t, "all have failed", func() bool { return counted(t, reg, "failed") == 2*n })
	publish(t, gw, wire.BatchTopic(community, "gw-1"), "good")
	select {
	case r := <-receipts:
		if r != "receipt for good" {
			t.Errorf("receipt %q", r)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no receipt")
	}
}

func TestTheHandlerDecidesWhatIsTooLarge(t *testing.T) {
	e := newEmbedded(t)
	got := make(chan int, 1)
	start(t, e, handler(func(_ context.Context, _ string, p []byte) ([]byte, error) { got <- len(p); return nil, nil }),
		func(c *intake.Config) { c.QueueBytes = wire.MaxSealedBytes } /* less than it takes */, nil)
	gw := gatewayByHand(t, e, "gw-1")
	publish(t, gw, wire.BatchTopic(community, "gw-1"), strings.Repeat("x", wire.MaxSealedBytes+1000))
	select {
	case n := <-got:
		if n != wire.MaxSealedBytes+1000 {
			t.Errorf("%d bytes", n)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not reach the handler")
	}
}

func TestStatusesFollowTheGateways(t *testing.T) {
	e := newEmbedded(t)
	h := newHub(t)
	r := flow(t, e, h, []string{"gw-1"}, nil)
	online := func(want bool) func() bool {
		return func() bool { s, known := r.intake.Statuses()["gw-1"]; return known && s.Online == want }
	}
	until(t, "gw-1 is online", online(true))
	s := r.intake.Statuses()["gw-1"]
	if s.Since.IsZero() || s.Heard.IsZero() || s.Report.Spool == nil {
		t.Errorf("%+v", s)
	}
	until(t, "the uplink knows it", func() bool { return r.uplinks[0].Status().Connected })
	r.stops[1]() // the gateway stops and says so
	until(t, "gw-1 has said goodbye", online(false))
	if s := r.intake.Statuses()["gw-1"]; s.Report.Time == nil {
		t.Errorf("a goodbye without a time: %+v", s)
	}
	r.gateway("gw-1", 50*time.Millisecond)
	until(t, "gw-1 is back", online(true))
	e.Restart()
	until(t, "gw-1 is back after the broker was away", func() bool {
		now := r.intake.Statuses()["gw-1"]
		return now.Online && now.Since.After(s.Since)
	})

	// A second hub that starts later hears what was kept.
	gw := gatewayByHand(t, e, "gw-2")
	if err := gw.Publish(context.Background(), mqttlink.Message{Topic: wire.StatusTopic(community, "gw-2"), Payload: []byte("junk"), Retained: true}); err != nil {
		t.Fatal(err)
	}
	forged, _ := uplink.Report{Gateway: "gw-1", State: uplink.Offline, Since: time.Now().Add(time.Hour)}.Encode()
	publish(t, gw, wire.StatusTopic(community, "gw-2"), string(forged))
	if !online(true)() {
		t.Error("one gateway speaks for another")
	}
}

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
	hubKey := "ed25519:" + base64.RawURLEncoding.EncodeToString(newSigner("hub").Public())
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
	for _, secret := range []string{own, "a wrong secret", base64.RawURLEncoding.EncodeToString(s.gw.key.Seed())} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log holds a secret: %s", &out)
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
