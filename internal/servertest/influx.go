package servertest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// influxModule is InfluxDB 1.8's last release: the one that builds with Go alone and speaks the v2 API and Flux.
const influxModule = "github.com/influxdata/influxdb/cmd/influxd@v1.8.10"

// InfluxServer is a running InfluxDB 1.8 with Flux on a loopback port that stays the same over restarts. Its data lives
// as long as the test.
type InfluxServer struct {
	*server
	databases atomic.Int64
}

// Influx starts one for the test.
func Influx(t testing.TB) *InfluxServer {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "influxdb.conf")
	s := &InfluxServer{server: &server{t: t, name: "influxd", command: []string{influxd(t), "run", "-config", file}, addr: FreeAddress(t), patience: 30 * time.Second}}
	// Without a bind address of its own the backup service would want the same port in every test.
	config := fmt.Sprintf(`reporting-disabled = true
bind-address = %q
[meta]
dir = %q
[data]
dir = %q
wal-dir = %q
[http]
bind-address = %q
flux-enabled = true
log-enabled = false
[logging]
level = "warn"
[monitor]
store-enabled = false
`, FreeAddress(t), filepath.Join(dir, "meta"), filepath.Join(dir, "data"), filepath.Join(dir, "wal"), s.addr)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	s.Start()
	return s
}

// influxd finds the program or builds it, which takes a minute, once.
func influxd(t testing.TB) string {
	t.Helper()
	if found, err := exec.LookPath("influxd"); err == nil {
		return found
	}
	out, err := exec.Command("go", "env", "GOPATH").Output()
	if err != nil {
		t.Fatalf("servertest: influxd is not installed and there is no Go to build it: `go install %s`", influxModule)
	}
	built := filepath.Join(strings.TrimSpace(string(out)), "bin", "influxd")
	if _, err := os.Stat(built); err == nil {
		return built
	}
	install := exec.Command("go", "install", influxModule)
	install.Dir = t.TempDir() // outside any module, or its requirements would be ours
	install.Env = append(os.Environ(), "GOBIN="+filepath.Dir(built), "GOFLAGS=", "GOWORK=off")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("servertest: influxd is not installed and could not be built: `go install %s`: %v: %s", influxModule, err, out)
	}
	return built
}

// URL returns the server's address as clients want it.
func (s *InfluxServer) URL() string { return "http://" + s.addr }

// Database makes a database nobody has used and returns it as a bucket of the v2 API. Each call gives another one:
// dropping and making the same name again loses points that are written at once.
func (s *InfluxServer) Database() (bucket string) {
	s.t.Helper()
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	s.Query("CREATE DATABASE " + name)
	return name + "/autogen"
}

// Query runs an InfluxQL statement, for what the v2 API of 1.8 cannot do.
func (s *InfluxServer) Query(statement string) {
	s.t.Helper()
	resp, err := http.PostForm(s.URL()+"/query", url.Values{"q": {statement}})
	if err != nil {
		s.t.Fatalf("servertest: influxd: %s: %v", statement, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || strings.Contains(string(body), `"error"`) {
		s.t.Fatalf("servertest: influxd: %s: %v %s %s", statement, err, resp.Status, body)
	}
}
