package kit

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestWithoutThePINNothingIsShownOrChanged(t *testing.T) {
	b := newBed(t)
	before := b.file()
	for _, s := range stepNames() {
		b.leads(b.get("/setup/"+s), "/setup/pin?to="+s)
	}
	for _, path := range []string{"name", "scan", "probes", "remove", "values", "watch", "hub", "network", "leave"} {
		b.leads(b.post("/setup/"+path, "community", "willow-creek", "gateway", "taken", "token", "x"), "/setup/pin")
	}
	for _, forged := range []string{"1.2.3", "1780315200.00.AAAA", strings.Repeat("a", 300), "..", ""} {
		b.cookie = cookieName + "=" + forged
		b.leads(b.get("/setup/name"), "/setup/pin?to=name")
	}
	if b.file() != before || b.gateway.began != 0 {
		t.Error("something was changed")
	}
}

func TestThePIN(t *testing.T) {
	b := newBed(t)
	if !regexp.MustCompile(`^\d{4} \d{4}$`).MatchString(b.pin) {
		t.Fatalf("PIN %q", b.pin)
	}
	first := b.pin
	b.boot()
	if b.pin != first {
		t.Error("a second PIN was made")
	}
	files, err := filepath.Glob(filepath.Join(b.config.StateDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	digits := strings.ReplaceAll(first, " ", "")
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(digits)) || bytes.Contains(raw, []byte(first)) {
			t.Errorf("%s holds the PIN", f)
		}
	}
	if info, err := os.Stat(filepath.Join(b.config.StateDir, "setup-pin.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("setup-pin.json: %v, %v", info.Mode(), err)
	}
	wrong := "00000000"
	if wrong == digits {
		wrong = "00000001"
	}
	for i := range attempts {
		if w := b.post("/setup/pin", "pin", wrong); w.Code != http.StatusForbidden || w.Header().Get("Set-Cookie") != "" {
			t.Fatalf("wrong PIN %d: status %d", i, w.Code)
		}
	}
	if w := b.post("/setup/pin", "pin", first); w.Code != http.StatusTooManyRequests {
		t.Fatalf("after %d attempts: status %d", attempts, w.Code)
	}
	b.now = b.now.Add(attemptEvery)
	b.leads(b.post("/setup/pin", "pin", digits[:4]+"-"+digits[4:], "to", "hub"), "/setup/hub")
	if w := b.get("/setup/hub"); w.Code != http.StatusOK {
		t.Fatalf("with a session: status %d", w.Code)
	}
	b.now = b.now.Add((sessionHours + 1) * time.Hour)
	b.leads(b.get("/setup/hub"), "/setup/pin?to=hub")
	if w := b.post("/setup/pin", "pin", digits, "to", "//evil.example"); w.Header().Get("Location") != "/setup" {
		t.Errorf("sent on to %q", w.Header().Get("Location"))
	}
}

func TestOnlyOwnFormsChangeSomething(t *testing.T) {
	b := newBed(t)
	token := b.enter()
	before := b.file()
	send := func(token string, header ...string) int {
		r := httptest.NewRequest(http.MethodPost, "http://192.168.1.5:8081/setup/name", strings.NewReader("community=willow-creek&gateway=taken&token="+token))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return b.do(r).Code
	}
	for name, code := range map[string]int{
		"no token":         send(""),
		"a made-up token":  send("abc"),
		"another origin":   send(token, "Origin", "http://evil.example"),
		"a null origin":    send(token, "Origin", "null"),
		"cross-site fetch": send(token, "Sec-Fetch-Site", "cross-site"),
	} {
		if code != http.StatusForbidden {
			t.Errorf("%s: status %d", name, code)
		}
	}
	if b.file() != before {
		t.Fatal("something was changed")
	}
	if code := send(token, "Origin", "http://192.168.1.5:8081"); code != http.StatusSeeOther {
		t.Errorf("the own origin: status %d", code)
	}
	old := b.cookie
	b.leads(b.post("/setup/leave", "token", token), "/")
	b.cookie = old // a token belongs to its session
	if got := b.token(); got != token {
		t.Error("the token changed within a session")
	}
	b.cookie = ""
	b.enter()
	if got := b.token(); got == token {
		t.Error("two sessions share a token")
	}
}

func TestFormsAreBounded(t *testing.T) {
	b := newBed(t)
	token := b.enter()
	if w := b.post("/setup/name", "token", token, "gateway", strings.Repeat("a", maxForm)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge form: status %d", w.Code)
	}
	b.cookie = ""
	if w := b.post("/setup/pin", "pin", strings.Repeat("1", maxForm)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge PIN: status %d", w.Code)
	}
}
