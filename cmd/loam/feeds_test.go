package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
		strings.Replace(feed, "\"json\"", "\"xml\"", 1):     "[[feed]] 1 (yard): format",
		strings.Replace(feed, "topic", "tropic", 1):         "tropic",
		strings.Replace(feed, "field = \"t\"", "", 1):       "field is missing",
		strings.Replace(feed, "[[feed.channel]]", "[x]", 1): "nobody knows",
	} {
		if _, err := parseGatewayConfig("gateway.toml", []byte(feedsBase+text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}
