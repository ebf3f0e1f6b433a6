package dashboard

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"loam/gateway/qc"
	"loam/gateway/registry"
	"loam/valuation/statement"
)

// pagePaths are one address of every kind of page.
func pagePaths(f *fake) []string {
	paths := []string{"/", "/ledger", "/quarantine"}
	for _, s := range f.registry.Sites() {
		for _, sp := range spans() {
			paths = append(paths, "/sites/"+s.ID+"?range="+sp.Name)
		}
	}
	for _, s := range f.published {
		paths = append(paths, "/statements/"+s.ID)
	}
	for _, s := range f.registry.Stewards() {
		paths = append(paths, "/stewards/"+s.ID)
	}
	return paths
}

// Every page has a language, a title, a skip link that leads somewhere, landmarks, one h1, headings in order, unique ids,
// labelled pictures, tables with captions and headers, and nothing the content security policy would refuse.
func TestStructure(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	for _, path := range append(pagePaths(f), "/nowhere") {
		doc := parse(t, answerOf(h, path).Body.String())
		wrong := func(format string, args ...any) {
			t.Helper()
			t.Errorf(path+": "+format, args...)
		}
		if root := tags(doc, "html"); len(root) != 1 || attribute(root[0], "lang") == "" {
			wrong("no language")
		}
		for _, name := range []string{"title", "h1", "main", "header", "nav"} {
			if n := tags(doc, name); len(n) == 0 || len(n) > 1 && (name == "h1" || name == "main" || name == "title") || text(n[0]) == "" {
				wrong("%d of <%s>", len(n), name)
			}
		}
		level := 0
		for _, head := range tags(doc, "h1", "h2", "h3", "h4") {
			if now := int(head.Data[1] - '0'); now > level+1 {
				wrong("heading %q jumps from h%d to h%d", text(head), level, now)
			} else {
				level = now
			}
		}
		ids := map[string]bool{}
		for _, n := range all(doc, func(n *html.Node) bool { return attribute(n, "id") != "" }) {
			if ids[attribute(n, "id")] {
				wrong("id %q twice", attribute(n, "id"))
			}
			ids[attribute(n, "id")] = true
		}
		for _, n := range all(doc, func(n *html.Node) bool { return attribute(n, "aria-labelledby") != "" }) {
			if !ids[attribute(n, "aria-labelledby")] {
				wrong("labelled by %q, which is not there", attribute(n, "aria-labelledby"))
			}
		}
		for _, n := range tags(doc, "table") {
			if len(tags(n, "caption")) != 1 || len(tags(n, "th")) == 0 {
				wrong("a table without caption or headers: %.60q", text(n))
			}
		}
		for _, n := range tags(doc, "svg") {
			if attribute(n, "aria-hidden") != "true" && attribute(n, "aria-label") == "" {
				wrong("a picture nobody can hear")
			}
		}
		for _, n := range all(doc, func(*html.Node) bool { return true }) {
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					wrong("<%s %s=…> would be refused by the policy", n.Data, a.Key)
				}
			}
			if n.Data == "script" && text(n) != "" {
				wrong("script in the page")
			}
		}
		if body := answerOf(h, path).Body.String(); strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "%!") || strings.Contains(body, "<nil>") {
			wrong("a template went wrong")
		}
	}
}

// Every value stands with its unit, its age and its quality in words; one that is old says so in words.
func TestEveryValueIsExplained(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	quality := regexp.MustCompile(`\b(good|not checked|suspect|failed|missing)\b`)
	age := regexp.MustCompile(`(just now|\d+ (second|minute|hour|day)s? ago)`)
	for _, path := range pagePaths(f) {
		doc := fetch(t, h, path)
		values := class(doc, "value")
		if strings.HasPrefix(path, "/sites/") && len(values) == 0 || path == "/" && len(values) != len(f.keys) {
			t.Errorf("%s shows %d values", path, len(values))
		}
		for _, v := range values {
			row := up(v, "tr")
			said := text(row)
			if u := class(row, "unit"); len(u) == 0 || text(u[0]) == "" {
				t.Errorf("%s: %q has no unit", path, said)
			}
			if !age.MatchString(said) || len(tags(row, "time")) == 0 {
				t.Errorf("%s: %q has no age", path, said)
			}
			if !quality.MatchString(said) {
				t.Errorf("%s: %q has no quality", path, said)
			}
			if strings.Contains(said, "hours ago") != strings.Contains(said, "old value") {
				t.Errorf("%s: %q is old and does not say so, or says so and is not", path, said)
			}
		}
	}
	pond := text(class(fetch(t, h, "/sites/lower-marsh"), "stale")[0])
	if !strings.Contains(pond, "Water temperature") || !strings.Contains(pond, "old value") {
		t.Errorf("the silent pond probe is not marked: %q", pond)
	}
	if s := text(fetch(t, h, "/sites/spring-meadow")); !strings.Contains(s, "flat line. The value has not moved for too long") {
		t.Error("a suspect value does not say which test and what it means")
	}
}

