package dashboard

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/store"
	"loam/sensors"
)

// When the store is away the pages stay: with what was known, an alarm in words, and nothing of what is inside.
func TestStoreAway(t *testing.T) {
	f := newFake(t)
	c := f.config()
	h := serve(t, c)
	if page := text(fetch(t, h, "/")); strings.Contains(page, "Attention") {
		t.Fatal("an alarm without a cause")
	}
	fetch(t, h, "/sites/spring-meadow")
	f.away.Store(true)
	cold := serve(t, f.config())
	for name, h := range map[string]http.Handler{"cold": cold, "warm": h} {
		if name == "warm" {
			waitForReload(t, h)
		}
		for _, path := range pagePaths(f) {
			w := answerOf(h, path)
			if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "s3cret") || strings.Contains(w.Body.String(), "10.1.2.3") {
				t.Errorf("%s %s: status %d, or it tells what is inside", name, path, w.Code)
			}
		}
		page := text(fetch(t, h, "/"))
		if !strings.Contains(page, "Nothing is lost") {
			t.Errorf("%s: no alarm: %.300s", name, page)
		}
		if warm := strings.Contains(page, "22.2 °C") && strings.Contains(page, "shows data up to 14 May 2026, 09:30 UTC"); warm != (name == "warm") {
			t.Errorf("%s: last known values shown: %v", name, warm)
		}
	}
	w := answerOf(h, "/readyz")
	var ready readiness
	if err := json.Unmarshal(w.Body.Bytes(), &ready); err != nil || w.Code != http.StatusServiceUnavailable || ready.Ready {
		t.Errorf("readyz: %d %s %v", w.Code, w.Body, err)
	}
	if strings.Contains(w.Body.String(), "s3cret") || !strings.Contains(w.Body.String(), "nothing is lost") {
		t.Errorf("readyz says %s", w.Body)
	}
	if w := answerOf(h, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("healthz: %d: restarting the hub does not bring the store back", w.Code)
	}
	if w := answerOf(h, "/sites/spring-meadow/readings.csv"); w.Code != http.StatusInternalServerError {
		t.Errorf("csv without a store: %d", w.Code)
	}
	f.away.Store(false)
	if w := answerOf(h, "/readyz"); w.Code != http.StatusOK {
		t.Errorf("readyz when all is well: %d %s", w.Code, w.Body)
	}
	f.dark.Store(true)
	if w := answerOf(serve(t, f.config()), "/readyz"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "evidence") {
		t.Errorf("readyz without evidence: %d %s", w.Code, w.Body)
	}
}

// waitForReload asks until the page was made again after the store went away.
func waitForReload(t *testing.T, h http.Handler) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(answerOf(h, "/").Body.String(), "Nothing is lost") {
			return
		}
	}
	t.Fatal("the page never noticed that the store is away")
}

// Every answer carries the headers that keep a browser from doing what the pages never ask for.
func TestHeaders(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	for _, path := range []string{"/", "/nowhere", "/api/v1/sites", "/sites/spring-meadow/readings.csv", "/log/checkpoint", "/readyz", "/metrics"} {
		w := answerOf(h, path)
		csp := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "style-src 'sha256-"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Referrer-Policy") == "" || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: headers %v", path, w.Header())
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodPut} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s /: %d", method, w.Code)
		}
	}
}

