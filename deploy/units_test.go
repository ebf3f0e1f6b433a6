// Package deploy has no code: it holds what a Debian package is made of. Its tests hold units and scripts against what
// loam needs from the machine.
package deploy_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// settings are all values a unit gives a key, in order; an empty one begins anew.
func settings(t testing.TB, name, key string) []string {
	t.Helper()
	raw, err := os.ReadFile("systemd/" + name + ".service")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			all = append(all, value)
		}
	}
	return all
}

// unit is the one value a unit gives a key.
func unit(t testing.TB, name, key string) string {
	t.Helper()
	all := settings(t, name, key)
	if len(all) != 1 {
		t.Fatalf("%s says %s= %d times", name, key, len(all))
	}
	return all[0]
}

// TestUnitsLetTheClockBeAsked: whether the clock is synchronised comes from adjtimex, and which boot this is from /proc.
// Hardening that takes either away makes every reading one of unknown time, which earns nothing, and nobody sees why.
func TestUnitsLetTheClockBeAsked(t *testing.T) {
	for _, name := range []string{"loam-gateway", "loam-hub"} {
		for _, key := range []string{"ProtectClock", "ProcSubset"} {
			if got := settings(t, name, key); len(got) > 0 {
				t.Errorf("%s: %s=%s", name, key, got)
			}
		}
		filters := settings(t, name, "SystemCallFilter")
		if last := filters[len(filters)-1]; !slices.Contains(strings.Fields(last), "adjtimex") {
			t.Errorf("%s: the last SystemCallFilter= is %q: @privileged holds adjtimex, so it must be allowed after it is taken away", name, last)
		}
	}
}

// TestUnitsKeepWhatTheyMust: state where the sample configurations have it, a restart whatever happens, and for the gateway
// every kind of bus.
func TestUnitsKeepWhatTheyMust(t *testing.T) {
	for name, state := range map[string]string{"loam-gateway": "/var/lib/loam", "loam-hub": "/var/lib/loam-hub"} {
		role := strings.TrimPrefix(name, "loam-")
		if got := "/var/lib/" + unit(t, name, "StateDirectory"); got != state {
			t.Errorf("%s keeps its state in %s", name, got)
		}
		sample, err := os.ReadFile("../cmd/loam/sample/" + role + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(sample), `"`+state+`"`) {
			t.Errorf("the sample of the %s keeps its state elsewhere than %s", role, state)
		}
		if unit(t, name, "Restart") != "always" || unit(t, name, "StartLimitIntervalSec") != "0" {
			t.Errorf("%s may stay down", name)
		}
		if want := "/usr/bin/loam " + role + " --config /etc/loam/" + role + ".toml"; unit(t, name, "ExecStart") != want {
			t.Errorf("%s runs %s", name, unit(t, name, "ExecStart"))
		}
	}
	devices := settings(t, "loam-gateway", "DeviceAllow")
	for _, bus := range []string{"char-i2c rw", "char-spi rw", "char-gpiochip rw", "char-ttyAMA rw", "char-ttyS rw", "char-ttyUSB rw", "char-ttyACM rw"} {
		if !slices.Contains(devices, bus) {
			t.Errorf("loam-gateway may not use %s", bus)
		}
	}
}