// Every chart is followed by a table that says the same: its lowest and highest value are the chart's.
func TestEveryChartHasATable(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	for _, s := range f.registry.Sites() {
		for _, sp := range spans() {
			doc := fetch(t, h, "/sites/"+s.ID+"?range="+sp.Name)
			figures := tags(doc, "figure")
			if len(figures) == 0 {
				t.Errorf("%s has no charts", s.ID)
			}
			for _, fig := range figures {
				said := regexp.MustCompile(`Lowest (\S+), highest (\S+)`).FindStringSubmatch(text(fig))
				tables := tags(fig.Parent, "table")
				if len(tables) != 1 || said == nil {
					t.Fatalf("%s %s: %d tables beside the chart %q", s.ID, sp.Name, len(tables), text(fig))
				}
				if rows := len(tags(tables[0], "tr")) - 1; rows < 7 || rows > 31 {
					t.Errorf("%s %s: %d rows", s.ID, sp.Name, rows)
				}
				if all := text(tables[0]); !strings.Contains(all, said[1]) || !strings.Contains(all, strings.TrimSuffix(said[2], ".")) {
					t.Errorf("%s %s: the chart's %v are not in its table", s.ID, sp.Name, said[1:])
				}
			}
		}
	}
}

// A gap is drawn as a gap, flagged readings by their own shapes, and neither by colour alone.
func TestChartsShowGapsAndFlags(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	doc := fetch(t, h, "/sites/willow-bend")
	for _, l := range class(doc, "line") {
		if n := strings.Count(attribute(l, "d"), "M"); n != 2 {
			t.Errorf("a night without power gives %d pieces of line, want 2", n)
		}
	}
	if len(class(doc, "tri")) != 1 || len(class(doc, "cross")) != 0 {
		t.Error("the suspect stream readings are not marked by triangles")
	}
	if doc := fetch(t, h, "/sites/spring-meadow?range=30d"); len(class(doc, "cross")) == 0 {
		t.Error("failed readings are not marked by crosses")
	}
	var failed float64
	for k, points := range f.series {
		for _, p := range points {
			if k.Site == "spring-meadow" && k.Channel == "soil-10cm" && p.Flag == qc.Fail {
				failed = p.Value
			}
		}
	}
	if failed < 0.5 {
		t.Fatal("the fake lost its failures")
	}
	if s := text(tags(fetch(t, h, "/sites/spring-meadow?range=30d"), "figure")[2]); strings.Contains(s, "highest 0.5") {
		t.Errorf("a failed reading counts as the highest: %s", s)
	}
}

// From the front page every internal link leads to a page, and every anchor to something on it.
func TestEveryLinkResolves(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	seen, queue := map[string]*html.Node{}, []string{"/"}
	for len(queue) > 0 {
		link := queue[0]
		queue = queue[1:]
		path, anchor, _ := strings.Cut(link, "#")
		doc, known := seen[path]
		if !known {
			w := answerOf(h, path)
			if w.Code != http.StatusOK {
				t.Errorf("%s: status %d", path, w.Code)
				continue
			}
			if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				continue
			}
			doc = parse(t, w.Body.String())
			seen[path] = doc
			for _, n := range all(doc, func(n *html.Node) bool { return attribute(n, "href") != "" || attribute(n, "src") != "" }) {
				to := attribute(n, "href") + attribute(n, "src")
				switch {
				case strings.HasPrefix(to, "#"):
					queue = append(queue, path+to)
				case strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//"):
					queue = append(queue, to)
				default:
					t.Errorf("%s links to %q: nothing is loaded from elsewhere", path, to)
				}
			}
		}
		if anchor != "" && len(all(doc, func(n *html.Node) bool { return attribute(n, "id") == anchor })) != 1 {
			t.Errorf("%s: no #%s there", path, anchor)
		}
	}
	for _, path := range pagePaths(f) {
		if path, _, _ = strings.Cut(path, "?"); seen[path] == nil && !strings.HasPrefix(path, "/statements/") {
			t.Errorf("%s cannot be reached from the front page", path)
		}
	}
}

// The front page comes in one TCP window, every other page in 60 kB; the script stays tiny.
func TestSizes(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	for _, path := range append(pagePaths(f), "/nowhere", "/live") {
		limit := 60_000
		if path == "/" {
			limit = 14_000
		}
		w := answerOf(h, path, "Accept-Encoding", "gzip, deflate")
		if w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > limit {
			t.Errorf("%s: %d bytes %s, want gzip and at most %d", path, w.Body.Len(), w.Header().Get("Content-Encoding"), limit)
		}
		if path == "/" || strings.HasPrefix(path, "/sites/lower-marsh") {
			t.Logf("%s: %d bytes", path, w.Body.Len())
		}
	}
	script, err := assetFiles.ReadFile("assets/live.js")
	if err != nil || len(script) >= 2000 {
		t.Errorf("the script has %d bytes, want less than 2000 (%v)", len(script), err)
	}
}

