package kit

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

//go:embed templates/*.html messages/*.toml assets/style.css
var files embed.FS

// language is every page and text in one language.
type language struct {
	lang  string
	texts map[string]string
	pages map[string]*template.Template
}

// prepare reads messages, templates and style: whatever is wrong with them shows at start, not on a page.
func (k *kit) prepare() error {
	raw, err := files.ReadFile("assets/style.css")
	if err != nil {
		return fmt.Errorf("kit: %w", err)
	}
	style := regexp.MustCompile(`(?s)/\*.*?\*/|\n\s*`).ReplaceAllString(string(raw), "")
	sum := sha256.Sum256([]byte(style))
	k.policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	entries, err := files.ReadDir("messages")
	if err != nil {
		return fmt.Errorf("kit: %w", err)
	}
	for _, e := range entries {
		l, err := loadLanguage(e.Name(), style)
		if err != nil {
			return err
		}
		k.languages = append(k.languages, l)
	}
	english := slices.IndexFunc(k.languages, func(l language) bool { return l.lang == "en" })
	if english < 0 {
		return errors.New("kit: messages/en.toml is missing")
	}
	k.languages[0], k.languages[english] = k.languages[english], k.languages[0]
	for _, l := range k.languages[1:] { // what a translation lacks is shown in English
		for id, text := range k.languages[0].texts {
			if _, ok := l.texts[id]; !ok {
				l.texts[id] = text
			}
		}
	}
	return nil
}

func loadLanguage(file, style string) (language, error) {
	l := language{lang: strings.TrimSuffix(file, ".toml"), texts: map[string]string{}, pages: map[string]*template.Template{}}
	raw, err := files.ReadFile(path.Join("messages", file))
	if err != nil {
		return l, fmt.Errorf("kit: %w", err)
	}
	var tables map[string]map[string]string
	if err := toml.Unmarshal(raw, &tables); err != nil {
		return l, fmt.Errorf("kit: messages/%s: %w", file, err)
	}
	for table, texts := range tables {
		for id, text := range texts {
			l.texts[table+"."+id] = text
		}
	}
	functions := template.FuncMap{"t": l.text, "style": func() template.CSS { return template.CSS(style) }, "age": l.age, "capital": capital}
	for _, page := range append([]string{"status", "pin", "starting", "error"}, stepNames()...) {
		if l.pages[page], err = template.New(page).Funcs(functions).Option("missingkey=error").
			ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/"+page+".html"); err != nil {
			return l, fmt.Errorf("kit: %w", err)
		}
	}
	return l, nil
}

// text returns a message with its {names} filled in from pairs of name and value.
func (l language) text(id string, pairs ...any) string {
	s, ok := l.texts[id]
	if !ok {
		return id // a test keeps this from happening; an id is still better than a hole
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, "{"+fmt.Sprint(pairs[i])+"}", fmt.Sprint(pairs[i+1]))
	}
	return s
}

// count returns id.one or id.other with {n} filled in.
func (l language) count(id string, n int) string {
	if n == 1 {
		return l.text(id+"_one", "n", n)
	}
	return l.text(id+"_other", "n", n)
}

// age says how long something takes or is ago, in the largest unit that fits.
func (l language) age(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return l.text("age.now")
	case d < 2*time.Minute && d != time.Minute:
		return l.count("age.seconds", int(d.Seconds()))
	case d < 2*time.Hour:
		return l.count("age.minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return l.count("age.hours", int(d.Hours()))
	}
	return l.count("age.days", int(d.Hours()/24))
}

// language picks the first language the browser accepts.
func (k *kit) language(r *http.Request) int {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		base, _, _ := strings.Cut(tag, "-")
		if i := slices.IndexFunc(k.languages, func(l language) bool { return l.lang == strings.ToLower(base) }); i >= 0 {
			return i
		}
	}
	return 0
}

func capital(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}
