package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"loam/gateway/identity"
	"loam/gateway/qc"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/valuation/fieldtest"
	"loam/valuation/method"
	"loam/valuation/series"
)

const feedsBase = "community = \"meadow\"\ngateway = \"meadow-1\"\nstate_dir = \"state\"\n[uplink]\nbroker = \"mqtt://127.0.0.1\"\n"

// Every feed of the page is a valid configuration, of a gateway that has no probe, and all of them together are.
func TestFeedsOfThePageAreValid(t *testing.T) {
	raw, err := os.ReadFile("../../docs/feeds.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```toml\n(\\[\\[feed\\]\\].*?)```").FindAllStringSubmatch(string(raw), -1)
	if len(blocks) != 4 {
		t.Fatalf("%d feeds on the page, want one of each format", len(blocks))
	}
	all := feedsBase
	for _, b := range blocks {
		all += b[1]
	}
	c, err := parseGatewayConfig("/etc/loam/gateway.toml", []byte(all))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Feeds[0].PasswordFile; len(c.Feeds) != 4 || got != filepath.FromSlash("/etc/loam/chirpstack.password") {
		t.Errorf("%d feeds, password in %s", len(c.Feeds), got)
	}
}

// What is wrong with a feed, or between feeds and probes, is said with its name.
func TestWrongFeedsAreNamed(t *testing.T) {
	feed := "[[feed]]\nname = \"yard\"\nformat = \"json\"\nbroker = \"mqtt://127.0.0.1\"\ntopic = \"t\"\n[[feed.channel]]\nid = \"air\"\nquantity = \"air_temperature\"\nfield = \"t\"\n"
	probe := "[[probe]]\nname = \"p\"\ndriver = \"bme280\"\n[[probe.channel]]\nid = \"air\"\nquantity = \"air_temperature\"\n"
	for text, says := range map[string]string{
		feed + feed:  "[[feed]] 2 (yard): give it a name no other feed has",
		probe + feed: `[[feed]] 1 (yard): channel "air" is used twice`,
		probe + "[probe.channel.calibration]\nid = \"foreign:json\"\n": "for what other systems measured",
		strings.Replace(feed, "\"json\"", "\"xml\"", 1):                "[[feed]] 1 (yard): format",
		strings.Replace(feed, "topic", "tropic", 1):                    "tropic",
		strings.Replace(feed, "field = \"t\"", "", 1):                  "field is missing",
		strings.Replace(feed, "[[feed.channel]]", "[x]", 1):            "nobody knows",
	} {
		if _, err := parseGatewayConfig("gateway.toml", []byte(feedsBase+text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}

const loggerGateway = `
community = "meadow"
gateway = "meadow-1"
state_dir = "state"
[uplink]
broker = "mqtt://127.0.0.1:1"
hub_key = "%s"
[simulate]
place = "meadow"
seed = 1
start = 2026-01-01
synced = true
[[feed]]
name = "logger"
format = "csv"
path = "log.csv"
every = "20ms"
time = "at"
  [[feed.channel]]
  id = "soil"
  quantity = "volumetric_water_content"
  field = "vwc"
  scale = 0.01
`

// A logger's file becomes signed batches of a gateway without probes, each line once though the gateway starts twice. They
// earn nothing, with the reason, under a method that does not speak of loggers, and count under one that accepts them.
func TestALoggersFileEarnsOnlyWhereTheMethodAcceptsIt(t *testing.T) {
	dir := t.TempDir()
	from := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	var lines strings.Builder
	lines.WriteString("at,vwc\n")
	for i := range 12 {
		fmt.Fprintf(&lines, "%s,%d\n", from.Add(time.Duration(i)*10*time.Minute).Format(time.RFC3339), 25+i%3)
	}
	hub := fieldtest.NewSigner("hub")
	for name, text := range map[string]string{"log.csv": lines.String(), "gateway.toml": fmt.Sprintf(loggerGateway, identity.FormatKey(hub.Public()))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var batches []wire.Sealed
	for range 2 {
		batches = runLogger(t, filepath.Join(dir, "gateway.toml"))
	}
	for accept, want := range map[string]struct {
		good     int
		excluded string
	}{
		"":                             {0, "from another system (csv), which the method does not accept"},
		"accept_foreign = [\"senml\"]": {0, "from another system (csv), which the method does not accept"},
		"accept_foreign = [\"csv\"]":   {12, ""},
	} {
		m, err := method.Parse([]byte(strings.Replace(fieldtest.Method, "max_age_days = 365", "max_age_days = 365\n"+accept, 1)))
		if err != nil {
			t.Fatal(err)
		}
		rules := m.Rules("T4.5")
		rules.Tests = []qc.Test{qc.GrossRange}
		settings := qc.Defaults()
		v := series.Build(batches, rules, func(q sensors.Quantity) qc.Config { return settings.For("meadow", q) },
			series.Window{From: from, To: from.Add(2 * time.Hour), Since: from.Add(-time.Hour), Until: from.Add(3 * time.Hour)})
		if len(v.Channels) != 1 || v.Channels[0].Received != 12 || v.Channels[0].Good != want.good {
			t.Fatalf("%q: %+v", accept, v)
		}
		if want.excluded == "" && len(v.Excluded) > 0 || want.excluded != "" && (len(v.Excluded) != 1 || v.Excluded[0].Reason != want.excluded || v.Excluded[0].Count != 12) {
			t.Errorf("%q: excluded %+v", accept, v.Excluded)
		}
	}
}

// runLogger runs the gateway until its spool has readings, and some looks at the file longer, and returns all its batches.
func runLogger(t *testing.T, path string) []wire.Sealed {
	t.Helper()
	cfg, err := readGatewayConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	clk, err := cfg.clock()
	if err != nil {
		t.Fatal(err)
	}
	g, err := openGateway(t.Context(), cfg, clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx, clk) }()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if st, err := g.spool.Stats(t.Context()); err == nil && st.Readings > 0 {
			break
		}
	}
	time.Sleep(100 * time.Millisecond)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := g.seal(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	pending, err := g.spool.Pending(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range pending {
		if pending[i], err = wire.Open(pending[i].Bytes, g.identity.Public()); err != nil {
			t.Fatal(err)
		}
	}
	return pending
}
