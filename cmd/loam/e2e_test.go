//go:build e2e

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"loam/gateway/wire"
	"loam/internal/servertest"
	"loam/sensors/clock"
	"loam/sensors/sim"
	"loam/valuation/recompute"
)

// The river with a process for each role: gateways and hub, a real Mosquitto between them, a real InfluxDB behind.
type river struct {
	t         *testing.T
	dir       string
	binary    string
	mosquitto *servertest.MosquittoServer
	influx    *servertest.InfluxServer
	database  string
	between   *weather // what the hub sees of InfluxDB
	pages     string   // address of the hub's pages
	hub       *process
	gateways  map[string]*process
}

// process is one role that can be killed and started again. Its log goes to a file, over all its lives.
type process struct {
	t    *testing.T
	args []string
	bin  string
	log  string
	cmd  *exec.Cmd
}

func (r *process) start() {
	r.t.Helper()
	f, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	r.cmd = exec.Command(r.bin, r.args...)
	r.cmd.Stderr, r.cmd.Stdout = f, f
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *process) end(sig syscall.Signal) error {
	if r.cmd == nil {
		return nil
	}
	_ = r.cmd.Process.Signal(sig)
	err := r.cmd.Wait()
	r.cmd = nil
	return err
}

// kill ends the process as a power cut would, and starts it again a moment later.
func (r *process) kill() {
	r.t.Helper()
	_ = r.end(syscall.SIGKILL)
	time.Sleep(300 * time.Millisecond)
	r.start()
}

// weather stands between hub and InfluxDB and makes it answer badly, or not at all.
type weather struct {
	*httptest.Server
	mode   atomic.Int64 // 0: fair; 404, 500: answered so; −1: no answer
	spoilt atomic.Int64 // writes that were not let through
}

func newWeather(t *testing.T, target string) *weather {
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	w := &weather{}
	fair := httputil.NewSingleHostReverseProxy(u)
	fair.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mode := w.mode.Load()
		if mode != 0 && strings.Contains(r.URL.Path, "write") {
			w.spoilt.Add(1)
		}
		switch {
		case mode == 0:
			// In one piece: a server that answers before it has read everything would otherwise lose its answer here.
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			fair.ServeHTTP(rw, r)
		case mode < 0:
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		default:
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(int(mode))
			fmt.Fprintf(rw, `{"code":"internal error","message":"database not found: bad weather %d"}`, mode)
		}
	}))
	t.Cleanup(func() { w.CloseClientConnections(); w.Close() })
	return w
}

// source starts the river: servers first, then the hub, then the gateways.
func source(t *testing.T, places ...sim.Place) *river {
	t.Helper()
	r := &river{t: t, dir: t.TempDir(), gateways: map[string]*process{}}
	r.binary = filepath.Join(r.dir, "loam")
	build := exec.Command("go", "build", "-o", r.binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	users := map[string]string{"hub": "hub-password"}
	acl := "user hub\ntopic read loam/1/willow-creek/+/batch\ntopic read loam/1/willow-creek/+/status\ntopic write loam/1/willow-creek/+/receipt\ntopic write loam/1/willow-creek/+/config\n"
	for _, p := range places {
		users[string(p)] = string(p) + "-password"
		acl += fmt.Sprintf("user %[1]s\ntopic write loam/1/willow-creek/%[1]s/batch\ntopic write loam/1/willow-creek/%[1]s/status\ntopic read loam/1/willow-creek/%[1]s/receipt\ntopic read loam/1/willow-creek/%[1]s/config\n", p)
	}
	r.mosquitto = servertest.Mosquitto(t, servertest.MosquittoConfig{Users: users, ACL: acl})
	r.influx = servertest.Influx(t)
	bucket := r.influx.Database()
	r.database, _, _ = strings.Cut(bucket, "/")
	r.between = newWeather(t, r.influx.URL())

	world := demoWorld{Seed: demoSeed, Start: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -20)}
	r.pages = servertest.FreeAddress(t)
	files, err := layOutDemo(r.dir, world, r.pages)
	if err != nil {
		t.Fatal(err)
	}
	r.change(files.hub, "[broker]\nlisten = \"127.0.0.1:0\"", fmt.Sprintf("[mqtt]\nbroker = %q\nusername = \"hub\"\npassword_file = \"hub.password\"", r.mosquitto.URL()))
	r.change(files.hub, `kind = "sqlite"`, fmt.Sprintf("kind = \"influx\"\nurl = %q\nbucket = %q", r.between.URL, bucket))
	r.write("hub.password", "hub-password\n")
	method := filepath.Join(r.dir, "method.toml") // a statement a minute, of as little as a minute has
	r.change(method, `cron = "0 0 * * *"`, `cron = "* * * * *"`)
	r.change(method, `settle = "1h"`, `settle = "3s"`)
	r.change(method, `challenge = "5m"`, `challenge = "1s"`)
	r.change(method, "min_coverage = 0.75", "min_coverage = 0.01")
	r.hub = r.process("hub", "hub", "--config", files.hub)
	for _, p := range places {
		id := string(p)
		path := filepath.Join(r.dir, "gateway-"+id+".toml")
		r.change(path, `"mqtt://127.0.0.1:1883"`, fmt.Sprintf("%q\nusername = %q\npassword_file = %q\nresend_after = \"2s\"", r.mosquitto.URL(), id, id+".password"))
		r.write(id+".password", id+"-password\n")
		r.gateways[id] = r.process(id, "gateway", "--config", path)
	}
	t.Cleanup(func() {
		if t.Failed() {
			r.tell()
		}
	})
	return r
}

