package intake

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"loam/gateway/uplink"
	"loam/gateway/wire"
)

type nobody struct{}

func (nobody) Handle(context.Context, string, []byte) ([]byte, error) { return nil, nil }

func TestStatusesBelieveTheLatestWord(t *testing.T) {
	now := time.Unix(2e9, 0).UTC()
	i, err := New(Config{Broker: "mqtt://hub", Community: "valley", Now: func() time.Time { return now }}, nobody{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	first, second, goodbye := time.Unix(1e9, 0).UTC(), time.Unix(1e9+60, 0).UTC(), time.Unix(1e9+90, 0).UTC()
	say := func(topic string, r uplink.Report) {
		t.Helper()
		raw, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		i.received(topic, raw, false)
	}
	own := wire.StatusTopic("valley", "gw-1")
	check := func(what string, online bool, since time.Time) {
		t.Helper()
		if s := i.Statuses()["gw-1"]; s.Online != online || !s.Since.Equal(since) {
			t.Errorf("%s: online %v since %s; want %v since %s", what, s.Online, s.Since, online, since)
		}
	}
	say(own, uplink.Report{Gateway: "gw-1", State: uplink.Online, Since: first, Time: &first, Spool: &uplink.Waiting{Batches: 3}})
	check("after the first word", true, first)
	say(own, uplink.Report{Gateway: "gw-1", State: uplink.Online, Since: second, Time: &second, Spool: &uplink.Waiting{Batches: 2}})
	say(own, uplink.Report{Gateway: "gw-1", State: uplink.Offline, Since: first})
	check("after the last will of a connection before this one", true, second)
	say(wire.StatusTopic("valley", "gw-2"), uplink.Report{Gateway: "gw-1", State: uplink.Offline, Since: goodbye})
	say(wire.StatusTopic("hill", "gw-1"), uplink.Report{Gateway: "gw-1", State: uplink.Offline, Since: goodbye})
	say("elsewhere", uplink.Report{Gateway: "gw-1", State: uplink.Offline, Since: goodbye})
	check("after others spoke for it", true, second)
	say(own, uplink.Report{Gateway: "gw-1", State: uplink.Offline, Since: second})
	lost := now
	check("after its last will", false, lost)
	say(own, uplink.Report{Gateway: "gw-1", State: uplink.Offline, Since: second})
	check("after its last will was heard again", false, lost)
	if s := i.Statuses()["gw-1"]; s.Report.Spool == nil || s.Report.Spool.Batches != 2 || !s.Heard.Equal(now) {
		t.Errorf("what was waiting is forgotten: %+v", s)
	}
	say(own, uplink.Report{Gateway: "gw-1", State: uplink.Online, Since: goodbye, Time: &goodbye})
	say(own, uplink.Report{Gateway: "gw-1", State: uplink.Offline, Since: goodbye, Time: &now})
	check("after its goodbye", false, now.Add(-time.Second))
	if len(i.Statuses()) != 1 {
		t.Errorf("%d gateways", len(i.Statuses()))
	}
	for n := range maxStatuses + 10 {
		id := fmt.Sprint("g", n)
		say(wire.StatusTopic("valley", id), uplink.Report{Gateway: id, State: uplink.Online})
	}
	if n := len(i.Statuses()); n != maxStatuses {
		t.Errorf("strangers made the hub remember %d gateways", n)
	}
}
