package logbook

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"loam/internal/config"
	"loam/sensors"
)

func decimal(t testing.TB, s string) sensors.Decimal {
	t.Helper()
	d, err := sensors.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func entry(t testing.TB, day int) Entry {
	k := decimal(t, "0.019")
	date := time.Date(2026, 5, day, 0, 0, 0, 0, time.UTC)
	return Entry{
		Channel: "creek-conductivity", Probe: "creek", Model: "ezo-ec", Operator: "Ana", Reference: "1413 µS/cm, lot 4711",
		Written: Write(sensors.Calibration{
			Certificate: sensors.Certificate{Date: date, Due: date.AddDate(1, 0, 0)}, Method: sensors.Line, Places: 1,
			Points:       []sensors.Point{{Raw: decimal(t, "80.10"), True: decimal(t, "84.0")}, {Raw: decimal(t, "1380.0"), True: decimal(t, "1413")}},
			Compensation: &sensors.Compensation{Effect: sensors.ConductivityTemperature, With: "creek-temperature", Coefficient: &k},
		}),
		Measured: []Measured{{True: decimal(t, "84.0"), Raw: decimal(t, "80.10"), Spread: decimal(t, "0.2"), Samples: 12, At: date.Add(9 * time.Hour), Before: decimal(t, "-3.9")}},
	}
}

func TestAnEntryComesBackAsItWasKept(t *testing.T) {
	b := Open(filepath.Join(t.TempDir(), "calibrations"))
	if _, err := b.Latest("creek-conductivity"); !errors.Is(err, ErrNone) {
		t.Fatalf("an empty book: %v", err)
	}
	kept, err := b.Add(entry(t, 4))
	if err != nil || kept.Written.ID != "creek-conductivity-2026-05-04" {
		t.Fatalf("%+v, %v", kept, err)
	}
	got, err := Open(b.dir).Latest("creek-conductivity")
	if err != nil || !reflect.DeepEqual(got, kept) {
		t.Errorf("kept %+v\ngot  %+v, %v", kept, got, err)
	}
	if !reflect.DeepEqual(Write(got.Written.Calibration()), kept.Written) {
		t.Errorf("the calibration lost something: %+v", got.Written.Calibration())
	}
}

func TestNoEntryIsEverReplaced(t *testing.T) {
	b := Open(t.TempDir())
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if _, err := b.Add(entry(t, 4)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := b.Add(entry(t, 3)); err != nil { // written later, of an earlier day
		t.Fatal(err)
	}
	all, err := b.History("creek-conductivity")
	if err != nil || len(all) != 13 {
		t.Fatalf("%d entries, %v", len(all), err)
	}
	seen := map[string]bool{}
	for _, e := range all {
		if seen[e.Written.ID] {
			t.Errorf("%s twice", e.Written.ID)
		}
		seen[e.Written.ID] = true
	}
	if last, err := b.Latest("creek-conductivity"); err != nil || last.Written.ID != "creek-conductivity-2026-05-04-12" {
		t.Errorf("the latest is %s, %v", last.Written.ID, err)
	}
	left, err := filepath.Glob(filepath.Join(b.dir, "*", ".new-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left lying about: %v, %v", left, err)
	}
}

func TestWhatIsNoEntryIsSaidByItsFile(t *testing.T) {
	good := entry(t, 4)
	good.Written.ID = "x"
	raw, err := toml.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"cut off":       string(raw[:len(raw)/2]),
		"unknown key":   string(raw) + "\nweather = 1\n",
		"another shape": strings.Replace(string(raw), "method = 'line'", "method = 'spline'", 1),
		"other channel": strings.Replace(string(raw), "channel = 'creek-conductivity'", "channel = 'pond'", 1),
		"too long":      string(raw) + strings.Repeat("#", maxEntryBytes),
		"empty":         "",
	} {
		b := Open(t.TempDir())
		dir := filepath.Join(b.dir, "creek-conductivity")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "2026-05-04.toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if e, err := b.Latest("creek-conductivity"); err == nil || !strings.Contains(err.Error(), "2026-05-04.toml") {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	b := Open(t.TempDir())
	for name, spoil := range map[string]func(*Entry){
		"channel":     func(e *Entry) { e.Channel = "../etc" },
		"calibration": func(e *Entry) { e.Written.Points = e.Written.Points[:1] },
	} {
		e := entry(t, 4)
		spoil(&e)
		if _, err := b.Add(e); err == nil {
			t.Errorf("%s: was kept", name)
		}
	}
	if _, err := b.History("../etc"); err == nil {
		t.Error("a channel that leaves the folder was looked for")
	}
}

func TestTheMethodFollowsFromThePoints(t *testing.T) {
	for text, want := range map[string]sensors.Method{
		"": sensors.Unchanged, "points = [[1, 2]]": sensors.Offset, "points = [[1, 2], [2, 4.5]]": sensors.Line,
		"points = [[1, 2], [2, 4], [3, 6]]": sensors.Table, "coefficients = [1, 2]": sensors.Polynomial,
		"method = \"gain\"\npoints = [[1, 2]]": sensors.Gain,
	} {
		var w Written
		if err := config.Decode("x", []byte(text), &w); err != nil {
			t.Fatal(err)
		}
		if c := w.Calibration(); c.Method != want {
			t.Errorf("%s: %q, want %q", text, c.Method, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	e := entry(f, 4)
	e.Written.ID = "x"
	raw, err := toml.Marshal(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("channel = 'a'\n[calibration]\nid = 'x'\npoints = [[1e400, 2]]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := parse("entry", raw)
		if err != nil {
			return
		}
		again, err := toml.Marshal(e)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", e, err)
		}
		if back, err := parse("entry", again); err != nil || !reflect.DeepEqual(back.Written, e.Written) {
			t.Fatalf("%q\nbecame %q, %v", raw, again, err)
		}
	})
}
