//go:build browser

package dashboard

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeVersion is the accessibility checker's; it is fetched when the test runs and is no part of loam.
const axeVersion = "4.14.1"

// shots is the environment variable that names a folder for screenshots; empty: none are made.
const shots = "LOAM_SHOTS"

// browser starts Chromium. Where there is none the test fails: a page nobody rendered was not tested.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("no Chromium found: install it (Debian: apt-get install chromium fonts-dejavu-core)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// tab opens a tab and returns what its console says.
func tab(t *testing.T, ctx context.Context) (context.Context, func() []string) {
	t.Helper()
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	var mu sync.Mutex
	var said []string
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			mu.Lock()
			said = append(said, m.String())
			mu.Unlock()
		}
	}()
	return ctx, func() []string { mu.Lock(); defer mu.Unlock(); return said }
}

func look(t *testing.T, ctx context.Context, url string, width, height int64, dark bool) {
	t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	err := chromedp.Do(ctx,
		chromedp.EmulateViewport(width, height, chromedp.EmulatePortrait, chromedp.EmulateTouch),
		chromedp.Func(func(ctx context.Context, tg *chromedp.Target) error {
			_, err := cdp.Call(ctx, tg, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}),
		chromedp.Navigate(url))
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

func browserPages(f *fake) map[string]string {
	return map[string]string{
		"front": "/", "site": "/sites/spring-meadow", "site-7d": "/sites/willow-bend?range=7d", "site-30d": "/sites/lower-marsh?range=30d",
		"statement": "/statements/" + f.published[1].ID, "statement-poor": "/statements/" + f.published[5].ID,
		"steward": "/stewards/asha", "ledger": "/ledger", "quarantine": "/quarantine", "error": "/nowhere",
	}
}

// sizes are a phone and a desk.
var sizes = []struct {
	name          string
	width, height int64
}{{"phone", 390, 844}, {"desk", 1280, 800}}

const measure = `(() => {
  const name = e => e.tagName + ' ' + (e.getAttribute('aria-label') || e.textContent.trim().slice(0, 40)) + ' ' + (e.getAttribute('href') || '');
  const small = [];
  for (const e of document.querySelectorAll('a, button, summary')) {
    const r = e.getBoundingClientRect();
    if (r.width === 0 || e.classList.contains('skip')) continue;
    const own = [...e.parentElement.childNodes].some(n => n !== e && n.nodeType === 3 && n.textContent.trim().length > 1);
    if (own && getComputedStyle(e).display === 'inline') continue; // a link within a sentence
    if (r.height < 43.5 || r.width < 43.5) small.push(name(e) + ' ' + Math.round(r.width) + 'x' + Math.round(r.height));
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const cut = [...document.querySelectorAll('main *')].filter(e => !e.closest('.wide') && !e.closest('svg') && !e.closest('.vh') && !e.classList.contains('vh') && e.getBoundingClientRect().right > innerWidth + 1).map(name).slice(0, 5);
  for (const e of document.querySelectorAll('.card table, .card svg, .card p')) {
    if (!e.closest('.wide') && !e.closest('.vh') && e.getBoundingClientRect().right > e.closest('.card').getBoundingClientRect().right) cut.push('out of its card: ' + name(e));
  }
  return JSON.stringify({small, wide, cut});
})()`

// On a phone and at a desk, light and dark: no page scrolls sideways, every target is large enough for a finger, the
// console stays silent, and axe finds nothing.
func TestBrowserPages(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(serve(t, f.config()))
	defer server.Close()
	axe := fetchAxe(t)
	ctx, said := tab(t, browser(t))
	for name, path := range browserPages(f) {
		for _, size := range sizes {
			for _, dark := range []bool{false, true} {
				where := fmt.Sprintf("%s-%s-dark=%v", name, size.name, dark)
				look(t, ctx, server.URL+path, size.width, size.height, dark)
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
				if size.name == "phone" {
					for _, s := range found.Small {
						t.Errorf("%s: target smaller than 44 px: %s", where, s)
					}
				}
				snap(t, ctx, where)
				for _, v := range violations(t, ctx, axe) {
					t.Errorf("%s: axe: %s", where, v)
				}
			}
		}
	}
	for _, line := range said() {
		if !strings.Contains(line, "404") { // the error page is asked for on purpose
			t.Errorf("console: %s", line)
		}
	}
}

// Without JavaScript nothing is missing: the same rows, charts and links as with it.
func TestBrowserWithoutScript(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(serve(t, f.config()))
	defer server.Close()
	ctx, _ := tab(t, browser(t))
	count := func(path string) string {
		look(t, ctx, server.URL+path, 390, 844, false)
		s, err := chromedp.Run(ctx, chromedp.Evaluate[string](`['tr', 'svg', 'main a', 'dt', 'h2'].map(q => q + ':' + document.querySelectorAll(q).length).join(' ') + ' ' + document.querySelector('main').innerText.length`))
		if err != nil {
			t.Fatal(path, err)
		}
		return s
	}
	script := func(off bool) {
		err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tg *chromedp.Target) error {
			_, err := cdp.Call(ctx, tg, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
			return err
		}))
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, path := range browserPages(f) {
		script(true)
		without := count(path)
		script(false)
		with := count(path)
		// The button that pauses live values belongs to the script; everything else must be there without it.
		if strings.Fields(without)[0] != strings.Fields(with)[0] || strings.Join(strings.Fields(without)[:5], " ") != strings.Join(strings.Fields(with)[:5], " ") {
			t.Errorf("%s: without script %s, with script %s", name, without, with)
		}
		if strings.HasPrefix(without, "tr:0 ") && name != "error" && name != "statement-poor" {
			t.Errorf("%s shows no rows without script: %s", name, without)
		}
	}
}

// The script refreshes the values in place, stops when asked to, and says so when the hub does not answer.
func TestBrowserLive(t *testing.T) {
	f := newFake(t)
	c := f.config()
	var mu sync.Mutex
	now := testNow
	c.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	server := httptest.NewServer(serve(t, c))
	defer server.Close()
	ctx, _ := tab(t, browser(t))
	look(t, ctx, server.URL+"/", 390, 844, false)
	mu.Lock()
	now = now.Add(3 * time.Minute)
	mu.Unlock()
	wait := func(js, what string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](js, chromedp.WithPollingTimeout(12*time.Second))); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	wait(`document.querySelector('#state').innerText.includes('3 minutes ago')`, "the newest value did not refresh by itself")
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#pause button"))); err != nil {
		t.Fatal(err)
	}
	wait(`document.querySelector('#pause button').textContent === 'Start live values'`, "the button does not say that it is paused")
	server.CloseClientConnections()
	server.Close()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#pause button"))); err != nil {
		t.Fatal(err)
	}
	wait(`!document.getElementById('lost').hidden`, "a page that lost its hub does not say so")
}

// A printed statement is black on white whatever the screen prefers, without what only a screen can use.
func TestBrowserPrint(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(serve(t, f.config()))
	defer server.Close()
	ctx, _ := tab(t, browser(t))
	look(t, ctx, server.URL+"/statements/"+f.published[0].ID, 794, 1123, false)
	if err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, tg *chromedp.Target) error {
		_, err := cdp.Call(ctx, tg, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
		})
		return err
	})); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => { const s = getComputedStyle(document.body);
		return [s.backgroundColor, s.color, ...[...document.querySelectorAll('nav, .button, .crumb')].map(e => getComputedStyle(e).display)].join(' ') })()`))
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(got, "rgb(255, 255, 255) rgb(0, 0, 0)")
	if !ok || strings.Trim(strings.ReplaceAll(rest, "none", ""), " ") != "" {
		t.Errorf("in print: %s", got)
	}
	snap(t, ctx, "statement-print")
}

func snap(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv(shots)
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
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