func (r *river) process(name string, args ...string) *process {
	x := &process{t: r.t, bin: r.binary, log: filepath.Join(r.dir, name+".log"), args: append(args, "--log-json", "--log-level", "debug")}
	x.start()
	r.t.Cleanup(func() { _ = x.end(syscall.SIGKILL) })
	return x
}

func (r *river) write(name, content string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *river) change(path, old, now string) {
	r.t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(old)) {
		r.t.Fatalf("%s does not hold %q", path, old)
	}
	if err := os.WriteFile(path, bytes.Replace(raw, []byte(old), []byte(now), 1), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// tell prints the ends of the logs.
func (r *river) tell() {
	for name, x := range r.gateways {
		r.t.Logf("%s: %s", name, tailOf(x.log))
	}
	r.t.Logf("hub: %s", tailOf(r.hub.log))
}

func tailOf(path string) string {
	raw, _ := os.ReadFile(path)
	var kept []string
	for _, line := range strings.Split(string(raw), "\n") {
		if !strings.Contains(line, `"msg":"spooled"`) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept[max(0, len(kept)-25):], "\n")
}

// mark is a reading by what must be unique.
type mark struct {
	gateway, channel, quantity string
	at                         int64 // Unix milliseconds
}

// spooled is every reading a gateway said it had on disk, as the gateway's log tells.
func (r *river) spooled() map[mark]string {
	r.t.Helper()
	all := map[mark]string{}
	for _, x := range r.gateways {
		raw, err := os.ReadFile(x.log)
		if err != nil {
			r.t.Fatal(err)
		}
		for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
			var line struct {
				Msg, Gateway, Channel, Quantity, Value string
				AtMs                                   int64 `json:"at_ms"`
			}
			if json.Unmarshal(s.Bytes(), &line) == nil && line.Msg == "spooled" {
				all[mark{line.Gateway, line.Channel, line.Quantity, line.AtMs}] = line.Value
			}
		}
	}
	return all
}

// inInflux asks InfluxDB itself, in its own language, for every point.
func (r *river) inInflux() map[mark]float64 {
	r.t.Helper()
	resp, err := http.Get(r.influx.URL() + "/query?" + url.Values{"db": {r.database}, "epoch": {"ms"},
		"q": {"SELECT value FROM reading GROUP BY gateway, channel, quantity"}}.Encode())
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Results []struct {
			Series []struct {
				Tags   map[string]string
				Values [][2]float64
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		r.t.Fatal(err)
	}
	all := map[mark]float64{}
	for _, res := range answer.Results {
		for _, s := range res.Series {
			for _, v := range s.Values {
				m := mark{s.Tags["gateway"], s.Tags["channel"], s.Tags["quantity"], int64(v[0])}
				if _, twice := all[m]; twice {
					r.t.Errorf("%+v stands twice in InfluxDB", m)
				}
				all[m] = v[1]
			}
		}
	}
	return all
}

// arrived waits until everything that is spooled by now stands in InfluxDB, and returns it.
func (r *river) arrived(within time.Duration) map[mark]string {
	r.t.Helper()
	wanted := r.spooled()
	for deadline := time.Now().Add(within); ; time.Sleep(300 * time.Millisecond) {
		missing, example := 0, mark{}
		stored := r.inInflux()
		for m := range wanted {
			if _, ok := stored[m]; !ok {
				missing, example = missing+1, m
			}
		}
		if missing == 0 {
			return wanted
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d spooled readings are not in InfluxDB after %s, e.g. %+v", missing, within, example)
		}
	}
}

// projected waits until the hub says that all of its evidence is in InfluxDB.
func (r *river) projected(within time.Duration) {
	r.t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(200 * time.Millisecond) {
		if resp, err := http.Get("http://" + r.pages + "/metrics"); err == nil {
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err == nil && strings.Contains(string(body), "\nloam_projection_lag_leaves 0\n") {
				return
			}
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the hub still has evidence that is not in InfluxDB after %s", within)
		}
	}
}

// command runs loam and returns what it printed and whether it succeeded.
func (r *river) command(args ...string) (string, bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, r.binary, args...).CombinedOutput()
	return string(out), err == nil
}

