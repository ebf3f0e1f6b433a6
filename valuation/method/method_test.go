package method

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/sensors"
	"loam/valuation/fieldtest"
)

const samplePath = "../../cmd/loam/sample/method.toml"

func sample(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSampleIsValidAndKeepsItsDigits(t *testing.T) {
	m, err := Parse(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	for code, kinds := range map[string]int{"T4.5": 2, "TF1.2": 1, "F1.1": 1, "T1.1": 0} {
		if got := len(m.For(code)); got != kinds {
			t.Errorf("%s has %d indices, want %d", code, got, kinds)
		}
	}
	if got := m.Indices[2].Levels["field_capacity"].String(); got != "0.420" {
		t.Errorf("0.420 became %s", got)
	}
	if string(m.Text()) != string(sample(t)) || len(m.Digest()) != 64 {
		t.Error("the text is not the file's, or the digest is none")
	}
	r := m.Rules("T4.5")
	if !r.SyncedClock || len(r.Tests) != 3 || len(r.Calibration) != 2 || r.Calibration[sensors.VolumetricWaterContent].MaxDays != 400 {
		t.Errorf("rules %+v", r)
	}
}

func TestWrongMethodsAreRefused(t *testing.T) {
	for _, c := range []struct{ from, to, says string }{
		{`name = "field"`, `nmae = "field"`, `method:1:1: nobody knows the key "nmae"`},
		{`factory = true`, `factory = "yes"`, "method:"},
		{`buffer = 0.20`, "buffer = 0.20\nbufer = 1", `"credit.bufer"`},
		{`name = "field"`, `name = "Field"`, "name"},
		{`version = "1"`, ``, "version"},
		{`"MEADOW/2"`, `"meadow/2"`, "asset"},
		{`"0 0 * * *"`, `"0 0 30 2 *"`, "never ticks"},
		{`"0 0 * * *"`, `"@daily"`, "cron"},
		{`"0 0 * * *"`, `"CRON_TZ=Asia/Tokyo 0 0 * * *"`, "cron"},
		{`"0 0 * * *"`, `"0 0 * * * *"`, "cron"},
		{`"0 0 * * *"`, `"0 25 * * *"`, "cron"},
		{`settle = "1h"`, "settle = \"1h\"\ntime_zone = \"Local\"", "time_zone"},
		{`settle = "1h"`, "settle = \"1h\"\ntime_zone = \"Mars/Olympus\"", "time_zone"},
		{`settle = "1h"`, `settle = "-1h"`, "settle"},
		{`settle = "1h"`, "settle = \"1h\"\nstart = 2026-01-01", "method:6:9"},
		{`challenge = "48h"`, ``, "challenge"},
		{`["gross_range", "spike"]`, `[]`, "require.tests"},
		{`["gross_range", "spike"]`, `["gross_range", "spikes"]`, "spikes"},
		{`["gross_range", "spike"]`, `["spike", "spike"]`, "twice"},
		{`clock = "synced"`, `clock = "sync"`, "require.clock"},
		{`min_coverage = 0.75`, `min_coverage = 75`, "require.min_coverage"},
		{`min_coverage = 0.75`, `min_coverage = 0`, "require.min_coverage"},
		{`min_coverage = 0.75`, `min_coverage = 0.7500001`, "six digits"},
		{`max_age_days = 365`, `max_age_days = -1`, "max_age_days"},
		{`max_age_days = 365`, "max_age_days = 365\naccept_foreign = [\"LoRa\"]", "accept_foreign"},
		{`max_age_days = 365`, "max_age_days = 365\naccept_foreign = [\"csv\", \"csv\"]", "twice"},
		{"[[require.calibration]]\nquantity = \"volumetric_water_content\"\nmax_age_days = 365\n", ``, `readings of "volumetric_water_content"`},
		{`allowance = 0.20`, `allowance = 1.2`, "allowance"},
		{`rate_per_hectare = 1000`, `rate_per_hectare = 0`, "rate_per_hectare"},
		{`buffer = 0.20`, `buffer = 1`, "buffer"},
		{`verifier = 0.05`, `verifier = 0.06`, "sum to 1.01"},
		{`verifier = 0.05`, `verifier = 0.05, dog = 0`, "dog"},
		{`kind = "temperature_band"`, `kind = "happiness"`, "happiness"},
		{`levels = { wilting_point = 0.12, field_capacity = 0.32 }`, `levels = { wilting_point = 0.12 }`, "field_capacity"},
		{`ecosystems = ["T4.5"]`, `ecosystems = ["meadow"]`, "IUCN"},
		{`ecosystems = ["T4.5"]`, `ecosystems = ["T4.5", "T4.5"]`, "twice"},
		{`weight = 1`, `weight = 0`, "weight"},
		{`uncertainty = 0.02`, `uncertainty = -0.02`, "uncertainty"},
		{`source = "a soil survey"`, ``, "source"},
	} {
		text := strings.Replace(fieldtest.Method, c.from, c.to, 1)
		if text == fieldtest.Method {
			t.Errorf("%q is not in the method", c.from)
		}
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s instead of %s: error %v does not say %q", c.to, c.from, err, c.says)
		}
	}
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	text := strings.NewReplacer(`"MEADOW/2"`, `"m"`, `weight = 1`, `weight = 0`, `clock = "synced"`, `clock = ""`).Replace(fieldtest.Method)
	_, err := Parse([]byte(text))
	for _, word := range []string{"asset", "weight", "require.clock"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not speak of %s", err, word)
		}
	}
}

