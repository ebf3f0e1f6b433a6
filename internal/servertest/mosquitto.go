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
type MosquittoServer struct{ *server }

// Mosquitto starts one for the test. A user can have one connection only, as on the embedded broker: its name is its
// client id.
func Mosquitto(t testing.TB, c MosquittoConfig) *MosquittoServer {
	t.Helper()
	addr := FreeAddress(t)
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
	host, port, _ := net.SplitHostPort(addr)
	config := []string{
		"listener " + port + " " + host, "allow_anonymous false", "persistence false", "use_username_as_clientid true",
		"password_file " + passwords, "acl_file " + write("acl", c.ACL), c.Extra,
	}
	if os.Getuid() == 0 {
		config = append(config, "user root") // otherwise it drops to a user who may not read the files above
	}
	file := write("mosquitto.conf", strings.Join(config, "\n")+"\n")
	s := &MosquittoServer{&server{t: t, name: "mosquitto", command: []string{lookup(t, "mosquitto", "mosquitto"), "-c", file}, addr: addr, patience: 10 * time.Second}}
	t.Cleanup(s.Kill)
	s.Start()
	return s
}

// URL returns the broker as configurations name it.
func (s *MosquittoServer) URL() string { return "mqtt://" + s.addr }
