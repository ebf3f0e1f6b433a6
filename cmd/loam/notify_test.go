package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"loam/gateway/sampler"
	"loam/sensors"
	"loam/sensors/clock"
)

// systemd is the other end of NOTIFY_SOCKET.
type systemd struct {
	mu    sync.Mutex
	heard []string
}

func listenAsSystemd(t *testing.T) *systemd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	s := &systemd{}
	go func() {
		for buf := make([]byte, 4096); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.heard = append(s.heard, string(buf[:n]))
			s.mu.Unlock()
		}
	}()
	return s
}

// count returns how often systemd heard something that begins so.
func (s *systemd) count(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, h := range s.heard {
		if strings.HasPrefix(h, prefix) {
			n++
		}
	}
	return n
}

// bus is a source that hangs, whatever its context says, until it is let go.
type bus struct {
	mu   sync.Mutex
	hung chan struct{}
}

func (b *bus) hang() (letGo func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	hung := make(chan struct{})
	b.hung = hung
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.hung = nil
		close(hung)
	}
}

func (b *bus) Sense(context.Context) ([]sensors.Sample, error) {
	b.mu.Lock()
	hung := b.hung
	b.mu.Unlock()
	if hung != nil {
		<-hung
	}
	return nil, errors.New("nothing to say")
}

func (b *bus) Close() error { return nil }

// The watchdog's food comes from sampling that turns: one bus that hangs does not stop it, when every bus hangs it stops,
// and it comes back with them.
func TestTheWatchdogIsFedBySamplingThatTurns(t *testing.T) {
	heard := listenAsSystemd(t)
	clk, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	buses := []*bus{{}, {}}
	var probes []sampler.Probe
	for i, b := range buses {
		probes = append(probes, sampler.Probe{Name: fmt.Sprint(i), Bus: fmt.Sprint(i), Source: b})
	}
	s := sampler.New(probes, sampler.SinkFunc(func(context.Context, []sensors.Reading) error { return nil }), clk, slog.New(slog.DiscardHandler), nil)
	w := watch{
		watchdog: 30 * time.Millisecond,
		stalled:  func() error { return s.Stalled(100 * time.Millisecond) },
		status:   func(context.Context) string { return "all\nwell" },
		failed:   func(error) {},
		send: func(state string) {
			if sent, err := daemon.SdNotify(false, state); !sent || err != nil {
				t.Errorf("notify %q: %v, %v", state, sent, err)
			}
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = s.Run(ctx, 20*time.Millisecond) })
	done.Go(func() { _ = w.run(ctx) })

	fedIn := func(d time.Duration) int {
		before := heard.count("WATCHDOG=1")
		time.Sleep(d)
		return heard.count("WATCHDOG=1") - before
	}
	if n := fedIn(300 * time.Millisecond); n < 5 {
		t.Errorf("fed %d times while all is well", n)
	}
	mendFirst := buses[0].hang()
	time.Sleep(250 * time.Millisecond)
	if n := fedIn(300 * time.Millisecond); n < 5 {
		t.Errorf("fed %d times while one bus of two hangs", n)
	}
	mendSecond := buses[1].hang()
	time.Sleep(250 * time.Millisecond)
	if n := fedIn(300 * time.Millisecond); n != 0 {
		t.Errorf("fed %d times while nothing turns", n)
	}
	if heard.count("STATUS=stalled: sampler: sampling has stopped turning") == 0 {
		t.Error("nobody was told why")
	}
	mendFirst()
	time.Sleep(100 * time.Millisecond)
	if n := fedIn(300 * time.Millisecond); n < 5 {
		t.Errorf("fed %d times when a bus is back", n)
	}
	mendSecond()
	cancel()
	done.Wait()
	for deadline := time.Now().Add(5 * time.Second); heard.count("STOPPING=1") == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	heard.mu.Lock()
	defer heard.mu.Unlock()
	if heard.heard[0] != "READY=1" || heard.heard[len(heard.heard)-1] != "STOPPING=1" || !slices.Contains(heard.heard, "STATUS=all well") {
		t.Errorf("systemd heard %q", heard.heard)
	}
}

// Without a watchdog nothing is fed, and without systemd nothing is sent anywhere.
func TestNoWatchdogNoFood(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var sent []string
	w := watch{
		stalled: func() error { return nil }, status: func(context.Context) string { return "well" }, failed: func(error) {},
		send: func(s string) { sent = append(sent, s) },
	}
	if err := w.run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if want := []string{"READY=1", "STATUS=well", "STOPPING=1"}; !slices.Equal(sent, want) {
		t.Errorf("sent %q, want %q", sent, want)
	}
}

// A gateway says by itself that it is up, how its probes are, that it lives, and that it stops.
func TestAGatewayTellsSystemd(t *testing.T) {
	heard := listenAsSystemd(t)
	t.Setenv("WATCHDOG_USEC", "150000")
	dir := t.TempDir()
	path := filepath.Join(dir, "gateway.toml")
	if err := os.WriteFile(path, []byte(`
community = "willow-creek"
gateway = "brook"
state_dir = "state"
[sampling]
interval = "1s"
timeout = "1s"
[uplink]
broker = "mqtt://127.0.0.1:1"
hub_key = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
[simulate]
place = "stream"
seed = 1
start = 2026-01-01
[[probe]]
name = "air"
driver = "bme280"
bus = "SIM-stream-I2C"
  [[probe.channel]]
  id = "air-temperature"
  quantity = "air_temperature"
`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := readGatewayConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	clk, err := cfg.clock()
	if err != nil {
		t.Fatal(err)
	}
	g, err := openGateway(t.Context(), cfg, clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, clk) }()
	const well = "STATUS=1 of 1 probes answer; "
	for deadline := time.Now().Add(10 * time.Second); heard.count(well+"1 readings wait") == 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); heard.count("STOPPING=1") == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond) // it is still on its way to this test's reader
	}
	if heard.count("READY=1") != 1 || heard.count("WATCHDOG=1") < 3 || heard.count(well) == 0 || heard.count("STOPPING=1") != 1 {
		heard.mu.Lock()
		defer heard.mu.Unlock()
		t.Errorf("systemd heard %q", heard.heard)
	}
}
