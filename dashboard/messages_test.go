package dashboard

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loam/gateway/qc"
	"loam/gateway/quarantine"
	"loam/payouts/ledger"
	"loam/sensors"
)

// Every text a page can ask for is there, and none is there that no page asks for.
func TestMessages(t *testing.T) {
	c := english(t)
	literal := regexp.MustCompile(`"([a-z0-9]+(?:\.[A-Za-z0-9_]+)+)"`)
	used := map[string]bool{}
	for _, where := range []string{".", "templates"} {
		entries, err := os.ReadDir(where)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), "_test.go") || e.IsDir() || !(strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), ".html")) {
				continue
			}
			raw, err := fs.ReadFile(os.DirFS(where), e.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range literal.FindAllStringSubmatch(string(raw), -1) {
				used[m[1]] = true
			}
		}
	}
	composed := []string{"error404.title", "error404.do", "error500.title", "error500.do", "bytes"}
	for _, class := range []string{"h1", "h2", "h3", "h4", "h5"} {
		composed = append(composed, "health."+class)
	}
	for _, f := range []qc.Flag{qc.Good, qc.NotEvaluated, qc.Suspect, qc.Fail, qc.Missing} {
		composed = append(composed, "quality."+strconv.Itoa(int(f)), "quality.means."+flagClass(f))
	}
	for _, test := range qc.Tests() {
		composed = append(composed, "test."+string(test)+".name", "test."+string(test)+".means")
	}
	for _, s := range []ChallengeState{Proposed, Challenged, Final, Paid, Recalled} {
		composed = append(composed, "challenge."+string(s)+".word", "challenge."+string(s)+".means")
	}
	for _, s := range []ledger.State{ledger.Pending, ledger.Posted, ledger.Voided, ledger.Expired} {
		composed = append(composed, "entry."+string(s))
	}
	for _, sp := range spans() {
		composed = append(composed, "range."+sp.Name)
	}
	for _, r := range quarantine.Reasons() {
		composed = append(composed, "refused."+string(r)+".name", "refused."+string(r)+".do")
	}
	for _, k := range sensors.Kinds() {
		composed = append(composed, "quantity."+string(k.Name))
	}
	for i := range 12 {
		composed = append(composed, "month."+strconv.Itoa(i+1))
	}
	for _, id := range composed {
		used[id] = true
		if !c.has(id) && !c.has(id+".other") {
			t.Errorf("the text %q is missing", id)
		}
	}
	delete(used, "live.js") // an asset
	for id := range used {
		if root, _, _ := strings.Cut(id, "."); !c.has(id) && !c.has(id+".other") && slices.ContainsFunc(keys(c), func(k string) bool { return strings.HasPrefix(k, root+".") }) {
			t.Errorf("the text %q is missing", id)
		}
	}
	for _, id := range keys(c) {
		base := strings.TrimSuffix(strings.TrimSuffix(id, ".one"), ".other")
		if root, _, _ := strings.Cut(id, "."); !used[id] && !used[base] && root != "account" && root != "ecosystem" && root != "map" {
			t.Errorf("nobody asks for the text %q", id)
		}
	}
}

func keys(c catalog) []string {
	var out []string
	for id := range c.texts {
		out = append(out, id)
	}
	return out
}

// A translation needs not be complete: what it lacks is shown in the source language, and the browser's wish is heard.
func TestLanguages(t *testing.T) {
	all := []catalog{{lang: "en"}, {lang: "sw"}, {lang: "pt"}}
	for accept, want := range map[string]int{"": 0, "sw-KE,sw;q=0.9,en;q=0.8": 1, "fr, pt-BR;q=0.7": 2, "xx": 0, "EN-GB": 0} {
		if got := pick(all, accept); got != want {
			t.Errorf("%q: %d, want %d", accept, got, want)
		}
	}
	if got := english(t).text("no.such.text"); got != "no.such.text" {
		t.Errorf("a missing text shows as %q", got)
	}
}

// has says whether there is a text for id.
func (c catalog) has(id string) bool { _, ok := c.texts[id]; return ok }