// An unchanged page is not sent twice, packed and plain answers hold the same, and an asset never changes under its name.
func TestCaching(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	plain := answerOf(h, "/ledger")
	packed := answerOf(h, "/ledger", "Accept-Encoding", "br, gzip;q=0.8")
	if unpack(t, packed) != plain.Body.String() || packed.Header().Get("Content-Encoding") != "gzip" {
		t.Error("packed and plain answers differ")
	}
	if w := answerOf(h, "/ledger", "Accept-Encoding", "gzip;q=0, br"); w.Header().Get("Content-Encoding") != "" {
		t.Error("gzip was sent to one who refuses it")
	}
	if w := answerOf(h, "/ledger", "If-None-Match", plain.Header().Get("ETag")); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("unchanged page: %d with %d bytes", w.Code, w.Body.Len())
	}
	doc := fetch(t, h, "/")
	for _, s := range tags(doc, "script") {
		w := answerOf(h, attribute(s, "src"))
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.Contains(w.Header().Get("Content-Type"), "javascript") {
			t.Errorf("%s: %d %v", attribute(s, "src"), w.Code, w.Header())
		}
	}
	if w := answerOf(h, "/assets/style.css"); w.Code != http.StatusNotFound {
		t.Errorf("an asset without its hash: %d", w.Code)
	}
}

// What does not exist is not found, whatever its name looks like, and takes no memory.
func TestNotFound(t *testing.T) {
	f := newFake(t)
	d := f.config()
	h := serve(t, d)
	for _, path := range []string{
		"/sites/none", "/sites/..%2f..%2fetc", "/statements/none", "/statements/%00", "/statements/" + strings.Repeat("x", 500), "/stewards/None",
		"/sites/none/readings.csv", "/sites/none/live", "/statements/%3Cb%3E/bundle.json", "/api/v1/sites/none", "/api/v1/statements?site=none", "/a/b/c", "/index.html",
	} {
		w := answerOf(h, path)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
		if strings.HasPrefix(path, "/api/") {
			var e struct{ Error string }
			if json.Unmarshal(w.Body.Bytes(), &e) != nil || e.Error == "" {
				t.Errorf("%s: %s", path, w.Body)
			}
		} else if !strings.Contains(text(parse(t, w.Body.String())), "The overview lists what there is") {
			t.Errorf("%s does not say what to do", path)
		}
	}
}

// failing lets one source give up, or panic.
type failing struct {
	fakeStatements
	panics bool
}

func (f failing) Latest(context.Context, string, int) (_ []st, _ error) {
	if f.panics {
		panic("s3cret in a panic")
	}
	return nil, errAway
}

// A source that fails or panics gives an error page that says what to do and nothing else; the front page stays.
func TestFailingSource(t *testing.T) {
	f := newFake(t)
	for _, panics := range []bool{false, true} {
		c := f.config()
		c.Sources.Statements = failing{fakeStatements{f}, panics}
		h := serve(t, c)
		w := answerOf(h, "/sites/spring-meadow")
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "s3cret") || !strings.Contains(w.Body.String(), "Try again in a minute") {
			t.Errorf("panics=%v: %d %.200s", panics, w.Code, text(parse(t, w.Body.String())))
		}
		if page := text(fetch(t, h, "/")); !strings.Contains(page, "statements cannot be read") || !strings.Contains(page, "22.2 °C") {
			t.Errorf("panics=%v: the front page is not there without statements", panics)
		}
	}
	c := f.config()
	c.Sources.Ledger = nil
	c.Now = nil
	if _, err := New(c); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "Ledger") || !strings.Contains(err.Error(), "Now") {
		t.Errorf("half wired: %v", err)
	}
}

