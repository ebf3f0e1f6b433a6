//go:build e2e

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/internal/servertest"
	"loam/sensors/sim"
)

// machine is one that gateways are built for. An emulator stands in for it; none: this machine itself.
type machine struct {
	name     string
	env      []string
	emulator string
	most     int64 // bytes that the binary may have; 0: as many as it likes
}

var machines = []machine{
	{name: "amd64", env: []string{"GOARCH=amd64"}},
	{name: "arm64", env: []string{"GOARCH=arm64"}, emulator: "qemu-aarch64"},
	{name: "armv6", env: []string{"GOARCH=arm", "GOARM=6"}, emulator: "qemu-arm", most: 25_000_000},
}

// build returns the command that runs loam as it would be shipped for the machine.
func (m machine) build(t *testing.T) []string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "loam-"+m.name)
	build := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(append(os.Environ(), "CGO_ENABLED=0"), m.env...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build for %s: %v\n%s", m.name, err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: stripped binary %.1f MB", m.name, float64(info.Size())/1e6)
	if m.most > 0 && info.Size() > m.most {
		t.Errorf("%s: the binary has %d bytes, at most %d", m.name, info.Size(), m.most)
	}
	if m.emulator == "" {
		return []string{binary}
	}
	emulator, err := exec.LookPath(m.emulator)
	if err != nil {
		t.Fatalf("%v: run scripts/test-deps", err)
	}
	return []string{emulator, binary}
}

// TestGatewaysOfEveryMachine: one hub, and three gateways built for three machines. Every reading that any of them spooled
// arrives in the hub's evidence; and a statement made on this machine recomputes to the same bytes on the others.
func TestGatewaysOfEveryMachine(t *testing.T) {
	t.Parallel()
	r := &river{t: t, dir: t.TempDir(), gateways: map[string]*process{}}
	broker, pages := servertest.FreeAddress(t), servertest.FreeAddress(t)
	files, err := layOutDemo(r.dir, demoWorld{Seed: demoSeed, Start: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)}, pages)
	if err != nil {
		t.Fatal(err)
	}
	r.change(files.hub, `listen = "127.0.0.1:0"`, fmt.Sprintf("listen = %q", broker))
	commands := make([][]string, len(machines))
	for i, m := range machines {
		commands[i] = m.build(t)
	}
	r.binary, r.pages = commands[0][0], pages
	r.hub = r.process("hub", "hub", "--config", files.hub)
	metrics := map[string]string{}
	for i, place := range sim.Places() {
		id, m := string(place), machines[i]
		path := filepath.Join(r.dir, "gateway-"+id+".toml")
		metrics[id] = servertest.FreeAddress(t)
		r.change(path, "mqtt://127.0.0.1:1883", "mqtt://"+broker)
		r.change(path, "[uplink]", fmt.Sprintf("[http]\nlisten = %q\n\n[uplink]", metrics[id]))
		x := &process{t: t, bin: commands[i][0], log: filepath.Join(r.dir, id+".log"),
			args: append(commands[i][1:], "gateway", "--config", path, "--log-json", "--log-level", "debug")}
		x.start()
		t.Cleanup(func() { _ = x.end(syscall.SIGKILL) })
		r.gateways[id] = x
		t.Logf("%s: gateway %s, %s", m.name, id, strings.Join(commands[i], " "))
	}
	r.eachHas(60*time.Second, 30)
	for i, place := range sim.Places() {
		id := string(place)
		t.Logf("%s: resident %s kB at most (an emulator counts itself), Go runtime %s bytes", machines[i].name,
			fieldOf(t, fmt.Sprintf("/proc/%d/status", r.gateways[id].cmd.Process.Pid), "VmHWM:"), metricOf(t, metrics[id], "go_memstats_sys_bytes"))
	}
	for id, g := range r.gateways {
		if err := g.end(syscall.SIGTERM); err != nil {
			t.Errorf("gateway %s did not end well: %v\n%s", id, err, tailOf(g.log))
		}
	}
	spooled := r.spooled()
	for _, g := range r.gateways { // what was spooled last is sent in another life
		g.start()
	}
	r.inEvidenceWithin(60*time.Second, spooled)
	r.recompute(commands)
}

// eachHas waits until every gateway has spooled n readings.
func (r *river) eachHas(within time.Duration, n int) {
	r.t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(300 * time.Millisecond) {
		count := map[string]int{}
		for m := range r.spooled() {
			count[m.gateway]++
		}
		least := n
		for id := range r.gateways {
			least = min(least, count[id])
		}
		if least >= n {
			return
		}
		if time.Now().After(deadline) {
			r.tell()
			r.t.Fatalf("readings spooled after %s: %v", within, count)
		}
	}
}

// inEvidenceWithin waits until the hub has as many readings as are wanted, stops it, and looks for each of them.
func (r *river) inEvidenceWithin(within time.Duration, wanted map[mark]string) {
	r.t.Helper()
	deadline := time.Now().Add(within)
	for {
		time.Sleep(time.Second)
		if err := r.hub.end(syscall.SIGTERM); err != nil {
			r.t.Fatalf("the hub did not end well: %v\n%s", err, tailOf(r.hub.log))
		}
		evidence := r.inEvidence()
		missing, example := 0, mark{}
		for m, v := range wanted {
			if got, ok := evidence[m]; !ok || fmt.Sprint(got) != number(r.t, v) {
				missing, example = missing+1, m
			}
		}
		if missing == 0 {
			r.t.Logf("%d readings spooled by three machines are in evidence, value for value", len(wanted))
			return
		}
		if time.Now().After(deadline) {
			r.tell()
			r.t.Fatalf("%d of %d readings are not in evidence, e.g. %+v", missing, len(wanted), example)
		}
		r.hub.start()
		time.Sleep(4 * time.Second)
	}
}

// number writes what a log says as fmt does.
func number(t *testing.T, text string) string {
	t.Helper()
	var f float64
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return fmt.Sprint(f)
}

// recompute makes statements on this machine and verifies them on each.
func (r *river) recompute(commands [][]string) {
	r.t.Helper()
	data := filepath.Join(r.t.TempDir(), "demo")
	r.must("demo", "--days", "2", "--exit", "--json", "--http", "", "--data", data)
	for i, c := range commands {
		out, err := exec.Command(c[0], append(c[1:], "verify", "--data", data)...).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("statements verified")) {
			r.t.Errorf("%s does not find what amd64 found: %v\n%s", machines[i].name, err, out)
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		r.t.Logf("%s: %s", machines[i].name, lines[len(lines)-1])
	}
}

// fieldOf returns the word after a key in a file like /proc/PID/status.
func fieldOf(t *testing.T, path, key string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(raw), key)
	return strings.Fields(after + " ?")[0]
}

// metricOf asks a role for one of its metrics.
func metricOf(t *testing.T, address, name string) string {
	t.Helper()
	resp, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(raw), "\n"+name+" ")
	return strings.Fields(after + " ?")[0]
}
