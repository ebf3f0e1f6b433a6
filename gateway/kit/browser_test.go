//go:build browser

package kit

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"loam/sensors/scan"
)

// axeVersion is the accessibility checker's; it is fetched when the test runs and is no part of loam.
const axeVersion = "4.14.1"

// shots is the environment variable that names a folder for screenshots; empty: none are made.
const shots = "LOAM_SHOTS"

// browser opens a tab of Chromium. Where there is none the test fails: a page nobody rendered was not tested.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("no Chromium found: install it (Debian: apt-get install chromium fonts-dejavu-core): %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return ctx
}

// on prepares the tab: a phone's size, light or dark, with or without the page's own script.
func on(t *testing.T, ctx context.Context, dark, scripts bool) {
	t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	err := chromedp.Do(ctx,
		chromedp.EmulateViewport(390, 844, chromedp.EmulatePortrait, chromedp.EmulateTouch),
		chromedp.Func(func(ctx context.Context, tg *chromedp.Target) error {
			_, err := cdp.Call(ctx, tg, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			if err == nil {
				_, err = cdp.Call(ctx, tg, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
			}
			return err
		}))
	if err != nil {
		t.Fatal(err)
	}
}

func visit(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

const measure = `(() => {
  const name = e => e.tagName + ' ' + (e.getAttribute('aria-label') || e.textContent.trim().slice(0, 40));
  const small = [];
  for (const e of document.querySelectorAll('a, button, summary, input:not([type=hidden]), select')) {
    const r = e.getBoundingClientRect();
    if (r.width === 0 || e.classList.contains('skip')) continue;
    if (r.height < 43.5 || r.width < 43.5) small.push(name(e) + ' ' + Math.round(r.width) + 'x' + Math.round(r.height));
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const cut = [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(name).slice(0, 5);
  return JSON.stringify({small, wide, cut});
})()`

// On a phone without JavaScript a steward gets from the PIN to the hub's step by touching what the pages show; and each
// page, light and dark, fits, has targets for fingers, and axe finds nothing in it.
func TestBrowserGuide(t *testing.T) {
	b := newBed(t)
	b.gateway.found = []scan.Found{foundAir(t)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.pages.ServeHTTP(w, r) }))
	defer server.Close()
	axe := fetchAxe(t)
	ctx := browser(t)
	on(t, ctx, false, true)
	touch := func(selector, then string) {
		t.Helper()
		// A page may lead to itself: only another document is the answer.
		before, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String(performance.timeOrigin)"))
		if err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
			t.Fatalf("%s: %v", selector, err)
		}
		for range 500 {
			at, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.pathname + document.readyState + ' ' + performance.timeOrigin"))
			if err == nil && strings.HasPrefix(at, then+"complete ") && !strings.HasSuffix(at, " "+before) {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		at, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + ' ' + document.body.innerText"))
		t.Fatalf("%s does not lead to %s: %s, %v", selector, then, at, err)
	}
	fill := func(selector, text string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS(selector), text)); err != nil {
			t.Fatalf("%s: %v", selector, err)
		}
	}
	for _, path := range []string{"/setup/pin", "/"} { // with script, for the checker alone
		visit(t, ctx, server.URL+path)
		check(t, ctx, axe, "new"+strings.ReplaceAll(path, "/", "-"))
	}
	on(t, ctx, false, false)
	visit(t, ctx, server.URL+"/")
	touch("main .button.main", "/setup/pin")
	fill("#pin", b.pin)
	touch("form .main", "/setup/name")
	touch("form .main", "/setup/probes")
	touch("form.card button", "/setup/probes")
	for range 100 { // the search goes on beside the page
		if (&memory{path: filepath.Join(b.config.StateDir, "setup.json")}).read().Scanned != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	visit(t, ctx, server.URL+"/setup/probes")
	touch("form .main", "/setup/probes")
	touch("p > .button.main", "/setup/values")
	touch(".seen button", "/setup/values")
	touch("p > .button.main", "/setup/hub")
	if len(b.gateway.status.Probes) != 1 {
		t.Fatalf("no probe was taken:\n%s", b.file())
	}
	b.gateway.mu.Lock()
	b.live()
	b.gateway.mu.Unlock()
	for _, page := range append([]string{"", "nowhere"}, stepNames()...) {
		path := "/setup/" + page
		if page == "" || page == "nowhere" {
			path = "/" + page
		}
		for _, dark := range []bool{false, true} {
			on(t, ctx, dark, true)
			visit(t, ctx, server.URL+path)
			check(t, ctx, axe, fmt.Sprintf("is%s-dark=%v", strings.ReplaceAll(path, "/", "-"), dark))
		}
	}
}

func check(t *testing.T, ctx context.Context, axe, where string) {
	t.Helper()
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[string](measure))
	if err != nil {
		t.Fatal(where, err)
	}
	var found struct {
		Small, Cut []string
		Wide       int
	}
	if err := json.Unmarshal([]byte(raw), &found); err != nil {
		t.Fatal(err)
	}
	if found.Wide > 0 || len(found.Cut) > 0 {
		t.Errorf("%s scrolls sideways by %d px: %q", where, found.Wide, found.Cut)
	}
	for _, s := range found.Small {
		t.Errorf("%s: target smaller than 44 px: %s", where, s)
	}
	if dir := os.Getenv(shots); dir != "" {
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, where+".png"), png, 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range violations(t, ctx, axe) {
		t.Errorf("%s: axe: %s", where, v)
	}
}

// violations runs axe with everything WCAG 2.2 AA and its best practices ask for.
func violations(t *testing.T, ctx context.Context, axe string) []string {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tg *chromedp.Target) error {
		_, err := chromedp.Evaluate[chromedp.Void](axe)(ctx, tg)
		return err
	})); err != nil {
		t.Fatal(err)
	}
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => { document.querySelectorAll('details').forEach(d => d.open = true);
		return axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
		.then(r => JSON.stringify(r.violations.map(v => v.id + ': ' + v.help + ' at ' + v.nodes.map(n => n.target.join(' ') + ' ' + (n.any[0] ? n.any[0].message : '')).slice(0, 3).join(' | ')))) })()`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	if err := json.Unmarshal([]byte(raw), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// fetchAxe gets axe-core from the npm registry.
func fetchAxe(t *testing.T) string {
	t.Helper()
	const how = "axe-core %s cannot be had: install npm (Debian: apt-get install npm) and allow it to reach its registry: %v"
	dir := t.TempDir()
	pack := exec.Command("npm", "pack", "axe-core@"+axeVersion, "--silent", "--pack-destination", dir)
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf(how, axeVersion, fmt.Errorf("%w: %s", err, out))
	}
	file, err := os.Open(filepath.Join(dir, "axe-core-"+axeVersion+".tgz"))
	if err != nil {
		t.Fatalf(how, axeVersion, err)
	}
	defer file.Close()
	zip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf(how, axeVersion, errors.New("the package holds no axe.min.js"))
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == "package/axe.min.js" {
			raw, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
	}
}
