//go:build servers

package homeassistant

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"loam/internal/mqttlink"
	"loam/internal/servertest"
	"loam/sensors"
	"loam/sensors/clock"
)

const acl = `user gateway
topic write homeassistant/device/loam_willow-creek_meadow/#
topic read homeassistant/status
user home
topic readwrite homeassistant/#
`

// home plays Home Assistant: it keeps all it hears, and says when it is back.
type home struct {
	heard   chan heard
	session *mqttlink.Session
	leave   func()
}

type heard struct {
	topic, payload string
	retained       bool
}

func newHome(t *testing.T, broker string) *home {
	t.Helper()
	l, err := mqttlink.New(mqttlink.Config{Broker: broker, ClientID: "home", Username: "home", Password: "home password"})
	if err != nil {
		t.Fatal(err)
	}
	h := &home{heard: make(chan heard, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		_ = l.Try(ctx, func(ctx context.Context, s *mqttlink.Session) error {
			h.session = s
			ready <- s.Subscribe(ctx, func(topic string, payload []byte, retained bool) {
				h.heard <- heard{topic, string(payload), retained}
			}, "homeassistant/device/#")
			<-ctx.Done()
			return nil
		})
	}()
	select {
	case err := <-ready:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no connection to the broker")
	}
	h.leave = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(h.leave)
	return h
}

// wait returns what comes next on the topic; everything else that comes before is an error.
func (h *home) wait(t *testing.T, topic string) heard {
	t.Helper()
	select {
	case m := <-h.heard:
		if m.topic != topic {
			t.Fatalf("%+v came; want something on %s", m, topic)
		}
		return m
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing came on %s", topic)
	}
	return heard{}
}

func (h *home) says(t *testing.T, word string) {
	t.Helper()
	if err := h.session.Publish(t.Context(), mqttlink.Message{Topic: "homeassistant/status", Payload: []byte(word)}); err != nil {
		t.Fatal(err)
	}
}

func (h *home) device(t *testing.T, state string) {
	t.Helper()
	want := meadow.topics("homeassistant")
	m := h.wait(t, want.config)
	var d discovery
	if err := json.Unmarshal([]byte(m.payload), &d); err != nil || len(d.Components) != len(meadow.Channels) || d.Availability != want.availability {
		t.Fatalf("discovery %s: %v", m.payload, err)
	}
	for id, c := range d.Components {
		if c.Expires <= 0 || c.State == d.Availability {
			t.Errorf("%s never expires: %+v", id, c)
		}
	}
	if m := h.wait(t, want.availability); m.payload != state {
		t.Errorf("the device is %s; want %s", m.payload, state)
	}
}

func start(t *testing.T, m *Mirror) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = m.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

func broker(t *testing.T) (*servertest.MosquittoServer, Config) {
	t.Helper()
	b := servertest.Mosquitto(t, servertest.MosquittoConfig{Users: map[string]string{"gateway": "gateway password", "home": "home password"}, ACL: acl})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("gateway password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return b, Config{Broker: b.URL(), Username: "gateway", PasswordFile: file}
}

// A real broker and somebody who plays Home Assistant: the device after connecting and after each birth, values as they
// come, nothing retained but the device and whether it is there, and offline on leaving.
func TestHomeAssistantSeesADeviceThatLives(t *testing.T) {
	b, cfg := broker(t)
	topics := meadow.topics("homeassistant")
	h := newHome(t, b.URL())
	m, _ := newMirror(t, cfg, at(booted))
	stop := start(t, m)
	h.device(t, "online")

	m.Show([]sensors.Reading{warm("20.50", booted)})
	if got := h.wait(t, topics.state("air-temperature")); got.payload != `{"value":20.50,"measured_at":"2026-05-01T12:00:00Z","calibration":"factory"}` {
		t.Errorf("state %s", got.payload)
	}
	h.says(t, "offline") // Home Assistant's will: nobody to tell
	h.says(t, "online")
	h.device(t, "online")

	h.leave()
	again := newHome(t, b.URL())
	for range 2 { // what is retained, in any order
		m := <-again.heard
		if !m.retained || m.topic != topics.config && m.topic != topics.availability {
			t.Errorf("retained: %+v", m)
		}
	}
	stop()
	if m := again.wait(t, topics.availability); m.payload != "offline" {
		t.Errorf("after a clean end the device is %s", m.payload)
	}
}

// Where Home Assistant's birth message is retained, every connection hears it: the device is told of once nevertheless.
func TestAnOldBirthIsNoNews(t *testing.T) {
	b, cfg := broker(t)
	topics := meadow.topics("homeassistant")
	h := newHome(t, b.URL())
	if err := h.session.Publish(t.Context(), mqttlink.Message{Topic: topics.home, Payload: []byte("online"), Retained: true}); err != nil {
		t.Fatal(err)
	}
	m, _ := newMirror(t, cfg, at(booted))
	stop := start(t, m)
	h.device(t, "online")
	for range 3 {
		m.Show([]sensors.Reading{warm("20.50", booted)})
		h.wait(t, topics.state("air-temperature"))
	}
	stop()
	if m := h.wait(t, topics.availability); m.payload != "offline" {
		t.Errorf("after a clean end the device is %s", m.payload)
	}
}

// TestMain lets this binary be a gateway that can be killed.
func TestMain(m *testing.M) {
	broker := os.Getenv("LOAM_TEST_MIRROR_BROKER")
	if broker == "" {
		os.Exit(m.Run())
	}
	cfg := Config{Broker: broker, Username: "gateway", PasswordFile: os.Getenv("LOAM_TEST_MIRROR_PASSWORD")}
	mirror, err := New(cfg, meadow, at(booted), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		panic(err)
	}
	_ = mirror.Run(context.Background()) // until it is killed
}

// A gateway that loses its power says nothing; its last will does.
func TestAGatewayThatIsKilledGoesOffline(t *testing.T) {
	b, cfg := broker(t)
	h := newHome(t, b.URL())
	gateway := exec.Command(os.Args[0])
	gateway.Env = append(os.Environ(), "LOAM_TEST_MIRROR_BROKER="+cfg.Broker, "LOAM_TEST_MIRROR_PASSWORD="+cfg.PasswordFile)
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() { _ = gateway.Process.Kill(); _ = gateway.Wait() })
	t.Cleanup(kill)
	h.device(t, "online")
	kill()
	if m := h.wait(t, meadow.topics("homeassistant").availability); m.payload != "offline" {
		t.Errorf("after its death the device is %s", m.payload)
	}
}

// What was measured while the broker was away is not told when it is back, but for what is still true then.
func TestABacklogIsNeverShown(t *testing.T) {
	b, cfg := broker(t)
	topics := meadow.topics("homeassistant")
	var mu sync.Mutex
	now := booted
	m, _ := newMirror(t, cfg, func() clock.Instant { mu.Lock(); defer mu.Unlock(); return now })
	b.Kill()
	for i := range 60 {
		mu.Lock()
		now = later(time.Duration(i) * time.Minute)
		mu.Unlock()
		m.Show([]sensors.Reading{warm("20", now), reading("pond-ph", sensors.WaterPH, "7", booted, "")})
	}
	mu.Lock()
	now = later(time.Hour)
	mu.Unlock()
	b.Start()
	h := newHome(t, b.URL())
	start(t, m)
	h.device(t, "online")
	m.Show([]sensors.Reading{warm("21", later(time.Hour))})
	for last := ""; last != "21"; {
		got := h.wait(t, topics.state("air-temperature"))
		var s state
		if err := json.Unmarshal([]byte(got.payload), &s); err != nil || s.Measured < later(59*time.Minute).Wall.Format(time.RFC3339) {
			t.Fatalf("%s: %v", got.payload, err)
		}
		last = s.Value.String()
	}
}
