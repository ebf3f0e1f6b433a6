package kit

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxForm is more than any form of these pages sends.
const maxForm = 8 << 10

type kit struct {
	Config
	languages []language
	policy    string // Content-Security-Policy
	access    *access
	memory    memory
	writing   sync.Mutex // gateway.toml is changed by one request at a time
	search    search
}

func (k *kit) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", k.statusPage)
	mux.HandleFunc("GET /setup/pin", k.pinPage)
	mux.HandleFunc("POST /setup/pin", k.pinGiven)
	mux.HandleFunc("GET /setup", k.guarded(k.setupPage))
	mux.HandleFunc("GET /setup/{step}", k.guarded(k.stepPage))
	for name, change := range map[string]changer{
		"name": k.changeName, "scan": k.startScan, "probes": k.addProbe, "remove": k.removeProbe, "values": k.valuesSeen,
		"watch": k.watch, "hub": k.changeHub, "network": k.networkSeen, "leave": k.leave,
	} {
		mux.HandleFunc("POST /setup/"+name, k.changing(change))
	}
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { k.oops(w, r, http.StatusNotFound) })
	return k.guard(mux)
}

// guard keeps a browser from doing what these pages never ask for, bounds what is sent, and survives a panic.
func (k *kit) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", k.policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p) // net/http's own word for cutting the connection
			}
			k.Log.Error("kit: page gave up", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			k.oops(w, r, http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

// guarded lets in whoever has given the PIN, and asks the others for it.
func (k *kit) guarded(h func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session := k.access.session(r)
		if session == "" {
			to := "/setup/pin"
			if step := r.PathValue("step"); slices.Contains(stepNames(), step) {
				to += "?to=" + step
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		h(w, r, session)
	}
}

// changer does what a form asks for and returns the address to go on at. An error that is a problem is shown above the
// step's form.
type changer func(w http.ResponseWriter, r *http.Request) (to string, err error)

// problem is what is wrong with what a person gave: it is shown to them.
type problem struct {
	step string
	err  error
}

func (p problem) Error() string { return p.err.Error() }

// changing lets a change through that comes from these pages and from who has given the PIN.
func (k *kit) changing(change changer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session := k.access.session(r)
		if err := r.ParseForm(); err != nil {
			k.oops(w, r, http.StatusRequestEntityTooLarge)
			return
		}
		if session == "" {
			http.Redirect(w, r, "/setup/pin", http.StatusSeeOther)
			return
		}
		if !k.access.own(r, session) {
			k.oops(w, r, http.StatusForbidden)
			return
		}
		to, err := change(w, r)
		var p problem
		switch {
		case errors.As(err, &p):
			k.stepWith(w, r, session, p.step, p.err.Error())
		case err != nil:
			k.fail(w, r, err)
		default:
			http.Redirect(w, r, to, http.StatusSeeOther)
		}
	}
}

// frame is what every page carries around its view.
type frame struct {
	Lang    string
	Page    string
	Gateway string
	Token   string // of the session's forms; empty: nobody has given the PIN
	Steps   []step
	Problem string
	View    any
}

// fail answers where a page cannot be made. What went wrong inside goes to the log, never to the page.
func (k *kit) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return
	case errors.Is(err, ErrStarting):
		w.Header().Set("Refresh", "2")
		searching, _ := k.search.state() // how it ended is for the probes' page
		k.show(w, r, http.StatusServiceUnavailable, frame{Page: "starting", View: searching})
		return
	}
	k.Log.Error("kit: cannot make the page", "path", r.URL.Path, "err", err)
	k.oops(w, r, http.StatusInternalServerError)
}

func (k *kit) oops(w http.ResponseWriter, r *http.Request, status int) {
	k.show(w, r, status, frame{Page: "error", View: "error." + strconv.Itoa(status)})
}

// show fills a page's template and sends it, packed where the browser can unpack it.
func (k *kit) show(w http.ResponseWriter, r *http.Request, status int, f frame) {
	l := k.languages[k.language(r)]
	f.Lang = l.lang
	var body bytes.Buffer
	if err := l.pages[f.Page].ExecuteTemplate(&body, "layout", f); err != nil {
		k.Log.Error("kit: cannot make the page", "page", f.Page, "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		_, err := zip.Write(body.Bytes())
		if err = errors.Join(err, zip.Close()); err == nil {
			h.Set("Content-Encoding", "gzip")
			body = packed
		}
	}
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a reader that left is not our error
}

func (k *kit) pinPage(w http.ResponseWriter, r *http.Request) {
	k.show(w, r, http.StatusOK, frame{Page: "pin", View: k.wanted(r)})
}

// wanted is the step somebody was on the way to.
func (k *kit) wanted(r *http.Request) string {
	if to := r.FormValue("to"); slices.Contains(stepNames(), to) {
		return to
	}
	return ""
}

func (k *kit) pinGiven(w http.ResponseWriter, r *http.Request) {
	l := k.languages[k.language(r)]
	again := func(status int, why string) {
		k.show(w, r, status, frame{Page: "pin", View: k.wanted(r), Problem: l.text(why)})
	}
	switch err := r.ParseForm(); {
	case err != nil:
		k.oops(w, r, http.StatusRequestEntityTooLarge)
	case k.access.cross.Check(r) != nil:
		k.oops(w, r, http.StatusForbidden)
	case !k.access.may():
		w.Header().Set("Retry-After", fmt.Sprint(int(attemptEvery.Seconds())))
		again(http.StatusTooManyRequests, "pin.slow")
	case !k.access.lock.opens(r.PostFormValue("pin")):
		k.Log.Warn("a wrong setup PIN was given", "from", r.RemoteAddr)
		again(http.StatusForbidden, "pin.wrong")
	default:
		k.access.begin(w)
		http.Redirect(w, r, strings.TrimSuffix("/setup/"+k.wanted(r), "/"), http.StatusSeeOther)
	}
}

func (k *kit) leave(w http.ResponseWriter, _ *http.Request) (string, error) {
	k.access.end(w)
	return "/", nil
}

// svg marks a picture that was made here as safe to stand in a page.
func svg(s string) template.HTML { return template.HTML(s) }
