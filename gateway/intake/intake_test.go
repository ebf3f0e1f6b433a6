package intake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/gateway/intake"
	"loam/gateway/uplink"
	"loam/gateway/wire"
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
