package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/*
var assetFiles embed.FS

// pageNames are the templates that make a whole page together with the layout and the shared parts.
func pageNames() []string {
	return []string{"front", "site", "statement", "steward", "ledger", "quarantine", "error"}
}

// language is every page in one language.
type language struct {
	catalog
	pages map[string]*template.Template
}

// asset is a file that never changes under its name: the name holds its hash.
type asset = page

// prepare reads messages, templates and assets: whatever is wrong with them shows at start, not on a page.
func (d *dashboard) prepare() error {
	names := map[string]string{} // plain name to address
	d.assets = map[string]asset{}
	var style string
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return fmt.Errorf("dashboard: assets: %w", err)
	}
	for _, e := range entries {
		raw, err := assetFiles.ReadFile(path.Join("assets", e.Name()))
		if err != nil {
			return fmt.Errorf("dashboard: assets: %w", err)
		}
		if e.Name() == "style.css" {
			style = tighten(string(raw))
			continue
		}
		p, err := newPage(mime.TypeByExtension(path.Ext(e.Name())), raw)
		if err != nil {
			return fmt.Errorf("dashboard: assets/%s: %w", e.Name(), err)
		}
		sum := sha256.Sum256(raw)
		stem, ext, _ := strings.Cut(e.Name(), ".")
		hashed := stem + "." + hex.EncodeToString(sum[:5]) + "." + ext
		names[e.Name()], d.assets[hashed] = "/assets/"+hashed, p
	}
	hash := sha256.Sum256([]byte(style))
	d.policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(hash[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if d.catalogs, err = loadCatalogs(); err != nil {
		return err
	}
	for _, c := range d.catalogs {
		l := language{c, map[string]*template.Template{}}
		for _, name := range pageNames() {
			t, err := template.New(name).Funcs(c.functions(names, style)).Option("missingkey=error").
				ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
			if err != nil {
				return fmt.Errorf("dashboard: templates: %w", err)
			}
			l.pages[name] = t
		}
		d.languages = append(d.languages, l)
	}
	d.meter, err = newMeter(d.Metrics)
	return err
}

// functions are the words templates may use.
func (c catalog) functions(assets map[string]string, style string) template.FuncMap {
	return template.FuncMap{
		"t": c.text, "n": func(id string, n any, pairs ...any) string { return c.count(id, toInt(n), pairs...) },
		"age": c.age, "number": c.number, "integer": func(n any) string { return c.integer(int64(toInt(n))) },
		"quality": c.quality, "verdicts": c.verdicts, "quantity": c.quantity, "plain": plain, "capital": capital,
		"when": c.when, "day": c.day, "period": c.period, "tick": c.tick, "places": tickPlaces,
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"amount": c.amount, "amountText": c.amountText, "area": c.area, "ecosystem": c.ecosystem, "bytes": c.bytes,
		"fingerprint": fingerprint, "or_": c.or, "degrees": c.degrees, "rowTime": c.rowTime,
		"asset": func(name string) (string, error) {
			if a, ok := assets[name]; ok {
				return a, nil
			}
			return "", fmt.Errorf("dashboard: no asset %q", name)
		},
		"style": func() template.CSS { return template.CSS(style) }, // our own file, embedded
	}
}

func toInt(n any) int {
	switch n := n.(type) {
	case int:
		return n
	case int64:
		return int(n)
	case uint64:
		return int(n)
	}
	return 0
}

// render fills a template completely before anything is sent: a page is never half an answer.
func (l language) render(name, part string, f frame) (page, error) {
	var b bytes.Buffer
	if err := l.pages[name].ExecuteTemplate(&b, part, f); err != nil {
		return page{}, fmt.Errorf("dashboard: %s: %w", name, err)
	}
	return newPage("text/html; charset=utf-8", b.Bytes())
}

// language returns the position of the language a request asks for.
func (d *dashboard) language(r *http.Request) int {
	return pick(d.catalogs, r.Header.Get("Accept-Language"))
}

func (d *dashboard) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := d.assets[r.PathValue("file")]
	if !ok {
		d.fail(w, r, errNotFound)
		return
	}
	d.send(w, r, http.StatusOK, "public, max-age=31536000, immutable", a)
}

// tighten removes what a browser does not need from a style sheet: comments, line breaks and indentation.
func tighten(css string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(css, "/*")
		for line := range strings.SplitSeq(before, "\n") {
			b.WriteString(strings.TrimSpace(line))
		}
		if !found {
			return b.String()
		}
		_, css, _ = strings.Cut(after, "*/")
	}
}

// tick labels a moment on a time axis: the hour where hours matter, else the day.
func (c catalog) tick(t time.Time, from, to time.Time) string {
	if to.Sub(from) <= day {
		return t.UTC().Format("15:04")
	}
	return c.text("date.short", "day", t.UTC().Day(), "month", c.month(t))
}

// rowTime names a row of a table that covers step from t on.
func (c catalog) rowTime(t time.Time, step time.Duration) string {
	if step >= day {
		return c.day(t)
	}
	return c.text("date.hour", "day", t.UTC().Day(), "month", c.month(t), "time", t.UTC().Format("15:04"))
}

// degrees labels a grid line: 35.52° N.
func (c catalog) degrees(v float64, places int, positive, negative string) string {
	id := positive
	if v < 0 {
		v, id = -v, negative
	}
	if v > 180 {
		v, id = 360-v, negative
	}
	return c.text("map."+id, "degrees", c.number(v, places))
}
