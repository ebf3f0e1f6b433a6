package influxstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/gateway/qc"
	"loam/gateway/store"
	"loam/sensors"
)

func somePoint() store.Point {
	return store.Point{
		Key: store.Key{Site: "alder-carr", Gateway: "gw-1", Channel: "air-2m", Quantity: sensors.AirTemperature},
		At:  time.Date(2026, 1, 1, 0, 0, 0, 1e6, time.UTC), Value: -0.1, Raw: math.Copysign(0, -1), Flag: qc.Suspect, Tests: "13112",
	}
}

func TestEncode(t *testing.T) {
	got, err := encode([]store.Point{somePoint(), somePoint()})
	if err != nil {
		t.Fatal(err)
	}
	const line = `reading,channel=air-2m,gateway=gw-1,quantity=air_temperature,site=alder-carr flag=3i,raw=-0,tests="13112",value=-0.1 1767225600001` + "\n"
	if got != line+line {
		t.Errorf("got  %swant %s", got, line)
	}
}

// The answers that are about the points themselves end in quarantine; all others are waited for.
func TestWhichAnswersAreFinal(t *testing.T) {
	const partial = `{"code":"invalid","message":"partial write: field type conflict dropped=1"}`
	for _, c := range []struct {
		code  int
		body  string
		final bool
	}{
		{400, partial, true}, {422, partial, true}, {413, `{"code":"request too large","message":"split it"}`, true},
		{400, "error partial write: max-series-per-database limit exceeded: (1000000) dropped=1", false}, // as 1.8 says it
		{400, "error partial write: points beyond retention policy dropped=1", true},
		{401, `{"code":"unauthorized","message":"no"}`, false}, {403, `{"code":"forbidden","message":"no"}`, false},
		{404, `{"code":"not found","message":"bucket not found"}`, false}, {404, "404 page not found", false},
		{408, "", false}, {429, "", false}, {500, partial, false}, {502, "<html>", false}, {503, "", false}, {504, "", false}, {302, "", false},
	} {
		t.Run(fmt.Sprint(c.code), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				body := c.body
				if text, old := strings.CutPrefix(body, "error "); old {
					w.Header().Set("X-Influxdb-Error", text)
					body = `{"error":"` + text + `"}`
				}
				w.WriteHeader(c.code)
				io.WriteString(w, body)
			}))
			defer server.Close()
			err := openAt(t, Config{URL: server.URL, Bucket: "b"}).Write(t.Context(), []store.Point{somePoint()})
			if err == nil || errors.Is(err, store.ErrRejected) != c.final || strings.Contains(c.body, "dropped") && !strings.Contains(err.Error(), "dropped") {
				t.Errorf("%d %s: got %v", c.code, c.body, err)
			}
		})
	}
}

func openAt(t *testing.T, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSilenceIsWaitedFor(t *testing.T) {
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-stop
	}))
	defer server.Close()
	defer close(stop)
	s := openAt(t, Config{URL: server.URL, Bucket: "b", Timeout: 20 * time.Millisecond})
	if err := s.Write(t.Context(), []store.Point{somePoint()}); err == nil || errors.Is(err, store.ErrRejected) {
		t.Errorf("no answer: got %v", err)
	}
	slow := openAt(t, Config{URL: server.URL, Bucket: "b"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := slow.Write(ctx, []store.Point{somePoint()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller's deadline: got %v", err)
	}
	gone := openAt(t, Config{URL: "http://127.0.0.1:1", Bucket: "b"})
	if err := gone.Write(t.Context(), []store.Point{somePoint()}); err == nil || errors.Is(err, store.ErrRejected) {
		t.Errorf("nobody there: got %v", err)
	}
}

// What a server of version 2 is asked: by its documentation, since none can be had here.
func TestRequestsToVersion2(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization")+" "+string(body))
		w.Header().Set("X-Influxdb-Version", "v2.7.12")
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	s := openAt(t, Config{URL: server.URL + "/", TokenFile: token, Org: "alder commons", Bucket: "loam"})
	if err := errors.Join(s.Write(t.Context(), []store.Point{somePoint()}), s.Clear(t.Context()), s.Ping(t.Context())); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"POST /api/v2/write?bucket=loam&org=alder+commons&precision=ms Token s3cret reading,",
		"GET /ping",
		`POST /api/v2/delete?bucket=loam&org=alder+commons Token s3cret {"predicate":"_measurement=\"reading\"","start":"1678-01-01T00:00:00Z","stop":"2262-01-01T00:00:00Z"}`,
		"GET /ping",
	}
	for i, w := range want {
		if i >= len(asked) || !strings.HasPrefix(asked[i], w) {
			t.Errorf("request %d:\n got %s\nwant %s", i, asked, w)
		}
	}
}

func TestClearSaysWhatWentWrong(t *testing.T) {
	for version, word := range map[string]string{
		"v2.7.12": "bucket",       // its own delete call
		"1.8.10":  "unauthorized", // InfluxQL
		"unknown": "unauthorized", // 1.8 as `go install` builds it
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Influxdb-Version", version)
			switch r.URL.Path {
			case "/ping":
				w.WriteHeader(http.StatusNoContent)
			case "/query":
				io.WriteString(w, `{"results":[{"statement_id":0,"error":"unauthorized"}]}`)
			default:
				w.WriteHeader(http.StatusNotFound)
				io.WriteString(w, `{"code":"not found","message":"bucket \"loam\" not found"}`)
			}
		}))
		err := openAt(t, Config{URL: server.URL, Bucket: "loam"}).Clear(t.Context())
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: got %v", version, err)
		}
		server.Close()
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"db/rp": `"db/rp"`, `a"b`: `"a\"b"`, `a\`: `"a\\"`, "${x}": `"\${x}"`, "a\nb": `"a\nb"`,
	} {
		if got := quote(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for word, c := range map[string]Config{
		"url": {URL: "influx:8086", Bucket: "b"}, "bucket": {URL: "http://host"}, "token_file": {URL: "http://host", Bucket: "b", TokenFile: "/nowhere"},
	} {
		if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: got %v", word, err)
		}
	}
}
