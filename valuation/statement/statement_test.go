package statement_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/gateway/identity"
	"loam/gateway/registry"
	"loam/valuation/fieldtest"
	"loam/valuation/statement"
)

var day = 24 * time.Hour

func content() statement.Content {
	return statement.Content{
		Community: "willow-creek", Site: statement.Registered{ID: "meadow", Name: "Wiese \u00fc \u2028 <&> \U0001f33f", AreaM2: "10", Outline: []registry.Coordinate{{8.5, 47.25}}},
		Gateways: []statement.Gateway{}, Method: "name = \"x\"\n", QC: "{}", Batches: []statement.Batch{{Index: "3", Proof: []string{}, Sealed: "AQ"}},
	}
}

// made returns a statement of the hub for a day of a site; version tells methods of one name apart.
func made(t testing.TB, site string, day0, days int, version string) (statement.Statement, []byte) {
	t.Helper()
	from := fieldtest.Start().Add(time.Duration(day0) * day)
	to := from.Add(time.Duration(days) * day)
	s := statement.Statement{
		ID: statement.ID("willow-creek", site, from, to, version), Community: "willow-creek", Hub: "hub",
		HubKey: identity.FormatKey(fieldtest.Hub().Public()), Site: statement.Site{ID: site},
		Period: statement.Period{From: statement.Time(from), To: statement.Time(to)},
		Method: statement.Method{Name: "field", Version: version, Digest: version},
	}
	s, raw, err := statement.Seal(s, content(), fieldtest.Hub())
	if err != nil {
		t.Fatal(err)
	}
	return s, raw
}

func TestBundleReadsBack(t *testing.T) {
	s, raw := made(t, "meadow", 0, 1, "1")
	b, err := statement.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(b.Statement, s) || !reflect.DeepEqual(b.Content, content()) {
		t.Errorf("became %+v", b)
	}
	if err := s.VerifySignature(b.Signature); err != nil {
		t.Errorf("the statement alone does not verify: %v", err)
	}
	s.Health = "1.000000"
	if err := s.VerifySignature(b.Signature); !errors.Is(err, statement.ErrSignature) {
		t.Errorf("a changed statement: %v", err)
	}
}

func TestSealRefusesWhatIsNotTheHubs(t *testing.T) {
	s, _ := made(t, "meadow", 0, 1, "1")
	if _, _, err := statement.Seal(s, content(), fieldtest.NewSigner("other")); err == nil {
		t.Error("another hub's statement was signed")
	}
}

