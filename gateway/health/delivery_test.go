package health

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"loam/gateway/spool"
	"loam/gateway/uplink"
)

func TestSpool(t *testing.T) {
	for name, c := range map[string]struct {
		stats        spool.Stats
		at           time.Time // zero: now
		backlog, age Level
		says         string
	}{
		"empty":         {spool.Stats{MaxBytes: 1e9, Used: 40e3}, time.Time{}, OK, OK, "nothing waits"},
		"a little":      {spool.Stats{MaxBytes: 1e9, Used: 1e6, Readings: 1, Batches: 1, Oldest: now.Add(-time.Minute)}, time.Time{}, OK, OK, "1 reading wait"},
		"an hour":       {spool.Stats{MaxBytes: 1e9, Used: 1e6, Readings: 60, Oldest: now.Add(-time.Hour)}, time.Time{}, OK, Warning, "waits for 1h"},
		"eight days":    {spool.Stats{MaxBytes: 1e9, Used: 700e6, Readings: 60, Oldest: now.Add(-8 * 24 * time.Hour)}, time.Time{}, Warning, Failure, "8 days"},
		"almost full":   {spool.Stats{MaxBytes: 1e9, Used: 900e6}, time.Time{}, Failure, OK, "900.0 MB of 1.0 GB"},
		"made room":     {spool.Stats{MaxBytes: 1e9, Used: 1e6, Thinned: spool.Thinned{Batches: 2, Readings: 120, Kept: 20, From: now, To: now}}, time.Time{}, Warning, OK, "100 readings had to make room"},
		"clock unset":   {spool.Stats{MaxBytes: 1e9, Oldest: time.Unix(300, 0)}, time.Time{}, OK, Warning, "before the clock was set"},
		"clock in past": {spool.Stats{MaxBytes: 1e9, Oldest: now}, time.Unix(300, 0), OK, Warning, "before the clock was set"},
		"no cap known":  {spool.Stats{}, time.Time{}, OK, OK, ""},
	} {
		at := c.at
		if at.IsZero() {
			at = now
		}
		got := byID(t, Spool(c.stats, at))
		if got["spool.backlog"].Level != c.backlog || got["spool.age"].Level != c.age || len(got) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
		if s := got["spool.backlog"].Fact + got["spool.age"].Fact; !strings.Contains(s, c.says) {
			t.Errorf("%s: %q does not say %q", name, s, c.says)
		}
	}
}

func TestUplink(t *testing.T) {
	for want, s := range map[string]uplink.Status{
		"connected to the broker for 2h":     {Connected: true, Since: now.Add(-2 * time.Hour)},
		"no connection to its broker for 3m": {Since: now.Add(-3 * time.Minute)},
		"has not reached its broker":         {},
	} {
		c := byID(t, []Check{Uplink(s, now)})["uplink.connected"]
		if !strings.Contains(c.Fact, want) || (c.Level == OK) != s.Connected {
			t.Errorf("%+v, want %q", c, want)
		}
	}
}

func TestBroker(t *testing.T) {
	for _, c := range []struct {
		err         error
		reach, auth Level
	}{
		{nil, OK, OK},
		{errors.New("connection refused"), Failure, Unknown},
		{fmt.Errorf("connect: %w", packets.ErrorRefusedNotAuthorised), OK, Failure},
		{fmt.Errorf("connect: %w", packets.ErrorRefusedBadUsernameOrPassword), OK, Failure},
	} {
		got := byID(t, Broker(c.err))
		if got["broker.reachable"].Level != c.reach || got["broker.authorised"].Level != c.auth {
			t.Errorf("%v: %+v", c.err, got)
		}
	}
}

func TestConfig(t *testing.T) {
	if c := byID(t, []Check{Config("gateway.toml", nil)})["config.valid"]; c.Level != OK {
		t.Errorf("%+v", c)
	}
	if c := byID(t, []Check{Config("gateway.toml", errors.New("gateway.toml:4:1: nobody knows the key"))})["config.valid"]; c.Level != Failure || !strings.Contains(c.Fact, ":4:1") {
		t.Errorf("%+v", c)
	}
}