// The download holds exactly the points of the range, whatever the range, in the order series then time.
func TestCSVIsComplete(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	rapid.Check(t, func(t *rapid.T) {
		site := rapid.SampledFrom(f.registry.Sites()).Draw(t, "site")
		from := testNow.Add(-time.Duration(rapid.IntRange(0, 31*24*60).Draw(t, "minutes before")) * time.Minute)
		to := from.Add(time.Duration(rapid.IntRange(1, 4*24*60).Draw(t, "length")) * time.Minute)
		zone := time.FixedZone("", 3600*rapid.IntRange(-11, 11).Draw(t, "zone"))
		q := url.Values{"from": {from.In(zone).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
		w := answerOf(h, "/sites/"+site.ID+"/readings.csv?"+q.Encode())
		rows, err := csv.NewReader(w.Body).ReadAll()
		if err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d: %v", w.Code, err)
		}
		var want []store.Point
		for _, k := range f.keys {
			if k.Site == site.ID {
				points, _ := f.Range(context.Background(), k, from, to)
				want = append(want, points...)
			}
		}
		if len(rows)-1 != len(want) {
			t.Fatalf("%d rows, want %d", len(rows)-1, len(want))
		}
		column := func(name string) int { return slices.Index(rows[0], name) }
		for i, p := range want {
			row := rows[i+1]
			at, err := time.Parse(time.RFC3339, row[column("time")])
			v, verr := strconv.ParseFloat(row[column("value")], 64)
			if err != nil || verr != nil || !at.Equal(p.At) || !strings.HasSuffix(row[0], "Z") || v != p.Value {
				t.Fatalf("row %v, want %v", row, p)
			}
			if row[column("flag")] != strconv.Itoa(int(p.Flag)) || row[column("unit")] == "" || row[column("quality")] != p.Flag.String() || row[column("spike_test")] != p.Tests[1:2] {
				t.Fatalf("row %v, want %v", row, p)
			}
		}
	})
	for _, bad := range []string{"from=yesterday", "to=2026-05-01", "from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", "from=2026-05-01T00%3A00%3A00Z&to=2026-05-01T00%3A00%3A00Z"} {
		if w := answerOf(h, "/sites/spring-meadow/readings.csv?"+bad); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "RFC 3339") {
			t.Errorf("%s: %d %s", bad, w.Code, w.Body)
		}
	}
}

// breaking is a store that goes away in the middle of a download.
type breaking struct {
	*fake
	left int
}

func (b *breaking) Range(ctx context.Context, k store.Key, from, to time.Time) ([]store.Point, error) {
	if b.left--; b.left < 0 {
		return nil, errAway
	}
	return b.fake.Range(ctx, k, from, to)
}

// A download that breaks off is cut off: a short file never looks like a whole one.
func TestBrokenDownloadIsSeen(t *testing.T) {
	f := newFake(t)
	for _, encoding := range []string{"identity", "gzip"} {
		c := f.config()
		c.Sources.Readings = &breaking{f, 9}
		server := httptest.NewServer(serve(t, c))
		r, err := http.NewRequest(http.MethodGet, server.URL+"/sites/spring-meadow/readings.csv", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", encoding)
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, bufio.NewReader(answer.Body))
			answer.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: a file that broke off looks whole", encoding)
		}
		server.Close()
	}
}

// The API says the same as the pages and the sources.
func TestAPI(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	var sites apiAnswer[apiSite]
	decode(t, h, "/api/v1/sites", &sites)
	if !sites.Complete || len(sites.Items) != 3 || len(sites.Items[0].Channels) != 4 || sites.Items[0].Health == nil || sites.Items[0].Health.Score != f.published[0].Health {
		t.Errorf("sites: %+v", sites)
	}
	for _, ch := range sites.Items[0].Channels {
		if ch.Unit == "" || ch.Quality == "" || ch.At.IsZero() || ch.Flag == 0 {
			t.Errorf("a value without unit, quality or time: %+v", ch)
		}
	}
	var site struct {
		Complete bool
		apiSite
	}
	decode(t, h, "/api/v1/sites/lower-marsh", &site)
	if site.ID != "lower-marsh" || len(site.Statements) != 4 || !site.Channels[0].Stale {
		t.Errorf("site: %+v", site)
	}
	var list struct{ Items []apiRow }
	decode(t, h, "/api/v1/statements?site=willow-bend", &list)
	if len(list.Items) != 4 || list.Items[0].State != Challenged {
		t.Errorf("statements: %+v", list)
	}
	var one st
	decode(t, h, "/api/v1/statements/"+f.published[0].ID, &one)
	if one.ID != f.published[0].ID || one.Credit.Net != f.published[0].Credit.Net {
		t.Errorf("statement: %+v", one)
	}
	var balances struct{ Items []apiBalance }
	decode(t, h, "/api/v1/balances", &balances)
	var sum int64
	for _, b := range balances.Items {
		sum += b.Posted
	}
	if len(balances.Items) != len(f.accounts) || sum != 0 {
		t.Errorf("balances: %+v", balances)
	}
}

