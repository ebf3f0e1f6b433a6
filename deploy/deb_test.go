//go:build e2e

package deploy_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/internal/servertest"
)

// TestPackage lives a package's whole life in a copy of this machine that forgets everything: installed, configured, run
// as its units would, upgraded, removed, installed again, purged.
func TestPackage(t *testing.T) {
	debs := buildPackages(t)
	m := newMachine(t, debs)

	m.must("dpkg", "-i", "/debs/"+filepath.Base(debs.first))
	m.wantText(m.must("id", "loam"), "i2c", "spi", "gpio", "dialout")
	for path, want := range map[string]string{
		"/usr/bin/loam": "root:root 755", "/etc/loam": "root:loam 1770", "/var/lib/loam": "loam:loam 700",
		"/etc/loam/gateway.toml": "loam:loam 640", "/etc/loam/hub.toml": "root:loam 640", "/etc/loam/method.toml": "root:loam 640",
		"/usr/lib/systemd/system/loam-gateway.service": "root:root 644", "/usr/lib/udev/rules.d/70-loam.rules": "root:root 644",
	} {
		if got := strings.TrimSpace(m.must("stat", "-c", "%U:%G %a", path)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for _, file := range []string{"gateway", "hub", "method"} {
		m.must(asLoam("loam", "config", "check", "/etc/loam/"+file+".toml")...)
	}
	m.must("dpkg", "--verify", "loam")
	m.wantText(m.must("zcat", "/usr/share/doc/loam/third-party-licenses.gz"), "==== Go ====", "==== modernc.org/sqlite v", "==== github.com/spf13/cobra v")
	if out, err := m.run("systemd-analyze", "verify", "loam-gateway.service", "loam-hub.service"); err != nil || strings.Contains(out, "loam-") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}

	m.live(t)

	m.must("sh", "-c", "echo '# mine' >>/etc/loam/gateway.toml; rm /etc/loam/method.toml")
	key := m.must(asLoam("loam", "gateway", "--show-key")...)
	before := m.must("sha256sum", "/etc/loam/gateway.toml", "/etc/loam/hub.toml", "/var/lib/loam/identity.pem")
	same := func(when string) {
		t.Helper()
		if after := m.must("sha256sum", "/etc/loam/gateway.toml", "/etc/loam/hub.toml", "/var/lib/loam/identity.pem"); after != before {
			t.Errorf("%s changed what the steward wrote or the gateway's key", when)
		}
		if _, err := m.run("test", "-e", "/etc/loam/method.toml"); err == nil {
			t.Errorf("%s brought back a file the steward deleted", when)
		}
	}
	m.must("dpkg", "-i", "/debs/"+filepath.Base(debs.second))
	same("an upgrade")
	m.must("dpkg", "-r", "loam")
	same("removal")
	if _, err := m.run("test", "-e", "/usr/bin/loam"); err == nil {
		t.Error("removal left the program")
	}
	m.must("dpkg", "-i", "/debs/"+filepath.Base(debs.second))
	same("another installation")
	if again := m.must(asLoam("loam", "gateway", "--show-key")...); again != key {
		t.Errorf("the gateway's key was %s and is %s", key, again)
	}
	m.must("dpkg", "-P", "loam")
	for _, gone := range []string{"/usr/bin/loam", "/etc/loam", "/var/lib/loam", "/usr/lib/systemd/system/loam-gateway.service"} {
		if _, err := m.run("test", "-e", gone); err == nil {
			t.Errorf("purging left %s", gone)
		}
	}
	m.must("test", "-e", "/var/lib/loam-hub/evidence.db")

	m.firstBoot(t, debs)
}

// firstBoot starts from a machine without loam and with a boot partition as docs/raspberry-pi.md fills it.
func (m *copied) firstBoot(t *testing.T, debs packages) {
	t.Helper()
	raw, err := os.ReadFile("firstboot/loam-firstboot.sh")
	if err != nil {
		t.Fatal(err)
	}
	script := strings.Replace(string(raw), "RTC=none", "RTC=ds3231", 1)
	if err := os.WriteFile(filepath.Join(m.out, "edited"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	m.must("sh", "-c", `set -e
		mkdir /boot/firmware && cd /boot/firmware && echo dtparam=audio=on >config.txt
		cp /out/edited loam-firstboot.sh && cp /out/gateway.toml gateway.toml
		cp /debs/*.deb . && cp /debs/`+filepath.Base(debs.first)+` loam_9.0.0_sparc.deb
		printf '#!/bin/sh\necho "$@" >>/boot/firmware/raspi-config.log\n' >/usr/local/bin/raspi-config
		chmod 755 /usr/local/bin/raspi-config`)
	for range 2 { // again changes nothing
		m.must("sh", "/boot/firmware/loam-firstboot.sh")
	}
	key := m.must(asLoam("loam", "gateway", "--show-key")...)
	for command, want := range map[string]string{
		"cat /boot/firmware/gateway-key.txt":                                           key,
		"cmp /etc/loam/gateway.toml /out/gateway.toml":                                 "",
		"grep -c ^dtoverlay=i2c-rtc,ds3231 /boot/firmware/config.txt":                  "1\n",
		"sort -u /boot/firmware/raspi-config.log":                                      "nonint do_i2c 0\nnonint do_onewire 0\n",
		"dpkg-query --show --showformat=${Version} loam":                               "1.1.0",
		"readlink -f /etc/systemd/system/multi-user.target.wants/loam-gateway.service": "/usr/lib/systemd/system/loam-gateway.service\n",
		"stat -c %U:%G:%a /etc/loam/gateway.toml /var/lib/loam/identity.pem /etc/loam": "loam:loam:640\nloam:loam:600\nroot:loam:1770\n",
	} {
		if got := m.must(strings.Fields(command)...); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}

// TestUnitsAreHardened: systemd's own judgement, 0 (safe) to 10.
func TestUnitsAreHardened(t *testing.T) {
	for _, unit := range []string{"loam-gateway", "loam-hub"} {
		out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=25", "systemd/"+unit+".service").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		t.Log(lines[len(lines)-1])
	}
}

// packages are two versions of the same program.
type packages struct{ folder, first, second string }

func buildPackages(t *testing.T) packages {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(t.TempDir(), "loam")
	build := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", binary, "./cmd/loam")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	deb := func(version, into string) string {
		cmd := exec.Command("../scripts/deb", runtime.GOARCH, binary, into)
		cmd.Env = append(os.Environ(), "VERSION="+version, "SOURCE_DATE_EPOCH=1787218200", "DPKG_DEB_COMPRESSOR_TYPE=none")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("scripts/deb: %v\n%s", err, out)
		}
		return filepath.Join(into, "loam_"+version+"_"+runtime.GOARCH+".deb")
	}
	p := packages{folder: folder, first: deb("1.0.0", folder), second: deb("1.1.0", folder)}
	if sum(t, deb("1.0.0", t.TempDir())) != sum(t, p.first) {
		t.Error("the same input made two different packages")
	}
	return p
}

func sum(t *testing.T, path string) [32]byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(raw)
}

// copied is this machine seen through an overlay in a mount namespace of its own: what is written there stays in memory
// and is gone with the namespace.
type copied struct {
	t      *testing.T
	holder *exec.Cmd
	root   string
	out    string // a folder both sides see, /out inside
}

// mounts prepares the copy and holds it until standard input ends.
const mounts = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay overlay -o lowerdir=/,upperdir="$1/up",workdir="$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mkdir -p "$1/root/debs" "$1/root/out"
mount --bind "$2" "$1/root/debs"
mount --bind "$3" "$1/root/out"
echo ready
read -r end
`

func newMachine(t *testing.T, p packages) *copied {
	t.Helper()
	m := &copied{t: t, root: filepath.Join(t.TempDir(), "copy"), out: t.TempDir()}
	if err := errors.Join(os.Mkdir(m.root, 0o755), os.Chmod(m.out, 0o777)); err != nil {
		t.Fatal(err)
	}
	m.holder = privileged("unshare", "--mount", "sh", "-c", mounts, "sh", m.root, p.folder, m.out)
	var complaint bytes.Buffer
	m.holder.Stderr = &complaint
	in, inErr := m.holder.StdinPipe()
	out, outErr := m.holder.StdoutPipe()
	if err := errors.Join(inErr, outErr, m.holder.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = m.holder.Wait() })
	ready := make([]byte, len("ready"))
	if _, err := out.Read(ready); err != nil || string(ready) != "ready" {
		in.Close()
		_ = m.holder.Wait()
		t.Fatalf("no overlay over this machine (%v): %s\nthe test needs root, or sudo without a password, and a kernel with overlayfs", err, complaint.String())
	}
	return m
}

// privileged runs a command as root.
func privileged(args ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

// inside is a command within the copy.
func (m *copied) inside(args ...string) *exec.Cmd {
	cmd := privileged(append([]string{"nsenter", "--mount", "--target", m.pid(), "chroot", filepath.Join(m.root, "root")}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	return cmd
}

// pid is the process that holds the namespace: sudo's child, where there is a sudo.
func (m *copied) pid() string {
	pid := fmt.Sprint(m.holder.Process.Pid)
	if os.Geteuid() == 0 {
		return pid
	}
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil || len(strings.Fields(string(children))) == 0 {
		m.t.Fatalf("sudo has no child: %v", err)
	}
	return strings.Fields(string(children))[0]
}

func (m *copied) run(args ...string) (string, error) {
	out, err := m.inside(args...).CombinedOutput()
	return string(out), err
}

func (m *copied) must(args ...string) string {
	m.t.Helper()
	out, err := m.run(args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (m *copied) wantText(text string, words ...string) {
	m.t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			m.t.Errorf("%q is not in %q", w, text)
		}
	}
}

// asLoam is a command as the user of the units, with no more rights than they leave it.
func asLoam(args ...string) []string {
	return append([]string{"setpriv", "--reuid=loam", "--regid=loam", "--init-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"}, args...)
}

// live configures a hub and a gateway with simulated probes as a person would, starts both with the command lines of
// their units, and waits for readings to be receipted.
func (m *copied) live(t *testing.T) {
	t.Helper()
	broker, status := servertest.FreeAddress(t), servertest.FreeAddress(t)
	m.must("install", "-d", "-o", "loam", "-g", "loam", "-m", "0700", "/var/lib/loam-hub") // StateDirectory= of the unit
	hubKey := strings.TrimSpace(m.must(asLoam("loam", "hub", "--show-key")...))
	gatewayKey := strings.TrimSpace(m.must(asLoam("loam", "gateway", "--show-key")...))
	const sampleKey = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	m.edit("/etc/loam/hub.toml", sampleKey, gatewayKey, `":1883"`, `"`+broker+`"`, "127.0.0.1:8080", servertest.FreeAddress(t))
	gateway := fmt.Sprintf(simulated, status, broker, hubKey)
	if err := os.WriteFile(filepath.Join(m.out, "gateway.toml"), []byte(gateway), 0o644); err != nil {
		t.Fatal(err)
	}
	m.must("install", "-o", "root", "-g", "loam", "-m", "0640", "/out/gateway.toml", "/etc/loam/gateway.toml")
	notified := listen(t, filepath.Join(m.out, "notify"))

	hub := m.start("loam-hub")
	gw := m.start("loam-gateway")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if n := receipted(status); n > 0 {
			t.Logf("%d batches receipted", n)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no reading was receipted\ngateway: %s\nhub: %s", gw.Stderr, hub.Stderr)
		}
	}
	if unit(t, "loam-gateway", "Type") == "notify" {
		select {
		case <-notified:
		case <-time.After(10 * time.Second):
			t.Error("loam-gateway.service is of Type=notify, and the gateway never said READY=1: systemd would stop it")
		}
	}
	for name, cmd := range map[string]*exec.Cmd{"gateway": gw, "hub": hub} {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the %s did not end well: %v\n%s", name, err, cmd.Stderr)
		}
	}
}

// simulated is a gateway.toml whose probes are simulated chips.
const simulated = `community = "willow-creek"
gateway   = "meadow"
state_dir = "/var/lib/loam"
[simulate]
place  = "meadow"
seed   = 7
start  = 2026-05-01
synced = true
[sampling]
interval = "1s"
[batch]
readings = 6
max_age  = "1s"
[http]
listen = %q
[uplink]
broker  = "mqtt://%s"
hub_key = %q
[[probe]]
name    = "air"
driver  = "bme280"
bus     = "SIM-meadow-I2C"
address = 0x76
  [[probe.channel]]
  id       = "air-temperature"
  quantity = "air_temperature"
`

// edit replaces pairs of old and new in a file of the copy.
func (m *copied) edit(path string, pairs ...string) {
	m.t.Helper()
	text := m.must("cat", path)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			m.t.Fatalf("%s does not hold %q", path, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	if err := os.WriteFile(filepath.Join(m.out, "edited"), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
	m.must("install", "-o", "root", "-g", "loam", "-m", "0640", "/out/edited", path)
}

// start runs the command line of a unit as its user, with its environment.
func (m *copied) start(name string) *exec.Cmd {
	m.t.Helper()
	env := []string{"env", "-i", "PATH=/usr/bin:/bin", "NOTIFY_SOCKET=/out/notify", unit(m.t, name, "Environment")}
	cmd := m.inside(asLoam(append(env, strings.Fields(unit(m.t, name, "ExecStart"))...)...)...)
	cmd.Stderr = &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// listen returns a channel that is closed when somebody says READY=1 on a socket like systemd's.
func listen(t *testing.T, path string) <-chan struct{} {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ready := make(chan struct{})
	go func() {
		buffer := make([]byte, 4096)
		for said := false; ; {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			if !said && strings.Contains("\n"+string(buffer[:n])+"\n", "\nREADY=1\n") {
				said = true
				close(ready)
			}
		}
	}()
	return ready
}

// receipted is how many batches the gateway says the hub has stored.
func receipted(address string) uint64 {
	resp, err := http.Get("http://" + address + "/status.json")
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	var status struct{ Uplink struct{ Stored uint64 } }
	if json.NewDecoder(resp.Body).Decode(&status) != nil {
		return 0
	}
	return status.Uplink.Stored
}
