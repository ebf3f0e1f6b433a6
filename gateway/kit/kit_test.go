package kit

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"loam/gateway/health"
	"loam/gateway/identity"
	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/scan"
)

// From a fresh machine to the first receipt, with a power cut after every step.
func TestTheGuideFromAFreshMachineToTheFirstReceipt(t *testing.T) {
	b := newBed(t)
	b.gateway.found = []scan.Found{foundAir(t), {Kind: sensors.I2C, Bus: "1", Address: 0x29}}
	token := b.enter()
	resume := func(at string) {
		t.Helper()
		b.boot()
		b.leads(b.get("/setup"), "/setup/"+at)
	}
	resume("name")
	b.leads(b.post("/setup/name", "token", token, "community", "willow-creek", "gateway", "upper-meadow"), "/setup/probes")
	if want := "# mine\ncommunity = \"willow-creek\"\ngateway = \"upper-meadow\" # the old fence\n"; b.file() != want {
		t.Fatalf("gateway.toml:\n%s\nwant\n%s", b.file(), want)
	}
	if raw, err := os.ReadFile(b.config.File + ".bak"); err != nil || !strings.Contains(string(raw), `"meadow"`) {
		t.Fatalf("the earlier configuration is not kept: %q, %v", raw, err)
	}
	resume("probes")
	b.leads(b.post("/setup/scan", "token", token), "/setup/probes")
	b.settle()
	resume("probes")
	page := b.get("/setup/probes")
	for _, want := range []string{"Bosch BME280", "air temperature 21.4 °C", "no driver knows"} {
		if !strings.Contains(plainText(page), want) {
			t.Errorf("the finds do not say %q: %s", want, plainText(page))
		}
	}
	if !strings.Contains(page.Body.String(), `name="name" value="air"`) {
		t.Error("no name is suggested")
	}
	b.leads(b.post("/setup/probes", "token", token, "find", "0", "model", "bme280", "name", "air"), "/setup/probes")
	for _, want := range []string{`id = "air-temperature"`, `id = "air-humidity"`, `id = "air-pressure"`, `address = "0x76"`, `bus = "1"`} {
		if !strings.Contains(b.file(), want) {
			t.Errorf("gateway.toml has no %s:\n%s", want, b.file())
		}
	}
	resume("values")
	for _, c := range []string{"made-up", "air-temperature", "air-humidity", "air-pressure"} {
		resume("values") // one was not seen
		if w := b.post("/setup/values", "token", token, "seen", c); w.Code != http.StatusSeeOther {
			t.Fatalf("%s: status %d", c, w.Code)
		}
	}
	resume("hub")
	hub := b.get("/setup/hub").Body.String()
	for _, want := range []string{identity.FormatKey(b.config.Key), identity.Fingerprint(b.config.Key), `<svg class="qr"`, "upper-meadow"} {
		if !strings.Contains(hub, want) {
			t.Errorf("the hub's step lacks %s", want)
		}
	}
	b.leads(b.post("/setup/hub", "token", token, "broker", "192.168.1.10", "hub_key", testHubKey), "/setup/network")
	if !strings.Contains(b.file(), "[uplink]\n") || b.gateway.status.Broker != "mqtt://192.168.1.10:1883" || b.gateway.status.HubKey != testHubKey {
		t.Fatalf("the hub is not in gateway.toml:\n%s", b.file())
	}
	resume("network")
	b.leads(b.post("/setup/network", "token", token), "/setup/done")
	resume("done")
	if s := plainText(b.get("/setup/done")); !strings.Contains(s, "Not yet") {
		t.Errorf("done before a receipt: %s", s)
	}
	b.gateway.status.Uplink.LastReceipt = testNow
	b.get("/setup/done")
	b.gateway.status.Uplink.LastReceipt = time.Time{} // it started anew
	b.boot()
	if s := plainText(b.get("/setup/done")); !strings.Contains(s, "the hub has confirmed readings") {
		t.Errorf("a receipt that was seen is forgotten: %s", s)
	}
	if b.gateway.began != 3 {
		t.Errorf("restarted %d times, want once for each of name, probe and hub", b.gateway.began)
	}
}

// While the buses are searched no gateway runs; the page says what goes on and comes back by itself.
func TestASearchIsSaidWhileNoGatewayRuns(t *testing.T) {
	b := newBed(t)
	token := b.enter()
	b.gateway.hold = make(chan struct{})
	b.leads(b.post("/setup/scan", "token", token), "/setup/probes")
	b.gateway.mu.Lock()
	b.gateway.err = ErrStarting
	b.gateway.mu.Unlock()
	w := b.get("/setup/probes")
	if w.Header().Get("Refresh") == "" || !strings.Contains(plainText(w), "Looking on the buses") {
		t.Errorf("status %d: %s", w.Code, plainText(w))
	}
	close(b.gateway.hold)
	b.gateway.mu.Lock()
	b.gateway.err = nil
	b.gateway.mu.Unlock()
	b.settle()
	if s := plainText(b.get("/setup/probes")); !strings.Contains(s, "Nothing answered") {
		t.Errorf("after a search that found nothing: %s", s)
	}
}