func decode(t *testing.T, h http.Handler, path string, into any) {
	t.Helper()
	w := answerOf(h, path)
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %v: %s", path, w.Code, err, w.Body)
	}
}

// A demonstration says how far it has come.
func TestReplay(t *testing.T) {
	c := newFake(t).config()
	c.Sources.Progress = func() (Progress, bool) { return Progress{Days: 30, Done: 0.437}, true }
	c.Sources.Alarms = func() []string { return []string{"InfluxDB cannot be reached; nothing is lost."} }
	page := text(fetch(t, serve(t, c), "/"))
	for _, want := range []string{"living through 30 days, 43 % done", "InfluxDB cannot be reached; nothing is lost. This page shows data up to 14 May 2026, 09:30 UTC", "1 thing needs attention"} {
		if !strings.Contains(page, want) {
			t.Errorf("the front page does not say %q", want)
		}
	}
}

// A community of hundreds still gets a light front page.
func TestManySites(t *testing.T) {
	c := manySites(t, 400).config()
	w := answerOf(serve(t, c), "/", "Accept-Encoding", "gzip")
	if w.Code != http.StatusOK || w.Body.Len() > 14_000 {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
	if page := text(parse(t, unpack(t, w))); !strings.Contains(page, "150 of 400 sites") {
		t.Error("it does not say that it lists a part")
	}
}

// The most that is shown in detail still fits, and one channel more is shown in short.
func TestMostDetail(t *testing.T) {
	for channels, detailed := range map[int]bool{detailedChannels: true, detailedChannels + 1: false} {
		f := manySites(t, detailedSites)
		f.keys, f.series = nil, map[store.Key][]store.Point{}
		for i := range channels {
			c := curve{"box", fmt.Sprint("site-", i%detailedSites), sensors.Channel(fmt.Sprint("probe-", i)), sensors.Kinds()[i%7].Name, float64(13 * i), 5.5, 2}
			f.measure(c)
			f.keys = append(f.keys, store.Key{Site: c.site, Gateway: c.gateway, Channel: c.channel, Quantity: c.quantity})
		}
		f.published = nil
		for _, s := range f.registry.Sites() {
			f.published = append(f.published, fakeStatement(s, testNow.Add(-7*day), testNow, 0.7, false))
		}
		w := answerOf(serve(t, f.config()), "/", "Accept-Encoding", "gzip")
		values := len(class(parse(t, unpack(t, w)), "value"))
		if size, _ := strconv.Atoi(w.Header().Get("Content-Length")); size > 14_000 || values != map[bool]int{true: channels}[detailed] {
			t.Errorf("%d channels: %d bytes, %d values in detail", channels, size, values)
		} else {
			t.Logf("%d channels: %d bytes", channels, size)
		}
	}
}

// Many ask at once: the store is read once.
func TestCrowd(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() { answerOf(h, "/") })
	}
	wg.Wait()
	if reads := f.reads.Load(); reads > int64(2*len(f.keys)) {
		t.Errorf("200 visitors made %d reads of history, want about %d", reads, len(f.keys))
	}
}

func BenchmarkFrontPage(b *testing.B) {
	h := serve(b, newFake(b).config())
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			answerOf(h, "/", "Accept-Encoding", "gzip")
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// The cost of making the front page anew, which happens at most once a second.
func BenchmarkFrontPageMade(b *testing.B) {
	f := newFake(b)
	for b.Loop() {
		b.StopTimer()
		h := serve(b, f.config())
		b.StartTimer()
		answerOf(h, "/", "Accept-Encoding", "gzip")
	}
}
