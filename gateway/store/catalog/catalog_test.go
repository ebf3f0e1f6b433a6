package catalog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// A backend that is not in the table cannot be chosen: every sibling folder is listed, or is no backend.
func TestEverySiblingIsListed(t *testing.T) {
	listed := map[string]bool{"catalog": true, "storetest": true}
	kinds := map[string]bool{}
	for _, b := range Backends() {
		if kinds[b.Kind] || b.Title == "" {
			t.Errorf("%q is listed twice or has no title", b.Kind)
		}
		kinds[b.Kind], listed[b.Package] = true, true
		if _, err := os.Stat("../" + b.Package); err != nil {
			t.Errorf("%s: %v", b.Kind, err)
		}
	}
	siblings, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range siblings {
		if s.IsDir() && !listed[s.Name()] {
			t.Errorf("gateway/store/%s is not listed in the catalog", s.Name())
		}
	}
}

func parse(t *testing.T, text string) Config {
	t.Helper()
	var c Config
	if err := toml.NewDecoder(strings.NewReader(text)).DisallowUnknownFields().Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	token := dir + "/token"
	if err := os.WriteFile(token, []byte(" secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", `kind = "sqlite"`,
		"kind = \"influx\"\nurl = \"http://127.0.0.1:1\"\nbucket = \"db/rp\"",
		"kind = \"influx\"\nurl = \"https://influx.example\"\norg = \"alder\"\nbucket = \"loam\"\ntoken_file = \"" + token + "\"",
	} {
		s, err := Open(t.Context(), parse(t, text), dir)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(dir + "/" + FileName); err != nil {
		t.Error(err)
	}
}

func TestWrongConfigurations(t *testing.T) {
	for text, words := range map[string][]string{
		`kind = "clay-tablets"`: {"clay-tablets", `"sqlite" or "influx"`},
		`bucket = "a"`:          {"bucket is set", `kind "influx"`},
		`kind = "influx"`:       {"url", "bucket is empty"},
		"kind = \"influx\"\nurl = \"http://me:secret@host\"\nbucket = \"b\"":    {"token_file"},
		"kind = \"influx\"\nurl = \"http://host\"\nbucket = \"b\"\norg = \"o\"": {"token_file is not"},
		"kind = \"influx\"\nurl = \"ftp://host\"\nbucket = \"b\"\ntimeout = -1": {"url", "negative"},
	} {
		_, err := Open(t.Context(), parse(t, text), t.TempDir())
		if !errors.Is(err, ErrConfig) {
			t.Errorf("%q: got %v", text, err)
			continue
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %q is not said in %v", text, w, err)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("a password is printed: %v", err)
		}
	}
	_, err := Open(t.Context(), Config{Kind: "influx", URL: "http://host", Bucket: "b", TokenFile: "/nowhere/token"}, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "token_file") {
		t.Errorf("a token file that is not there: %v", err)
	}
}

// A store that does not open is no store: not a nil pointer that passes for one until it is closed.
func TestOpenFailsWithoutAStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte("this was never a database, whatever its name says"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(t.Context(), Config{Kind: "sqlite"}, dir); s != nil || err == nil {
		t.Errorf("Open = %v, %v", s, err)
	}
}
