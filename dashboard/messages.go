package dashboard

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

//go:embed messages/*.toml
var messageFiles embed.FS

// sourceLanguage is the language the pages are written in first; what a translation lacks is shown in it.
const sourceLanguage = "en"

// catalog is every text of one language by its id, e.g. "front.sites". Texts carry {names} that are filled in.
type catalog struct {
	lang  string
	texts map[string]string
}

// loadCatalogs reads every messages/*.toml; the source language comes first.
func loadCatalogs() ([]catalog, error) {
	entries, err := messageFiles.ReadDir("messages")
	if err != nil {
		return nil, fmt.Errorf("dashboard: messages: %w", err)
	}
	var all []catalog
	for _, e := range entries {
		raw, err := messageFiles.ReadFile(path.Join("messages", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("dashboard: messages: %w", err)
		}
		tree := map[string]any{}
		if err := toml.Unmarshal(raw, &tree); err != nil {
			return nil, fmt.Errorf("dashboard: messages/%s: %w", e.Name(), err)
		}
		c := catalog{lang: strings.TrimSuffix(e.Name(), ".toml"), texts: map[string]string{}}
		if err := flatten("", tree, c.texts); err != nil {
			return nil, fmt.Errorf("dashboard: messages/%s: %w", e.Name(), err)
		}
		all = append(all, c)
	}
	source := slices.IndexFunc(all, func(c catalog) bool { return c.lang == sourceLanguage })
	if source < 0 {
		return nil, fmt.Errorf("dashboard: messages/%s.toml is missing", sourceLanguage)
	}
	all[0], all[source] = all[source], all[0]
	for _, c := range all[1:] {
		for id, text := range all[0].texts {
			if _, ok := c.texts[id]; !ok {
				c.texts[id] = text
			}
		}
	}
	return all, nil
}

func flatten(prefix string, tree map[string]any, into map[string]string) error {
	for name, v := range tree {
		switch v := v.(type) {
		case string:
			into[prefix+name] = v
		case map[string]any:
			if err := flatten(prefix+name+".", v, into); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s%s: want a text in quotes, got %v", prefix, name, v)
		}
	}
	return nil
}

// text returns a message with its {names} filled in from pairs of name and value.
func (c catalog) text(id string, pairs ...any) string {
	s, ok := c.texts[id]
	if !ok {
		return id // a test keeps this from happening; an id is still better than a hole
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, "{"+fmt.Sprint(pairs[i])+"}", fmt.Sprint(pairs[i+1]))
	}
	return s
}

// count returns the message id.one or id.other with {n} filled in.
func (c catalog) count(id string, n int, pairs ...any) string {
	form := ".other"
	if _, ok := c.texts[id+".one"]; ok && n == 1 {
		form = ".one"
	}
	return c.text(id+form, append(pairs, "n", c.integer(int64(n)))...)
}

// or returns the text of prefix+id, or fallback where the language has none.
func (c catalog) or(prefix, id, fallback string) string {
	if s, ok := c.texts[prefix+id]; ok {
		return s
	}
	return fallback
}

// integer writes a whole number with its thousands grouped.
func (c catalog) integer(n int64) string { return c.group(strconv.FormatInt(n, 10)) }

// group puts the language's separator into a plain run of digits that may start with a sign.
func (c catalog) group(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "−", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(c.text("number.group"))
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// pick returns the position of the first language the browser accepts, or 0.
func pick(all []catalog, accept string) int {
	if len(all) == 1 {
		return 0
	}
	for part := range strings.SplitSeq(accept, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		base, _, _ := strings.Cut(tag, "-")
		if i := slices.IndexFunc(all, func(c catalog) bool { return c.lang == strings.ToLower(base) }); i >= 0 {
			return i
		}
	}
	return 0
}