func (r *river) must(args ...string) string {
	r.t.Helper()
	out, ok := r.command(args...)
	if !ok {
		r.t.Fatalf("loam %s: %s", strings.Join(args, " "), out)
	}
	return out
}

// judge stops the roles and holds the three places where readings are against each other: what gateways say they
// spooled, what is in evidence, and what is in InfluxDB.
func (r *river) judge(arrived map[mark]string, kills int) {
	r.t.Helper()
	for _, g := range r.gateways {
		if err := g.end(syscall.SIGTERM); err != nil {
			r.t.Errorf("a gateway did not end well: %v\n%s", err, tailOf(g.log))
		}
	}
	r.projected(30 * time.Second)
	if err := r.hub.end(syscall.SIGTERM); err != nil {
		r.t.Errorf("the hub did not end well: %v\n%s", err, tailOf(r.hub.log))
	}
	spooled, stored := r.spooled(), r.inInflux()
	evidence := r.inEvidence()
	rounds := map[string]bool{} // rounds that nobody heard of: spooled, then killed before it was said
	for m, v := range evidence {
		if got, ok := stored[m]; !ok || got != v {
			r.t.Errorf("%+v is %v in evidence and %v (%t) in InfluxDB", m, v, got, ok)
		}
		if _, ok := spooled[m]; !ok {
			rounds[fmt.Sprint(m.gateway, m.at/1000)] = true
		}
	}
	for m := range stored {
		if _, ok := evidence[m]; !ok {
			r.t.Errorf("%+v is in InfluxDB and not in evidence", m)
		}
	}
	for m := range arrived {
		if _, ok := evidence[m]; !ok {
			r.t.Errorf("%+v was spooled and is not in evidence", m)
		}
	}
	if len(rounds) > kills {
		r.t.Errorf("%d rounds are in evidence that no gateway said it spooled; %d kills explain at most as many", len(rounds), kills)
	}
	r.t.Logf("%d readings spooled, %d in evidence, %d in InfluxDB", len(spooled), len(evidence), len(stored))
}

// inEvidence reads every reading out of the hub's evidence.
func (r *river) inEvidence() map[mark]float64 {
	r.t.Helper()
	cfg, err := readHubConfig(filepath.Join(r.dir, "hub.toml"))
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := openStages(r.t.Context(), cfg, clock.NewVirtual(time.Now(), clock.BootID{}), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer s.Close()
	all := map[mark]float64{}
	for from := uint64(0); ; {
		leaves, err := s.evidence.Read(r.t.Context(), from, 100)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(leaves) == 0 {
			return all
		}
		for _, l := range leaves {
			key, _ := cfg.registry.Key(l.Gateway)
			b, err := wire.Open(l.Bytes, key)
			if err != nil {
				r.t.Fatal(err)
			}
			for _, x := range b.Readings {
				m := mark{b.Gateway, string(x.Channel), string(x.Quantity), x.At.Wall.UnixMilli()}
				if _, twice := all[m]; twice {
					r.t.Errorf("%+v stands twice in evidence", m)
				}
				all[m] = x.Value.Float64()
			}
			from = l.Index + 1
		}
	}
}

// statement lets the hub value and pay every minute that has ended, and returns the biggest bundle; all are checked.
func (r *river) statement() []byte {
	r.t.Helper()
	config := filepath.Join(r.dir, "hub.toml")
	// Until the minute in which the last readings were taken has ended, and its late data has been waited for.
	time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute + 4*time.Second)))
	r.must("value", "--config", config)
	time.Sleep(1500 * time.Millisecond) // the challenge window
	r.must("value", "--config", config)
	out := filepath.Join(r.dir, "bundles")
	r.must("export", "statements", "--config", config, "--out", out)
	files, err := filepath.Glob(filepath.Join(out, "statement-*.json"))
	if err != nil || len(files) == 0 {
		r.t.Fatalf("no statement was exported: %v", err)
	}
	var biggest []byte
	for _, f := range files {
		if said := r.must("verify", f); !strings.Contains(said, "verified") {
			r.t.Fatalf("verify says %s", said)
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(raw) > len(biggest) {
			biggest = raw
		}
	}
	r.must("audit", "--config", config)
	if said := r.must("ledger", "check", "--config", config); strings.Contains(said, "issued 0") || !strings.Contains(said, "issued") {
		r.t.Errorf("nothing was paid: %s", said)
	}
	return biggest
}

