package dashboard

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// dashboard is the handler's state: what it was given, what it read at start, and what it remembers for a moment.
type dashboard struct {
	Config
	stale     time.Duration
	siteMap   siteMap // of the listed sites; they do not move
	catalogs  []catalog
	languages []language // of the catalogs, in their order
	assets    map[string]asset
	policy    string // Content-Security-Policy
	meter     meter

	pages  *memo[page]
	pulses *memo[pulse]
	lists  *memo[[]row]
	series []*memo[summary] // one for each of spans()
}

// errNotFound says that there is no such thing at this address.
var errNotFound = errors.New("not found")

// statementInPath are the statements that may stand in an address; anything else is not looked up at all.
var statementInPath = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~:@-]{0,191}$`)

// routes lists every address.
func (d *dashboard) routes() http.Handler {
	mux := http.NewServeMux()
	get := func(pattern, name string, h http.HandlerFunc) { mux.Handle("GET "+pattern, d.meter.count(name, h)) }

	get("/{$}", "front", d.page("front", "layout", d.frontView))
	get("/live", "live", d.page("front", "live", d.frontView))
	get("/sites/{id}", "site", d.page("site", "layout", d.siteView))
	get("/sites/{id}/live", "live", d.page("site", "live", d.siteView))
	get("/sites/{id}/readings.csv", "csv", d.readingsCSV)
	get("/statements/{id}", "statement", d.page("statement", "layout", d.statementView))
	get("/statements/{id}/bundle.json", "bundle", d.bundle)
	get("/stewards/{id}", "steward", d.page("steward", "layout", d.stewardView))
	get("/ledger", "ledger", d.page("ledger", "layout", d.ledgerView))
	get("/quarantine", "quarantine", d.page("quarantine", "layout", d.quarantineView))

	get("/api/v1/sites", "api", d.json(d.apiSites))
	get("/api/v1/sites/{id}", "api", d.json(d.apiSite))
	get("/api/v1/statements", "api", d.json(d.apiStatements))
	get("/api/v1/statements/{id}", "api", d.json(d.apiStatement))
	get("/api/v1/balances", "api", d.json(d.apiBalances))
	get("/log/checkpoint", "log", d.checkpoint)

	get("/healthz", "health", d.healthz)
	get("/readyz", "health", d.readyz)
	get("/assets/{file}", "asset", d.asset)
	if d.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(d.Gatherer, promhttp.HandlerOpts{}))
	}
	get("/", "none", func(w http.ResponseWriter, r *http.Request) { d.fail(w, r, errNotFound) })
	return d.guard(mux)
}

// guard puts the headers on every answer that keep a browser from doing what these pages never ask for, and turns a
// panic into an error page.
func (d *dashboard) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", d.policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p) // net/http's own word for cutting the connection
			}
			d.Log.Error("dashboard: page gave up", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			d.fail(w, r, fmt.Errorf("dashboard: %v", p))
		}()
		next.ServeHTTP(w, r)
	})
}

// page is an answer ready to be sent.
type page struct {
	kind   string // Content-Type
	body   []byte
	packed []byte // gzip
	tag    string // ETag
}

func newPage(kind string, body []byte) (page, error) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(body); err != nil {
		return page{}, err
	}
	if err := zip.Close(); err != nil {
		return page{}, err
	}
	sum := sha256.Sum256(body)
	return page{kind, body, packed.Bytes(), `W/"` + hex.EncodeToString(sum[:12]) + `"`}, nil
}

// query is what a view may know of a request: everything it depends on, so that equal queries can share an answer.
type query struct {
	id   string // {id} of the address
	span int    // position in spans()
	lang int    // position in languages
}

func (d *dashboard) query(r *http.Request) query {
	q := query{id: r.PathValue("id"), lang: d.language(r)}
	for i, sp := range spans() {
		if r.URL.Query().Get("range") == sp.Name {
			q.span = i
		}
	}
	return q
}

// view makes what a template shows.
type view func(ctx context.Context, q query) (any, error)

// page answers with a template filled from a view, made at most once a second however many ask.
func (d *dashboard) page(name, part string, v view) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := d.query(r)
		key := strings.Join([]string{name, part, q.id, strconv.Itoa(q.span), strconv.Itoa(q.lang)}, "\x00")
		p, err := d.pages.get(r.Context(), key, func(ctx context.Context) (page, error) {
			model, err := v(ctx, q)
			if err != nil {
				return page{}, err
			}
			return d.languages[q.lang].render(name, part, d.frame(q, name, model))
		})
		if err != nil {
			d.fail(w, r, err)
			return
		}
		d.send(w, r, http.StatusOK, "no-cache", p)
	}
}

// send writes an answer, packed where the browser can unpack it.
func (d *dashboard) send(w http.ResponseWriter, r *http.Request, status int, cache string, p page) {
	h := w.Header()
	h.Set("Content-Type", p.kind)
	h.Set("Cache-Control", cache)
	h.Add("Vary", "Accept-Encoding")
	if len(d.languages) > 1 {
		h.Add("Vary", "Accept-Language")
	}
	if status == http.StatusOK {
		h.Set("ETag", p.tag)
		if strings.Contains(r.Header.Get("If-None-Match"), p.tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := p.body
	if acceptsGzip(r) && len(p.packed) < len(p.body) {
		h.Set("Content-Encoding", "gzip")
		body = p.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a reader that left is not our error
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// fail answers with a page that says what a person can do. What went wrong inside goes to the log, never to the page.
func (d *dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, kind := http.StatusInternalServerError, "error500"
	switch {
	case errors.Is(err, errNotFound):
		status, kind = http.StatusNotFound, "error404"
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return // nobody is waiting any more
	default:
		d.Log.Error("dashboard: cannot make the page", "path", r.URL.Path, "err", err)
	}
	q := query{lang: d.language(r)}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		d.failJSON(w, r, status, d.languages[q.lang].text(kind+".title"))
		return
	}
	p, renderErr := d.languages[q.lang].render("error", "layout", d.frame(q, "error", errorView{Kind: kind}))
	if renderErr != nil {
		d.Log.Error("dashboard: cannot make the error page", "err", renderErr)
		http.Error(w, http.StatusText(status), status)
		return
	}
	d.send(w, r, status, "no-store", p)
}

// errorView is shown when there is nothing else to show.
type errorView struct{ Kind string } // "error404" or "error500": where its messages are

// frame is what every page carries around its view.
type frame struct {
	Lang      string
	Page      string // name of its template
	Community Settings
	Made      time.Time
	View      any
}

func (d *dashboard) frame(q query, name string, v any) frame {
	return frame{Lang: d.languages[q.lang].lang, Page: name, Community: d.Settings, Made: d.Now().UTC(), View: v}
}
