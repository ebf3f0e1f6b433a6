package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/gateway/identity"
	"loam/internal/servertest"
	"loam/sensors/catalog"
	"loam/sensors/sim"

	"loam/sensors"
)

// BenchmarkGatewayAtOneHertz runs the gateway as it is shipped, with 32 channels of simulated chips, a reading a second
// each, a hub and a broker, and says what it takes of a core and how much memory is resident at most.
func BenchmarkGatewayAtOneHertz(b *testing.B) {
	const measured = 30 * time.Second
	dir := b.TempDir()
	binary := filepath.Join(dir, "loam")
	build := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	broker, pages := servertest.FreeAddress(b), servertest.FreeAddress(b)
	begin := time.Now().UTC().Truncate(24 * time.Hour)
	files, err := layOutDemo(dir, demoWorld{Seed: 1, Start: begin}, pages)
	must(b, err)
	raw, err := os.ReadFile(files.hub)
	must(b, err)
	must(b, os.WriteFile(files.hub, bytes.Replace(raw, []byte(`listen = "127.0.0.1:0"`), fmt.Appendf(nil, "listen = %q", broker), 1), 0o600))
	hubKey, err := identity.Load(keyPath(filepath.Join(dir, "hub")), "willow-creek-hub")
	must(b, err)
	g := demoGateway{ID: "meadow", Place: sim.Bench, Seed: 1, Start: begin, HubKey: identity.FormatKey(hubKey.Public()), Broker: "mqtt://" + broker}
	channels := 0
	for _, p := range sim.Wiring(sim.NewWorld(1, begin), sim.Bench) {
		m, err := catalog.Find(p.Driver)
		must(b, err)
		if m.Bus == sensors.I2C && channels+len(p.Channels) <= 32 {
			g.Probes, channels = append(g.Probes, p), channels+len(p.Channels)
		}
	}
	if channels != 32 {
		b.Fatalf("%d channels, not 32", channels)
	}
	config := filepath.Join(dir, "gateway-bench.toml")
	must(b, writeOnce(config, "gateway.toml.tmpl", g))
	start(b, binary, "hub", "--config", files.hub)
	waitForPage(b, "http://"+pages+"/readyz")
	pid := start(b, binary, "gateway", "--config", config)
	time.Sleep(5 * time.Second) // probes are opened, the first batches are under way
	for b.Loop() {
		before := cpu(b, pid)
		time.Sleep(measured)
		used := cpu(b, pid) - before
		b.ReportMetric(100*used.Seconds()/measured.Seconds(), "%-of-a-core")
		b.ReportMetric(float64(memory(b, pid, "VmHWM:"))/1e6, "RSS-MB")
		b.ReportMetric(float64(memory(b, pid, "RssAnon:"))/1e6, "own-MB") // the rest is the program itself, which the kernel can drop
	}
	b.ReportMetric(0, "ns/op") // it lasts as long as it measures
}

// start starts the program and stops it with the benchmark.
func start(b *testing.B, binary string, args ...string) (pid int) {
	b.Helper()
	var out bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	must(b, cmd.Start())
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || b.Failed() {
			b.Logf("loam %s: %v\n%s", strings.Join(args, " "), err, out.String())
		}
	})
	return cmd.Process.Pid
}

func waitForPage(b *testing.B, url string) {
	b.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(url)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			b.Fatalf("%s: %v", url, err)
		}
	}
}

// cpu is the processor time a process has used (proc(5): fields 14 and 15, in hundredths of a second).
func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(b, err)
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	sum := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		must(b, err)
		sum += n
	}
	return time.Duration(sum) * 10 * time.Millisecond
}

// memory is a line of what proc(5) says of a process' memory: VmHWM is the most that was resident, RssAnon what of it is
// now its own.
func memory(b *testing.B, pid int, line string) int64 {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(b, err)
	_, rest, running := strings.Cut(string(raw), line)
	if !running {
		b.Fatalf("process %d has ended", pid)
	}
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	must(b, err)
	return n << 10
}