// Whatever a steward, a sender or a statement writes stays text.
func TestHostileNames(t *testing.T) {
	f := newFake(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>'{{.}}`
	sites, stewards := f.registry.Sites(), f.registry.Stewards()
	for i := range sites {
		sites[i].Name = evil
	}
	stewards[0].Name = evil
	reg, err := registry.New(f.registry.Community, stewards, sites, f.registry.Gateways())
	if err != nil {
		t.Fatal(err)
	}
	f.registry = reg
	for i := range f.published {
		s := &f.published[i]
		s.Site.Name, s.Notice, s.Reasons = evil, evil, []string{evil}
		s.Indices[0].Kind, s.Indices[0].Source, s.Indices[0].Reasons = evil, evil, []string{evil}
		s.Indices[0].Levels = map[string]string{evil: evil}
		s.Excluded = []statement.Exclusion{{Gateway: evil, Channel: evil, Reason: evil, Count: 1}}
		s.Evidence.Root, s.HubKey, s.Method.Name = evil, evil, evil
	}
	for i := range f.entries {
		f.entries[i].Memo = evil
	}
	for i := range f.refused {
		f.refused[i].Gateway, f.refused[i].Detail = evil, evil
	}
	c := f.config()
	c.Settings = Settings{Title: evil, About: evil, Contact: evil}
	c.Sources.Registry = reg
	c.Sources.Alarms = func() []string { return []string{evil} }
	h := serve(t, c)
	for _, path := range append(pagePaths(f), "/live", "/sites/spring-meadow/live", "/"+evil, "/sites/"+strings.ReplaceAll(evil, "/", "")) {
		path = strings.NewReplacer(" ", "%20", `"`, "%22", "<", "%3C", ">", "%3E", "{", "%7B", "}", "%7D", "'", "%27").Replace(path)
		doc := parse(t, answerOf(h, path).Body.String())
		if len(tags(doc, "img")) > 0 {
			t.Errorf("%s: a name became an element", path)
		}
		for _, s := range tags(doc, "script") {
			if s.FirstChild != nil {
				t.Errorf("%s: a name became a script", path)
			}
		}
		if path == "/" && !strings.Contains(text(doc), "<script>alert(1)</script>") {
			t.Error("the name is not shown as the text it is")
		}
	}
}

// A page carries no more than it was told: a statement's page leads down to the readings, the batches and the command.
func TestStatementSaysWhy(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	open, poor := f.published[0], f.published[5]
	page := text(fetch(t, h, "/statements/"+open.ID))
	for _, want := range []string{
		"not a carbon offset", "161 of 168", "1,986 of 2,010 counted", "16 suspect", "Soil survey of the county",
		"13.32 MEADOW", "− 0.26 MEADOW", "− 2.66 MEADOW", "= 10.40 MEADOW", "8.32 MEADOW", "the shares add up",
		"Anyone may object until 18 May 2026, 00:00 UTC", "objections@willow-creek.example", "loam verify " + open.ID + ".json",
		open.Evidence.Root, open.HubKey, fingerprint(open.HubKey), "two-point-2026-03-02",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the statement does not say %q", want)
		}
	}
	w := answerOf(h, "/statements/"+open.ID+"/bundle.json")
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Disposition"), `"`+open.ID+`.json"`) {
		t.Errorf("bundle: %d %s", w.Code, w.Header().Get("Content-Disposition"))
	}
	page = text(fetch(t, h, "/statements/"+poor.ID))
	for _, want := range []string{"Earns nothing", "only 61 of 168 hours", "No health score"} {
		if !strings.Contains(page, want) {
			t.Errorf("the statement that earns nothing does not say %q", want)
		}
	}
	f.published[0].Credit.Net = "1041"
	if page := text(fetch(t, serve(t, f.config()), "/statements/"+open.ID)); !strings.Contains(page, "do not add up") {
		t.Error("a statement that does not add up is shown as if it did")
	}
}

// What the script fetches fits into the page it refreshes.
func TestLiveFragments(t *testing.T) {
	f := newFake(t)
	h := serve(t, f.config())
	for _, path := range []string{"/", "/sites/spring-meadow"} {
		doc := fetch(t, h, path)
		where := ""
		for _, n := range all(doc, func(n *html.Node) bool { return attribute(n, "data-live") != "" }) {
			where = attribute(n, "data-live")
		}
		live := fetch(t, h, where)
		parts := all(tags(live, "body")[0], func(n *html.Node) bool { return n.Parent.Data == "body" })
		if len(parts) == 0 {
			t.Fatalf("%s: nothing in %q", path, where)
		}
		for _, part := range parts {
			id := attribute(part, "id")
			same := all(doc, func(n *html.Node) bool { return attribute(n, "id") == id })
			if id == "" || len(same) != 1 || text(same[0]) != text(part) {
				t.Errorf("%s: the fragment %q of %s does not stand in the page", path, id, where)
			}
		}
	}
}
