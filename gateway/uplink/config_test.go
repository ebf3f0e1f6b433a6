package uplink

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/internal/config"
)

func TestAWrongConfigurationIsRefusedInWords(t *testing.T) {
	hub := identity.FormatKey(identitytest.NewSigner("hub").Public())
	right := Config{Broker: "mqtt://hub", HubKey: hub}
	dir := t.TempDir()
	for says, change := range map[string]func(*Config){
		"broker is missing":                func(c *Config) { c.Broker = "" },
		"scheme \"http\"":                  func(c *Config) { c.Broker = "http://hub" },
		"hub_key: identity: key \"\"":      func(c *Config) { c.HubKey = "" },
		"followed by the 43":               func(c *Config) { c.HubKey = hub[:len(hub)-1] },
		"hub_key":                          func(c *Config) { c.HubKey = strings.TrimPrefix(hub, "ed25519:") },
		"belong together":                  func(c *Config) { c.Username = "gw" },
		"password_file":                    func(c *Config) { c.Username, c.PasswordFile = "gw", filepath.Join(dir, "none") },
		"window -1":                        func(c *Config) { c.Window = -1 },
		"at most resend_max":               func(c *Config) { c.ResendAfter = config.Duration(time.Hour) },
		"stall_after -1s: more than 0":     func(c *Config) { c.StallAfter = config.Duration(-time.Second) },
		"backlog_rate -1":                  func(c *Config) { c.BacklogRate = -1 },
		"send_every -1s":                   func(c *Config) { c.SendEvery = config.Duration(-time.Second) },
		"keep_alive 24h0m0s":               func(c *Config) { c.KeepAlive = config.Duration(24 * time.Hour) },
		"ca_file is given, but hub:1883":   func(c *Config) { c.CAFile = filepath.Join(dir, "ca.pem") },
		"ca_file: open " + dir + "/ca.pem": func(c *Config) { c.Broker, c.CAFile = "mqtts://hub", filepath.Join(dir, "ca.pem") },
	} {
		c := right
		change(&c)
		_, err := New(c, "valley", identitytest.NewSigner("gw-1"), &shelf{}, slog.New(slog.DiscardHandler), nil)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to say %q", err, says)
		}
	}
	if _, err := New(right, "Valley/1", identitytest.NewSigner("gw-1"), &shelf{}, slog.New(slog.DiscardHandler), nil); !errors.Is(err, ErrConfig) {
		t.Errorf("a community that cannot be in a topic: %v", err)
	}
	reg := prometheus.NewRegistry()
	for _, id := range []string{"gw-1", "gw-2"} { // two in one process share a registry
		if _, err := New(right, "valley", identitytest.NewSigner(id), &shelf{}, slog.New(slog.DiscardHandler), reg); err != nil {
			t.Error(err)
		}
	}
}

func TestThePasswordIsAFileOrTheKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := identitytest.NewSigner("gw-1")
	given, err := Config{Username: "someone", PasswordFile: path}.link("valley", s)
	if err != nil || given.Username != "someone" || given.Password != "secret" || given.ClientID != "gw-1" {
		t.Errorf("from a file: %v, %v", given.Username, err)
	}
	own, err := Config{}.link("valley", s)
	if err != nil || own.Username != "gw-1" || own.Password == "" || own.ClientID != "gw-1" {
		t.Errorf("from the key: %v, %v", own.Username, err)
	}
}

func FuzzParseReport(f *testing.F) {
	now := time.Unix(1e9, 0).UTC()
	full, _ := Report{Gateway: "gw-1", State: Online, Since: now, Time: &now, Spool: &Waiting{Batches: 3, Oldest: &now, Thinned: &Thinned{Batches: 9, Readings: 540, Kept: 30, From: now, To: now}}}.Encode()
	for _, seed := range []string{string(full), `{"gateway":"gw-1","state":"offline","since":"2026-01-01T00:00:00Z"}`, `{"state":"asleep"}`, `{}`, `[]`, `x`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseReport(raw)
		if err != nil {
			if !errors.Is(err, ErrReport) {
				t.Fatalf("%v does not wrap ErrReport", err)
			}
			return
		}
		again, err := r.Encode()
		if err != nil {
			return // a time outside what JSON's dates hold
		}
		back, err := ParseReport(again)
		if err != nil || back.Gateway != strings.ToValidUTF8(r.Gateway, "\ufffd") || back.State != r.State || !back.Since.Equal(r.Since) {
			t.Fatalf("%s became %s: %v", raw, again, err)
		}
	})
}
