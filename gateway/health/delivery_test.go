package health

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"loam/gateway/spool"
	"loam/gateway/uplink"
	"loam/sensors"
)

func TestSpool(t *testing.T) {
	for name, c := range map[string]struct {
		stats        spool.Stats
		at           time.Time // zero: now
		backlog, age Level
		says         string
	}{
		"empty":         {spool.Stats{MaxBytes: 1e9, Used: 40e3}, time.Time{}, OK, OK, "nothing waits"},
		"a little":      {spool.Stats{MaxBytes: 1e9, Used: 1e6, Readings: 1, Batches: 1, Oldest: now.Add(-time.Minute)}, time.Time{}, OK, OK, "waiting for the hub: 1 reading;"},
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
		{fmt.Errorf("%w: no such file", ErrNoKey), Unknown, Unknown},
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

func TestCalibration(t *testing.T) {
	for _, c := range []struct {
		cert sensors.Certificate
		at   time.Time
		want Level
	}{
		{sensors.Certificate{}, now, Warning},
		{sensors.Certificate{ID: sensors.FactoryCertificate}, now, OK},
		{sensors.Certificate{ID: "a", Due: now.Add(31 * 24 * time.Hour)}, now, OK},
		{sensors.Certificate{ID: "a", Due: now.Add(29 * 24 * time.Hour)}, now, Warning},
		{sensors.Certificate{ID: "a", Due: now}, now, Failure},
		{sensors.Certificate{ID: "a", Due: now}, time.Unix(300, 0), Unknown},
		{sensors.Certificate{ID: "a", Date: now.AddDate(5, 0, 0), Due: now.AddDate(7, 0, 0)}, now, Failure}, // a mistyped year
		{sensors.Certificate{ID: "a", Date: now.AddDate(5, 0, 0)}, now, Failure},
		{sensors.Certificate{ID: "a", Date: now, Due: now.AddDate(7, 0, 0)}, time.Unix(300, 0), Unknown},
	} {
		if got := byID(t, []Check{Calibration("soil-10cm", c.cert, c.at)})["calibration.soil-10cm"]; got.Level != c.want {
			t.Errorf("%+v at %s: %+v", c.cert, c.at, got)
		}
	}
}

func TestRunning(t *testing.T) {
	for _, c := range []struct {
		running bool
		err     error
		want    Level
	}{{true, nil, OK}, {true, errors.New("connection refused"), Warning}, {false, nil, Warning}, {false, fs.ErrPermission, Unknown}} {
		if got := byID(t, []Check{Running("meadow", c.running, c.err)})["gateway.running"]; got.Level != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
	if c := byID(t, []Check{NoSpool(fs.ErrPermission)})["spool.backlog"]; c.Level != Unknown {
		t.Errorf("%+v", c)
	}
	if c := byID(t, []Check{NoSpool(spool.ErrCorrupt)})["spool.backlog"]; c.Level != Failure {
		t.Errorf("%+v", c)
	}
	got := OfGateway([]Check{{ID: "probe.air"}, {ID: "disk.space"}, {ID: "spool.age"}, {ID: "uplink.connected"}, {ID: "channel.x"}, {ID: "probes"}})
	if len(got) != 4 {
		t.Errorf("%+v", got)
	}
}