// settle waits until a search has ended.
func (b *bed) settle() {
	b.t.Helper()
	for range 200 {
		if strings.Contains(b.get("/setup/probes").Body.String(), "Look again") {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.t.Fatal("the search does not end")
}

func TestNothingIsChangedByWhatIsRefused(t *testing.T) {
	b := newBed(t)
	b.gateway.found = []scan.Found{foundAir(t)}
	token := b.enter()
	b.post("/setup/scan", "token", token)
	b.settle()
	before := b.file()
	for _, c := range []struct {
		says string
		path string
		form []string
	}{
		{"lower-case letters", "/setup/name", []string{"community", "willow-creek", "gateway", "Upper Meadow"}},
		{"refused is no name", "/setup/name", []string{"community", "willow-creek", "gateway", "refused"}},
		{"write it like mqtt://", "/setup/hub", []string{"broker", "http://hub", "hub_key", testHubKey}},
		{"write it like mqtt://", "/setup/hub", []string{"broker", "mqtt://user:secret@hub", "hub_key", testHubKey}},
		{"hub_key", "/setup/hub", []string{"broker", "mqtt://hub", "hub_key", "ed25519:short"}},
		{"lower-case letters", "/setup/probes", []string{"find", "0", "model", "bme280", "name", "a\"\n[http]"}},
		{"its label says so", "/setup/probes", []string{"find", "0", "model", "ds18b20", "name", "air"}},
		{"choose again", "/setup/probes", []string{"find", "-1", "model", "bme280", "name", "air"}},
		{"choose again", "/setup/probes", []string{"find", "7", "model", "bme280", "name", "air"}},
		{"a number", "/setup/probes", []string{"find", "0", "model", "bme280", "name", "air", "input", "0x1"}},
		{"no probe", "/setup/remove", []string{"name", "nobody"}},
	} {
		w := b.post(c.path, append([]string{"token", token}, c.form...)...)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(plainText(w), c.says) {
			t.Errorf("%s %q: status %d, does not say %q: %s", c.path, c.form, w.Code, c.says, plainText(w))
		}
	}
	if b.file() != before || b.gateway.began != 0 {
		t.Errorf("something was changed:\n%s", b.file())
	}
	b.gateway.status.Spool.Next = 5
	w := b.post("/setup/name", "token", token, "community", "willow-creek", "gateway", "other")
	if w.Code != http.StatusUnprocessableEntity || b.file() != before {
		t.Errorf("a gateway that has signed was given another name: status %d", w.Code)
	}
}

// every returns each page once: fresh, set up, and with something wrong.
func (b *bed) every() map[string]*httptest.ResponseRecorder {
	all := map[string]*httptest.ResponseRecorder{"status-new": b.get("/"), "pin": b.get("/setup/pin"), "none": b.get("/nowhere")}
	token := b.enter()
	b.gateway.found = []scan.Found{foundAir(b.t)}
	b.post("/setup/scan", "token", token)
	b.settle()
	b.live()
	all["status"] = b.get("/")
	for _, s := range stepNames() {
		all[s] = b.get("/setup/" + s)
	}
	return all
}

func TestEveryPageIsSmallAndHoldsNoScript(t *testing.T) {
	b := newBed(t)
	largest, which := 0, ""
	for name, w := range b.every() {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		_, _ = zip.Write(w.Body.Bytes())
		_ = zip.Close()
		if packed.Len() > 14<<10 {
			t.Errorf("%s: %d bytes packed", name, packed.Len())
		}
		if packed.Len() > largest {
			largest, which = packed.Len(), name
		}
		body := w.Body.String()
		if strings.Contains(body, "<script") || strings.Contains(body, " style=") || regexp.MustCompile(`\son[a-z]+=`).MatchString(body) {
			t.Errorf("%s holds script or inline style", name)
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", name, w.Header())
		}
	}
	t.Logf("largest page: %s, %d bytes packed", which, largest)
}

func TestTheStatusSaysItInWords(t *testing.T) {
	b := newBed(t)
	if s := plainText(b.get("/")); !strings.Contains(s, "Not set up yet") {
		t.Errorf("a fresh gateway: %s", s)
	}
	b.live()
	s := plainText(b.get("/"))
	for _, want := range []string{
		"Something needs you", "Probe brook has given no sample for 7 min.", "Look at its cable, plug and power.",
		"−3.4 °C", "40 seconds ago · usual: −40 to 50 °C", "good",
		"40000 Pa", "unusual: look whether it is where it belongs",
		"does not answer", "no value yet", "not calibrated yet: it earns nothing",
		"1234 readings, the oldest from 5 hours ago", "last confirmed readings 3 hours ago", "48 kB", "Right: 12:00 UTC",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("the status does not say %q:\n%s", want, s)
		}
	}
	b.gateway.status.Checks = nil
	b.gateway.status.Clock.State = clock.Unsynced
	if s := plainText(b.get("/")); !strings.Contains(s, "All is well") || !strings.Contains(s, "Not set by a time server yet") {
		t.Errorf("all well: %s", s)
	}
	b.gateway.err = fmt.Errorf("soon: %w", ErrStarting)
	if w := b.get("/"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Refresh") == "" {
		t.Errorf("while it starts: status %d", w.Code)
	}
}

func TestNamesAreText(t *testing.T) {
	b := newBed(t)
	const evil = `"><script>alert(1)</script>`
	b.live()
	s := &b.gateway.status
	s.Gateway, s.Community, s.Broker, s.HubKey, s.TakenBack, s.Version = evil, evil, evil, evil, evil, evil
	for i := range s.Probes {
		s.Probes[i] = Probe{evil, evil, evil, evil}
	}
	for i := range s.Views {
		s.Views[i].Probe, s.Views[i].Error, s.Views[i].State = evil, evil, health.Failing
		for j := range s.Views[i].Channels {
			s.Views[i].Channels[j].Channel, s.Views[i].Channels[j].Quantity = evil, evil
		}
	}
	s.Checks = append(s.Checks, health.Check{ID: "network.x", Level: health.Failure, Fact: evil, Why: evil, Cure: evil})
	token := b.enter()
	if err := (&memory{path: filepath.Join(b.config.StateDir, "setup.json")}).change(func(r *remembered) {
		r.Scanned, r.Found = &testNow, []find{{Kind: sensors.I2C, Bus: evil, Address: evil, Models: []string{"bme280"}, Said: evil}}
	}); err != nil {
		t.Fatal(err)
	}
	pages := []*httptest.ResponseRecorder{b.get("/"), b.post("/setup/name", "token", token, "community", evil, "gateway", evil)}
	for _, s := range stepNames() {
		pages = append(pages, b.get("/setup/"+s))
	}
	for i, w := range pages {
		if strings.Contains(w.Body.String(), "<script") {
			t.Errorf("page %d lets a name become markup", i)
		}
	}
}

func TestAProbeIsTakenOut(t *testing.T) {
	b := newBed(t)
	b.gateway.found = []scan.Found{foundAir(t)}
	token := b.enter()
	b.post("/setup/scan", "token", token)
	b.settle()
	before := b.file()
	b.post("/setup/probes", "token", token, "find", "0", "model", "bme280", "name", "air")
	if b.file() == before {
		t.Fatal("no probe was added")
	}
	b.leads(b.post("/setup/remove", "token", token, "name", "air"), "/setup/probes")
	if strings.TrimSpace(b.file()) != strings.TrimSpace(before) {
		t.Errorf("it left something behind:\n%s", b.file())
	}
}

func TestABrokenMemoryBeginsAgain(t *testing.T) {
	b := newBed(t)
	b.enter()
	if err := os.WriteFile(filepath.Join(b.config.StateDir, "setup.json"), []byte(`{"named":tr`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.boot()
	b.leads(b.get("/setup"), "/setup/name")
	if err := os.WriteFile(filepath.Join(b.config.StateDir, "setup-pin.json"), []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(b.config); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a broken PIN file: %v", err)
	}
}

// Every text that a template or the code asks for is there, and every text that is there is asked for.
func TestEveryTextIsThereAndUsed(t *testing.T) {
	l := (&bed{t: t}).english()
	sources, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, file := range append(sources, more...) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:\bt |text\(|count\(|again\([a-zA-Z.]+, )"([a-z0-9]+\.[a-z0-9_]+)"`).FindAllStringSubmatch(string(raw), -1) {
			asked[m[1]] = true
		}
	}
	for _, s := range stepNames() {
		asked[s+".title"] = s != "hub" // whose words stand in hubstep
	}
	for _, status := range []string{"403", "404", "413", "500"} {
		asked["error."+status], asked["error."+status+"_lede"] = true, true
	}
	for _, mood := range []string{"well", "warn", "fail", "new"} {
		asked["status."+mood], asked["status."+mood+"_lede"] = true, true
	}
	for _, s := range []health.State{health.Waiting, health.Good, health.Passed, health.Flat, health.Implausible, health.Silent, health.Failing, "unusual"} {
		asked["quality."+string(s)] = true
	}
	for id, is := range asked {
		_, one := l.texts[id]
		_, many := l.texts[id+"_other"]
		if is && !one && !many {
			t.Errorf("%s is shown and has no text", id)
		}
	}
	for id := range l.texts {
		if !asked[strings.TrimSuffix(strings.TrimSuffix(id, "_one"), "_other")] {
			t.Errorf("%s is never shown", id)
		}
	}
}

func (b *bed) english() language {
	b.t.Helper()
	k := &kit{}
	if err := k.prepare(); err != nil {
		b.t.Fatal(err)
	}
	return k.languages[0]
}