func with(t testing.TB, cron, zone string) Method {
	t.Helper()
	text := strings.Replace(fieldtest.Method, `cron = "0 0 * * *"`, `cron = "`+cron+`"`+"\ntime_zone = \""+zone+`"`, 1)
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Each row gives the ticks that follow the first one.
func TestPeriodsAcrossClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, cron, zone string
		ticks            []string
	}{
		{"spring", "0 0 * * *", "Europe/Berlin", []string{"2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"}},
		{"autumn", "0 0 * * *", "Europe/Berlin", []string{"2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T23:00:00Z"}},
		// 02:30 does not exist on 29 March: the tick comes as the clocks jump from 2 to 3, that is at 01:00 UTC.
		{"tick that is skipped", "30 2 * * *", "Europe/Berlin", []string{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		// 02:30 comes twice on 25 October: the first counts.
		{"tick that comes twice", "30 2 * * *", "Europe/Berlin", []string{"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		{"midnight that is skipped", "0 0 * * *", "America/Sao_Paulo", []string{"2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
		{"half an hour", "0 0 * * *", "Australia/Lord_Howe", []string{"2026-04-03T13:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"}},
		{"a day that never was", "0 12 * * *", "Pacific/Apia", []string{"2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"}},
		{"not on the hour", "0 0 * * *", "Asia/Kathmandu", []string{"2026-05-01T18:15:00Z", "2026-05-02T18:15:00Z"}},
		{"weeks", "0 0 * * 1", "", []string{"2026-05-04T00:00:00Z", "2026-05-11T00:00:00Z"}},
		{"months", "0 0 1 * *", "", []string{"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"}},
		{"leap days", "0 0 29 2 *", "", []string{"2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"}},
	} {
		m := with(t, c.cron, c.zone)
		at, err := time.Parse(time.RFC3339, c.ticks[0])
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range c.ticks {
			from, to := m.Period(at)
			got = append(got, from.Format(time.RFC3339))
			if !m.IsPeriod(from, to) || m.IsPeriod(from, to.Add(time.Hour)) || m.IsPeriod(from.Add(time.Second), to) {
				t.Errorf("%s: IsPeriod does not know %s to %s", c.name, from, to)
			}
			at = to
		}
		if strings.Join(got, " ") != strings.Join(c.ticks, " ") {
			t.Errorf("%s: ticks %v, want %v", c.name, got, c.ticks)
		}
	}
}

// Periods follow each other without a gap, whoever looks and from where.
func TestPeriodsTileTime(t *testing.T) {
	zones := rapid.SampledFrom([]string{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "Pacific/Chatham"})
	crons := rapid.SampledFrom([]string{"0 0 * * *", "*/20 * * * *", "30 1,2,3 * * *", "0 */6 * * *", "15 2 * * 0", "0 0 1 * *"})
	rapid.Check(t, func(rt *rapid.T) {
		m := with(t, crons.Draw(rt, "cron"), zones.Draw(rt, "zone"))
		at := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(rt, "at"), 0)
		from, to := m.Containing(at)
		if at.Before(from) || !at.Before(to) {
			rt.Fatalf("%s is not within %s to %s", at, from, to)
		}
		for range 4 {
			if !m.IsPeriod(from, to) {
				rt.Fatalf("%s to %s is no period", from, to)
			}
			inside := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from)/time.Second)-1).Draw(rt, "inside")) * time.Second)
			if f, u := m.Containing(inside); !f.Equal(from) || !u.Equal(to) {
				rt.Fatalf("%s lies in %s to %s, and in %s to %s", inside, from, to, f, u)
			}
			next, end := m.Period(inside.Add(time.Second))
			if !next.Equal(to) && !(inside.Add(time.Second).Equal(from)) {
				rt.Fatalf("after %s comes %s, want %s", inside, next, to)
			}
			if from, to = m.Period(to); !from.Equal(next) || !to.Equal(end) {
				rt.Fatalf("%s to %s does not follow", from, to)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(fieldtest.Method))
	f.Add(sample(f))
	f.Add([]byte("name = 'x'\n[[index]]\nkind = 'temperature_band'\n"))
	f.Add([]byte("[credit]\nsplit = 3"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Parse(raw)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("error does not wrap ErrInvalid: %v", err)
			}
			return
		}
		if again, err := Parse(m.Text()); err != nil || again.Digest() != m.Digest() {
			t.Fatal("what was accepted is refused the second time")
		}
	})
}

// A method that says nothing of other systems accepts none; one that names them hands them to the rules.
func TestForeignReadingsAreAcceptedByName(t *testing.T) {
	for text, want := range map[string][]string{"max_age_days = 365": nil, "max_age_days = 365\naccept_foreign = [\"chirpstack\", \"csv\"]": {"chirpstack", "csv"}} {
		m, err := Parse([]byte(strings.Replace(fieldtest.Method, "max_age_days = 365", text, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Rules("T4.5").Calibration[sensors.VolumetricWaterContent].Foreign; !slices.Equal(got, want) {
			t.Errorf("%q: accepts %q, want %q", text, got, want)
		}
	}
}
