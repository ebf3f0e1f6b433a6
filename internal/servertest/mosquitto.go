// Package servertest starts real servers for tests, each for one test and gone with it. A server that is not installed
// fails the test and says what to install: a test that skips in silence proves nothing.
package servertest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// MosquittoConfig says who may do what on a [MosquittoServer].
type MosquittoConfig struct {
	Users map[string]string // password by user name; nobody else gets in
	ACL   string            // as in Mosquitto's acl_file, see mosquitto.conf(5)
	Extra string            // further lines of the configuration
}

// MosquittoServer is a running Eclipse Mosquitto on a loopback port that stays the same over restarts.
type MosquittoServer struct {
	t      testing.TB
	binary string
	config string
	addr   string

	mu      sync.Mutex
	process *process
}

// Mosquitto starts one for the test. A user can have one connection only, as on the embedded broker: its name is its
// client id.
func Mosquitto(t testing.TB, c MosquittoConfig) *MosquittoServer {
	t.Helper()
	s := &MosquittoServer{t: t, binary: lookup(t, "mosquitto", "mosquitto"), addr: FreeAddress(t)}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var lines []string
	for user, password := range c.Users {
		lines = append(lines, user+":"+password)
	}
	slices.Sort(lines)
	passwords := write("passwords", strings.Join(lines, "\n")+"\n")
	// Hashes the passwords in place.
	if out, err := exec.Command(lookup(t, "mosquitto_passwd", "mosquitto"), "-U", passwords).CombinedOutput(); err != nil {
		t.Fatalf("servertest: mosquitto_passwd: %v: %s", err, out)
	}
	host, port, _ := net.SplitHostPort(s.addr)
	config := []string{
		"listener " + port + " " + host, "allow_anonymous false", "persistence false", "use_username_as_clientid true",
		"password_file " + passwords, "acl_file " + write("acl", c.ACL), c.Extra,
	}
	if os.Getuid() == 0 {
		config = append(config, "user root") // otherwise it drops to a user who may not read the files above
	}
	s.config = write("mosquitto.conf", strings.Join(config, "\n")+"\n")
	t.Cleanup(func() { s.Kill() })
	s.Start()
	return s
}

// URL returns the broker as configurations name it.
func (s *MosquittoServer) URL() string { return "mqtt://" + s.addr }

// Start starts it again after [MosquittoServer.Stop] or [MosquittoServer.Kill], and returns when it accepts connections.
func (s *MosquittoServer) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.t.Fatal("servertest: mosquitto is already running")
	}
	p, err := start(exec.Command(s.binary, "-c", s.config))
	if err != nil {
		s.t.Fatalf("servertest: mosquitto: %v", err)
	}
	if err := p.accepts(s.addr, 10*time.Second); err != nil {
		p.kill()
		s.t.Fatalf("servertest: mosquitto: %v", err)
	}
	s.process = p
}

// Stop asks it to end, and returns when it has.
func (s *MosquittoServer) Stop() { s.end((*process).stop) }

// Kill ends it as a power cut would. Where it is not running, nothing happens.
func (s *MosquittoServer) Kill() { s.end((*process).kill) }

// Restart is Stop and Start.
func (s *MosquittoServer) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

func (s *MosquittoServer) end(how func(*process)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		how(s.process)
		s.process = nil
	}
}
