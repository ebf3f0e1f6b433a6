package kit

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestSetChangesOneKeyAndKeepsTheRest(t *testing.T) {
	for _, c := range []struct{ raw, table, key, want string }{
		{"a = \"x\" # why\nb = 1\n", "", "a", "a = \"v\" # why\nb = 1\n"},
		{"b = 1\n[t]\na = 'x'\n", "", "a", "a = \"v\"\nb = 1\n[t]\na = 'x'\n"},
		{"[t]\n  a   = \"#\" \n", "t", "a", "[t]\n  a = \"v\"\n"},
		{"[t]\nb = 1\n[u]\na = 2\n", "t", "a", "[t]\na = \"v\"\nb = 1\n[u]\na = 2\n"},
		{"b = 1", "t", "a", "b = 1\n[t]\na = \"v\"\n"},
		{"[[probe]]\nname = \"p\"\n", "t", "a", "[[probe]]\nname = \"p\"\n\n[t]\na = \"v\"\n"},
	} {
		got, err := set([]byte(c.raw), c.table, c.key, "v")
		if err != nil || string(got) != c.want {
			t.Errorf("%q: %q, %v; want %q", c.raw, got, err, c.want)
		}
	}
	for _, raw := range []string{"t = { a = \"x\" }\n", "s = \"\"\"\n[t]\na = 1\n\"\"\"\n", "t.a = \"x\"\n", "a = [\n", "t = 1\n"} {
		if got, err := set([]byte(raw), "t", "a", "v"); err == nil {
			t.Errorf("%q became %q", raw, got)
		}
	}
	for _, v := range []string{"a\"b", "a\\", "a\nb", "ä"} {
		if _, err := set([]byte("a = 1\n"), "", "a", v); err == nil {
			t.Errorf("%q was written", v)
		}
	}
}

func TestWithoutTakesOneProbe(t *testing.T) {
	const raw = "x = 1\n\n# first\n[[probe]]\nname = \"a\"\n  [[probe.channel]]\n  id = \"a\"\n\n# second\n[[probe]]\nname = \"b\"\n[probe.settings]\nk = 1\n\n[http]\nlisten = \"x\"\n"
	got, err := without([]byte(raw), "a")
	if err != nil || strings.Contains(string(got), "first") || !strings.Contains(string(got), "# second\n[[probe]]") {
		t.Errorf("%s, %v", got, err)
	}
	if got, err = without([]byte(raw), "b"); err != nil || strings.Contains(string(got), "settings") || !strings.Contains(string(got), "[http]") {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := without([]byte(raw), "c"); err == nil {
		t.Error("a probe that is not there was taken out")
	}
}

// Whatever a configuration looks like: an edit changes the one key, or nothing.
func FuzzSet(f *testing.F) {
	for _, seed := range []string{"a = 1\n", "[t]\na = \"x\"\n", "t = {a = 1}", "[[t]]\n", "x = '''\n[t]\n'''\n[t]\n", "\"a\" = 1\n", "[ t ]\r\na=1\r\n", "[t.u]\na=1\n"} {
		f.Add(seed, "t", "a", "v")
		f.Add(seed, "", "a", "#")
	}
	f.Fuzz(func(t *testing.T, raw, table, key, value string) {
		if table != "" && table != "t" || key != "a" {
			t.Skip()
		}
		got, err := set([]byte(raw), table, key, value)
		if err != nil {
			return
		}
		before, err := tree([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		after, err := tree(got)
		if err != nil {
			t.Fatalf("%q became %q: %v", raw, got, err)
		}
		at := after
		if table != "" {
			at = after[table].(map[string]any)
		}
		if at[key] != value {
			t.Fatalf("%q: the key has not the value", got)
		}
		into := before
		if table != "" {
			if before[table] == nil {
				before[table] = map[string]any{}
			}
			into = before[table].(map[string]any)
		}
		into[key] = value
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%q became %q: something else changed", raw, got)
		}
	})
}

func TestTheEarlierFileComesBack(t *testing.T) {
	path := t.TempDir() + "/gateway.toml"
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := save(path, []byte("old"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "new" {
		t.Fatalf("%q, %v", raw, err)
	}
	if err := Restore(path); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "old" {
		t.Fatalf("%q, %v", raw, err)
	}
}
