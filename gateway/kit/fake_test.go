package kit

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"loam/gateway/health"
	"loam/gateway/spool"
	"loam/gateway/uplink"
	"loam/sensors"
	"loam/sensors/catalog"
	"loam/sensors/clock"
	"loam/sensors/scan"
)

var testNow = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const testHubKey = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

// fakeGateway reads its configuration anew when it is restarted, as the real one does.
type fakeGateway struct {
	t      testing.TB
	file   string
	mu     sync.Mutex
	status Status
	found  []scan.Found
	began  int
	err    error
	hold   chan struct{} // a search lasts until it is closed; nil: none does
}

type fakeConfig struct {
	Community, Gateway string
	Uplink             struct {
		Broker string
		HubKey string `toml:"hub_key"`
	}
	Probe []struct {
		Name, Driver, Bus, Address string
		Channel                    []struct{ ID, Quantity string }
	}
}

func (f *fakeGateway) Restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.began++
	raw, err := os.ReadFile(f.file)
	if err != nil {
		f.t.Error(err)
	}
	var c fakeConfig
	if err := toml.Unmarshal(raw, &c); err != nil {
		f.t.Error(err)
	}
	s := &f.status
	s.Community, s.Gateway, s.Broker, s.HubKey = c.Community, c.Gateway, c.Uplink.Broker, c.Uplink.HubKey
	s.Probes, s.Views = nil, nil
	for _, p := range c.Probe {
		s.Probes = append(s.Probes, Probe{p.Name, p.Driver, p.Bus, p.Address})
		v := health.ProbeView{Probe: p.Name, State: health.Waiting}
		for _, ch := range p.Channel {
			v.Channels = append(v.Channels, health.ChannelView{Channel: sensors.Channel(ch.ID), Quantity: sensors.Quantity(ch.Quantity), State: health.Waiting})
		}
		s.Views = append(s.Views, v)
	}
}

func (f *fakeGateway) Status(context.Context) (Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, f.err
}

func (f *fakeGateway) Check(raw []byte) error {
	if strings.Contains(string(raw), "refused") {
		return errors.New("refused is no name")
	}
	var c fakeConfig
	return toml.Unmarshal(raw, &c)
}

func (f *fakeGateway) Watch() { f.mu.Lock(); defer f.mu.Unlock(); f.status.Watching = true }

func (f *fakeGateway) Scan(context.Context, []Port) ([]scan.Found, error) {
	if f.hold != nil {
		<-f.hold
	}
	return f.found, nil
}

func (f *fakeGateway) Ports() ([]scan.SerialPort, error) {
	return []scan.SerialPort{{Stable: "/dev/serial/by-id/usb-FTDI", Device: "/dev/ttyUSB0"}}, nil
}

// bed is a machine with its pages, and a browser beside it.
type bed struct {
	t       testing.TB
	gateway *fakeGateway
	pages   http.Handler
	config  Config
	pin     string
	now     time.Time
	cookie  string
}