func TestParseRefusesOtherSpellings(t *testing.T) {
	_, raw := made(t, "meadow", 0, 1, "1")
	for name, edit := range map[string]func(string) string{
		"empty":              func(string) string { return "" },
		"space":              func(s string) string { return strings.Replace(s, ":", ": ", 1) },
		"line end":           func(s string) string { return s + "\n" },
		"something behind":   func(s string) string { return s + "{}" },
		"unknown key":        func(s string) string { return strings.Replace(s, `{"content"`, `{"a":1,"content"`, 1) },
		"key twice":          func(s string) string { return strings.Replace(s, `"qc":"{}"`, `"qc":"{}","qc":"{}"`, 1) },
		"other case":         func(s string) string { return strings.Replace(s, `"qc":`, `"QC":`, 1) },
		"escaped":            func(s string) string { return strings.Replace(s, `"willow-creek"`, `"willow\u002dcreek"`, 1) },
		"other number":       func(s string) string { return strings.Replace(s, `47.25`, `47.250`, 1) },
		"null for a list":    func(s string) string { return strings.Replace(s, `"gateways":[]`, `"gateways":null`, 1) },
		"left out":           func(s string) string { return strings.Replace(s, `"log_origin":"",`, ``, 1) },
		"padded base64":      func(s string) string { return strings.Replace(s, `"AQ"`, `"AQ=="`, 1) },
		"other base64 bits":  func(s string) string { return strings.Replace(s, `"AQ"`, `"AR"`, 1) },
		"other format":       func(s string) string { return strings.Replace(s, statement.Format, "loam-bundle/2", 1) },
		"changed content":    func(s string) string { return strings.Replace(s, `"area_m2":"10"`, `"area_m2":"11"`, 1) },
		"changed statement":  func(s string) string { return strings.Replace(s, `"version":"1"`, `"version":"2"`, 1) },
		"short signature":    func(s string) string { return strings.Replace(s, `"signature":"`, `"signature":"AA`, 1) },
		"a number too large": func(s string) string { return strings.Replace(s, `"batches":0`, `"batches":9007199254740993`, 1) },
	} {
		text := edit(string(raw))
		if text == string(raw) {
			t.Errorf("%s: nothing changed", name)
		}
		if _, err := statement.Parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTimesHaveOneSpelling(t *testing.T) {
	for _, s := range []string{"2026-05-01T00:00:00+00:00", "2026-05-01T00:00:00.0Z", "2026-05-01", "2026-05-01T24:00:00Z", ""} {
		if _, err := statement.ParseTime(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
	if at, err := statement.ParseTime("2026-05-01T00:00:00Z"); err != nil || !at.Equal(fieldtest.Start()) {
		t.Error(at, err)
	}
}

func open(t *testing.T) *statement.Store {
	t.Helper()
	s, err := statement.OpenStore(t.Context(), filepath.Join(t.TempDir(), "statements.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStoreKeepsTheFirst(t *testing.T) {
	store := open(t)
	first, bundle := made(t, "meadow", 0, 1, "1")
	if got, created, err := store.Put(t.Context(), first, bundle); err != nil || !created || !reflect.DeepEqual(got, first) {
		t.Fatal(got, created, err)
	}
	second := first
	second.IssuedAt = "later"
	got, created, err := store.Put(t.Context(), second, []byte("other"))
	if err != nil || created || !reflect.DeepEqual(got, first) {
		t.Errorf("the second Put gave %+v, %v, %v", got, created, err)
	}
	if got, ok, err := store.Get(t.Context(), first.ID); err != nil || !ok || !reflect.DeepEqual(got, first) {
		t.Errorf("Get gave %+v, %v, %v", got, ok, err)
	}
	if got, ok, err := store.Bundle(t.Context(), first.ID); err != nil || !ok || string(got) != string(bundle) {
		t.Errorf("Bundle gave %d bytes, %v, %v", len(got), ok, err)
	}
	if _, ok, err := store.Get(t.Context(), "nothing"); ok || err != nil {
		t.Error("found what is not there", err)
	}
	if _, ok, err := store.Bundle(t.Context(), "nothing"); ok || err != nil {
		t.Error("found what is not there", err)
	}
}

func TestStoreValuesNothingTwice(t *testing.T) {
	store := open(t)
	put := func(site string, from, days int, version string) error {
		s, b := made(t, site, from, days, version)
		_, _, err := store.Put(t.Context(), s, b)
		return err
	}
	if err := put("meadow", 2, 2, "1"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		site    string
		from    int
		days    int
		version string
		want    error
	}{
		{"meadow", 2, 2, "2", statement.ErrOverlap}, {"meadow", 1, 2, "1", statement.ErrOverlap}, {"meadow", 3, 3, "1", statement.ErrOverlap},
		{"meadow", 0, 9, "2", statement.ErrOverlap}, {"meadow", 0, 2, "2", nil}, {"meadow", 4, 1, "2", nil}, {"stream", 2, 2, "1", nil},
	} {
		if err := put(c.site, c.from, c.days, c.version); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestStoreLists(t *testing.T) {
	store := open(t)
	for _, c := range []struct {
		site string
		day  int
	}{{"stream", 1}, {"meadow", 0}, {"meadow", 1}} {
		s, b := made(t, c.site, c.day, 1, "1")
		if _, _, err := store.Put(t.Context(), s, b); err != nil {
			t.Fatal(err)
		}
	}
	list := func(l []statement.Statement, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, s := range l {
			text += s.Site.ID + s.Period.From[8:10] + " "
		}
		return text
	}
	for got, want := range map[string]string{
		list(store.List(t.Context())):                "stream02 meadow01 meadow02 ",
		list(store.Latest(t.Context(), "", 2)):       "meadow02 stream02 ",
		list(store.Latest(t.Context(), "meadow", 9)): "meadow02 meadow01 ",
		list(store.Latest(t.Context(), "beach", 9)):  "",
	} {
		if got != want {
			t.Errorf("listed %q, want %q", got, want)
		}
	}
	if to, ok, err := store.Through(t.Context(), "meadow", "field"); err != nil || !ok || !to.Equal(fieldtest.Start().Add(2*day)) {
		t.Error(to, ok, err)
	}
	if _, ok, err := store.Through(t.Context(), "meadow", "other"); err != nil || ok {
		t.Error(ok, err)
	}
}

// Many callers put different statements for the same period at once: one stands, and all are told the same.
func TestStoreUnderConcurrency(t *testing.T) {
	store := open(t)
	base, bundle := made(t, "meadow", 0, 1, "1")
	var mu sync.Mutex
	created, seen := 0, map[string]bool{}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			s := base
			s.IssuedAt = fmt.Sprint(n)
			got, is, err := store.Put(t.Context(), s, bundle)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if is {
				created++
			}
			seen[got.IssuedAt] = true
		})
	}
	all.Wait()
	if created != 1 || len(seen) != 1 {
		t.Errorf("%d created, callers saw %v", created, seen)
	}
}

func FuzzParse(f *testing.F) {
	_, raw := made(f, "meadow", 0, 1, "1")
	f.Add(raw)
	f.Add([]byte(`{"content":{},"format":"loam-bundle/1","signature":"","statement":{}}`))
	f.Add([]byte("null"))
	f.Add([]byte(strings.Repeat("[", 20_000)))
	f.Fuzz(func(t *testing.T, other []byte) {
		b, err := statement.Parse(other)
		if err != nil {
			return
		}
		again, err := statement.Canonical(b)
		if err != nil || string(again) != string(other) {
			t.Fatal("accepted what is not the one form of its content")
		}
	})
}