func TestReadingsReachInfluxDBOnceAndStatementsVerify(t *testing.T) {
	t.Parallel()
	r := source(t, sim.Places()...)
	time.Sleep(15 * time.Second)
	r.judge(r.arrived(30*time.Second), 0)

	bundle := r.statement()
	refuse := func(i int, b byte) {
		changed := bytes.Clone(bundle)
		changed[i] = b
		if _, err := recompute.Verify(changed); err == nil {
			t.Errorf("byte %d changed from %q to %q and still verified", i, bundle[i], b)
		}
	}
	for i := 0; i < len(bundle); i += max(1, len(bundle)/3000) {
		refuse(i, bundle[i]^1)
	}
	for _, cut := range [][]byte{bundle[:len(bundle)-1], append(bytes.Clone(bundle), '\n'), append([]byte(" "), bundle...)} {
		if _, err := recompute.Verify(cut); err == nil {
			t.Error("a bundle of another length still verified")
		}
	}
	changed := bytes.Clone(bundle)
	changed[len(changed)/2] ^= 1
	r.write("changed.json", string(changed))
	if out, ok := r.command("verify", filepath.Join(r.dir, "changed.json")); ok {
		t.Errorf("loam verify accepts a changed bundle: %s", out)
	}

	before := r.inInflux()
	r.hub.start()
	r.projected(30 * time.Second) // it is up
	if out, ok := r.command("rebuild", "--config", filepath.Join(r.dir, "hub.toml")); ok {
		t.Errorf("loam rebuild works beside a running hub: %s", out)
	}
	if err := r.hub.end(syscall.SIGTERM); err != nil {
		t.Error("stop the hub:", err)
	}
	for range 3 { // as often as one likes
		r.must("rebuild", "--config", filepath.Join(r.dir, "hub.toml"))
	}
	after := r.inInflux()
	if len(before) != len(after) {
		t.Errorf("%d points before a rebuild, %d after", len(before), len(after))
	}
	for m, v := range before {
		if after[m] != v {
			t.Errorf("%+v was %v and is %v after a rebuild", m, v, after[m])
		}
	}
}

func TestNothingIsLostWhenAnythingDies(t *testing.T) {
	t.Parallel()
	r := source(t, sim.Meadow, sim.Stream)
	flow := func() { time.Sleep(2 * time.Second) }
	flow()
	kills := 0
	for _, g := range r.gateways {
		for range 2 {
			g.kill()
			kills++
			flow()
		}
	}
	for range 3 {
		r.hub.kill()
		flow()
	}
	for range 2 {
		r.mosquitto.Kill()
		time.Sleep(700 * time.Millisecond)
		r.mosquitto.Start()
		flow()
	}
	r.influx.Kill()
	flow()
	r.influx.Start()
	flow()
	for _, mode := range []int64{404, 500, -1} {
		r.arrived(60 * time.Second) // in fair weather, so that the next write meets the bad
		before := r.between.spoilt.Load()
		r.between.mode.Store(mode)
		for deadline := time.Now().Add(60 * time.Second); r.between.spoilt.Load() == before; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no write met weather %d: the test tests nothing", mode)
			}
		}
		r.hub.kill() // it comes up into the bad weather
		flow()
		r.between.mode.Store(0)
		r.between.CloseClientConnections()
	}
	r.judge(r.arrived(90*time.Second), kills)
	r.statement()
}
