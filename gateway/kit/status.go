package kit

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"loam/gateway/health"
	"loam/gateway/qc"
	"loam/sensors"
	"loam/sensors/clock"
)

// statusView is the front page.
type statusView struct {
	Mood     string // "well", "warn", "fail" or "new"
	Headline string
	Lede     string
	Wrong    []health.Check
	Probes   []probeView
	Spool    string
	Hub      string
	Sent     string
	Clock    string
	Version  string
	Watching bool
}

// probeView is a probe with its channels in words.
type probeView struct {
	Name, Title string
	State       health.State
	Trouble     string // what it said last, where something is wrong
	Channels    []channelView
}

// channelView is a channel in words.
type channelView struct {
	ID, Title   string
	Value, Unit string // empty: none yet
	Age         string
	Range       string
	Mood        string // "good", "wait", "odd" or "bad": the sign beside the word
	Quality     string
	Seen        bool
}

func (k *kit) statusPage(w http.ResponseWriter, r *http.Request) {
	s, err := k.Gateway.Status(r.Context())
	if err != nil {
		k.fail(w, r, err)
		return
	}
	l := k.languages[k.language(r)]
	v := statusView{
		Probes: l.probes(s), Spool: l.backlog(s), Hub: l.hub(s), Clock: l.clock(s.Clock),
		Sent: l.bytes(s.Uplink.Traffic.Today.Sent), Version: s.Version, Watching: s.Watching,
	}
	for _, c := range s.Checks {
		if c.Wrong() && (s.Broker != "" || !strings.HasPrefix(c.ID, "uplink.")) {
			v.Wrong = append(v.Wrong, c)
		}
	}
	v.Mood = "well"
	switch {
	case len(s.Probes) == 0 || s.Broker == "":
		v.Mood = "new"
	case health.Worst(v.Wrong) == health.Failure:
		v.Mood = "fail"
	case len(v.Wrong) > 0:
		v.Mood = "warn"
	}
	v.Headline, v.Lede = l.text("status."+v.Mood), l.text("status."+v.Mood+"_lede")
	if v.Watching {
		w.Header().Set("Refresh", "5")
	}
	k.show(w, r, http.StatusOK, frame{Page: "status", Gateway: s.Gateway, View: v})
}

func (l language) probes(s Status) []probeView {
	titles := map[string]string{}
	for _, p := range s.Probes {
		titles[p.Name] = p.Title
	}
	var all []probeView
	for _, p := range s.Views {
		v := probeView{Name: p.Probe, Title: titles[p.Probe], State: p.State}
		if p.State != health.Good {
			v.Trouble = p.Error
		}
		for _, c := range p.Channels {
			v.Channels = append(v.Channels, l.channel(p, c, s.Clock.Wall))
		}
		all = append(all, v)
	}
	return all
}

func (l language) channel(p health.ProbeView, c health.ChannelView, now time.Time) channelView {
	v := channelView{ID: string(c.Channel), Title: string(c.Quantity), Mood: "wait"}
	state := c.State
	if p.State == health.Failing || p.State == health.Silent {
		state = p.State
	}
	kind, err := c.Quantity.Kind()
	if err == nil {
		v.Title, v.Unit = kind.Title, kind.Symbol
	}
	low, high, known := usual(c.Quantity)
	if known {
		v.Range = l.text("value.usual", "low", number(low), "high", number(high), "unit", v.Unit)
	}
	if c.Value != nil {
		v.Value = round(*c.Value, kind.Places)
		if c.At != nil {
			v.Age = l.age(max(0, now.Sub(*c.At)))
		}
	}
	switch state {
	case health.Good:
		v.Mood = "good"
		if f := 0.0; known && c.Value != nil {
			if f = c.Value.Float64(); f < low || f > high {
				v.Mood, state = "odd", "unusual"
			}
		}
	case health.Passed, health.Flat:
		v.Mood = "odd"
	case health.Implausible, health.Silent, health.Failing:
		v.Mood = "bad"
	}
	v.Quality = l.text("quality." + string(state))
	if state == health.Good && raw(c.Quantity) {
		v.Mood, v.Quality = "odd", l.text("quality.raw")
	}
	return v
}

// raw says whether a quantity is what a probe says before a calibration has made something of it.
func raw(q sensors.Quantity) bool {
	return q == sensors.ProbeVoltage || q == sensors.ProbeCurrent || q == sensors.ProbeCount
}

// usual is the range in which the hub's quality control has nothing to ask; without one, what is possible at all.
func usual(q sensors.Quantity) (low, high float64, known bool) {
	if test := qc.Defaults().For("", q).GrossRange; test != nil {
		span := test.SuspectSpan
		if span == nil {
			span = test.FailSpan
		}
		if span != nil {
			return min(span[0], span[1]), max(span[0], span[1]), true
		}
	}
	return 0, 0, false
}

func number(f float64) string {
	return strings.Replace(strconv.FormatFloat(f, 'f', -1, 64), "-", "−", 1)
}

// round writes a value with the digits people read.
func round(d sensors.Decimal, places int) string {
	return strings.Replace(strconv.FormatFloat(d.Float64(), 'f', places, 64), "-", "−", 1)
}

func (l language) backlog(s Status) string {
	switch {
	case s.Spool.Readings == 0:
		return l.text("spool.none")
	case s.Spool.Thinned.Batches > 0:
		return l.text("spool.thinned", "n", s.Spool.Readings)
	case s.Spool.Oldest.IsZero() || s.Clock.Wall.Sub(s.Spool.Oldest) < 15*time.Minute:
		return l.count("spool.few", s.Spool.Readings)
	}
	return l.text("spool.some", "n", s.Spool.Readings, "age", l.age(s.Clock.Wall.Sub(s.Spool.Oldest)))
}

func (l language) hub(s Status) string {
	ago := l.age(max(0, s.Clock.Wall.Sub(s.Uplink.LastReceipt)))
	switch {
	case s.Broker == "":
		return l.text("hub.unknown")
	case s.Uplink.LastReceipt.IsZero() && s.Uplink.Connected:
		return l.text("hub.waiting")
	case s.Uplink.LastReceipt.IsZero():
		return l.text("hub.never")
	case s.Uplink.Connected:
		return l.text("hub.connected", "age", ago)
	}
	return l.text("hub.lost", "age", ago)
}

func (l language) clock(at clock.Instant) string {
	shown := at.Wall.UTC().Format("15:04")
	if at.State.Dated() {
		return l.text("clock.synced", "time", shown)
	}
	return l.text("clock.unset", "time", at.Wall.UTC().Format("2 January 2006, 15:04"))
}

func (l language) bytes(n uint64) string {
	switch {
	case n < 1000:
		return l.count("bytes.bytes", int(n))
	case n < 1_000_000:
		return l.text("bytes.kilo", "n", n/1000)
	}
	return l.text("bytes.mega", "n", fmt.Sprintf("%.1f", float64(n)/1e6))
}

// said is what a probe said, for people.
func said(samples []sensors.Sample) string {
	var parts []string
	for _, s := range samples {
		if k, err := s.Quantity.Kind(); err == nil {
			parts = append(parts, strings.TrimSpace(k.Title+" "+round(s.Value, k.Places)+" "+k.Symbol))
		}
	}
	return strings.Join(parts, ", ")
}