func newBed(t testing.TB) *bed {
	t.Helper()
	dir := t.TempDir()
	b := &bed{t: t, now: testNow}
	b.gateway = &fakeGateway{t: t, file: filepath.Join(dir, "gateway.toml")}
	b.gateway.status = Status{Version: "1.0", Interval: time.Minute, Clock: clock.Instant{Wall: testNow, State: clock.Synced}}
	if err := os.WriteFile(b.gateway.file, []byte("# mine\ncommunity = \"willow-creek\"\ngateway = \"meadow\" # the old fence\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	b.gateway.Restart()
	b.gateway.began = 0
	b.config = Config{
		File: b.gateway.file, StateDir: dir, Key: ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey),
		Gateway: b.gateway, Now: func() time.Time { return b.now }, Log: slog.New(slog.DiscardHandler),
		Announce: func(pin string) { b.pin += pin },
	}
	b.boot()
	return b
}

// boot starts the pages, as after a power cut.
func (b *bed) boot() {
	b.t.Helper()
	var err error
	if b.pages, err = New(b.config); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) do(r *http.Request) *httptest.ResponseRecorder {
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	w := httptest.NewRecorder()
	b.pages.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	return w
}

func (b *bed) get(path string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (b *bed) post(path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// enter gives the PIN and returns the token that forms carry.
func (b *bed) enter() string {
	b.t.Helper()
	if w := b.post("/setup/pin", "pin", b.pin); w.Code != http.StatusSeeOther {
		b.t.Fatalf("the right PIN: status %d", w.Code)
	}
	return b.token()
}

func (b *bed) token() string {
	b.t.Helper()
	m := tokenField.FindStringSubmatch(b.get("/setup/name").Body.String())
	if m == nil {
		b.t.Fatal("no token in the form")
	}
	return m[1]
}

// leads asks that an answer sends the browser on.
func (b *bed) leads(w *httptest.ResponseRecorder, to string) {
	b.t.Helper()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != to {
		b.t.Fatalf("status %d to %q, want 303 to %q: %s", w.Code, w.Header().Get("Location"), to, plainText(w))
	}
}

func (b *bed) file() string {
	b.t.Helper()
	raw, err := os.ReadFile(b.gateway.file)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(raw)
}

var markup = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)

func plainText(w *httptest.ResponseRecorder) string {
	return strings.Join(strings.Fields(markup.ReplaceAllString(w.Body.String(), " ")), " ")
}

func foundAir(t testing.TB) scan.Found {
	t.Helper()
	m, err := catalog.Find("bme280")
	if err != nil {
		t.Fatal(err)
	}
	return scan.Found{Kind: sensors.I2C, Bus: "1", Address: 0x76, Candidates: []scan.Candidate{{Model: m, Samples: []sensors.Sample{
		{Quantity: sensors.AirTemperature, Value: sensors.Decimal{Mantissa: 214, Exponent: -1}},
	}}}}
}

// live is a gateway that has run for a while: a good probe, one that fails, one that is not calibrated.
func (b *bed) live() {
	at := testNow.Add(-40 * time.Second)
	d := func(m int64, e int8) *sensors.Decimal { return &sensors.Decimal{Mantissa: m, Exponent: e} }
	s := &b.gateway.status
	s.Broker, s.HubKey = "mqtt://192.168.1.10:1883", testHubKey
	s.Probes = []Probe{{"air", "Bosch BME280 air temperature, humidity and pressure", "1", "0x76"}, {"brook", "DS18B20", "", ""}, {"soil-10cm", "Capacitive", "1", "0x48"}}
	s.Views = []health.ProbeView{
		{Probe: "air", State: health.Good, Channels: []health.ChannelView{
			{Channel: "air-temperature", State: health.Good, Quantity: sensors.AirTemperature, Value: d(-34, -1), At: &at},
			{Channel: "air-pressure", State: health.Good, Quantity: sensors.AirPressure, Value: d(40000, 0), At: &at},
		}},
		{Probe: "brook", State: health.Failing, Error: "probe brook: nothing answers", Failures: 7, Channels: []health.ChannelView{
			{Channel: "brook", State: health.Silent, Quantity: sensors.WaterTemperature},
		}},
		{Probe: "soil-10cm", State: health.Good, Channels: []health.ChannelView{
			{Channel: "soil-10cm", State: health.Good, Quantity: sensors.ProbeVoltage, Value: d(1923, -3), At: &at},
		}},
	}
	s.Checks = []health.Check{
		{ID: "probe.air", Level: health.OK, Fact: "probe air answered 40 s ago"},
		{ID: "probe.brook", Level: health.Failure, Fact: "probe brook has given no sample for 7 min", Why: "what is missing earns nothing", Cure: "look at its cable, plug and power"},
		{ID: "network.link", Level: health.OK, Fact: "connected by wlan0"},
	}
	s.Spool = spool.Stats{Readings: 1234, Oldest: testNow.Add(-5 * time.Hour), Next: 77}
	s.Uplink = uplink.Status{Connected: true, LastReceipt: testNow.Add(-3 * time.Hour)}
	s.Uplink.Traffic.Today.Sent = 48_200
}
