package qc

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
	"pgregory.net/rapid"

	"loam/sensors"
)

// What the shipped settings leave out on purpose, as defaults_field.go says why.
var (
	amountsAndPlaces = []sensors.Quantity{
		sensors.WindDirection, sensors.Rainfall, sensors.LeafWetness, sensors.WaterVolume, sensors.Latitude, sensors.Longitude, sensors.Altitude,
		sensors.ProbeCount, sensors.SupplyCurrent,
	}
	restsForWeeks = []sensors.Quantity{
		sensors.Rainfall, sensors.LeafWetness, sensors.SoilPH, sensors.SoilNitrogen, sensors.SoilPhosphorus, sensors.SoilPotassium,
		sensors.WaterVolume, sensors.Latitude, sensors.Longitude, sensors.Altitude, sensors.SupplyVoltage, sensors.SupplyCurrent,
	}
)

func TestDefaultsCoverEveryQuantity(t *testing.T) {
	for _, k := range sensors.Kinds() {
		c := Defaults().For("anywhere", k.Name)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
		if c.GrossRange == nil || c.GrossRange.SuspectSpan == nil || c.TimeGap == nil {
			t.Errorf("%s: a test is missing: %+v", k.Name, c)
		}
		if amount := slices.Contains(amountsAndPlaces, k.Name); (c.Spike == nil) != amount || (c.RateOfChange == nil) != amount {
			t.Errorf("%s: spike %+v, rate of change %+v", k.Name, c.Spike, c.RateOfChange)
		}
		if (c.FlatLine == nil) != slices.Contains(restsForWeeks, k.Name) {
			t.Errorf("%s: flat line %+v", k.Name, c.FlatLine)
		}
	}
}

// A change of the shipped settings or of their form changes what statements are bound to: change Rules or say why here.
func TestDigestOfDefaults(t *testing.T) {
	const want = "ea0fed59603c17ee25567cb6151c18c804c5f3d9474cf1eaf2406fab535b87fc"
	if got := Defaults().Digest(); got != want {
		t.Errorf("digest of the shipped settings is now %s", got)
	}
}

const overrides = `
[[qc]]
quantity = "air_temperature"
spike_test = { suspect_threshold = 4, fail_threshold = 9, method = "differential" }

[[qc]]
site = "alder-carr"
quantity = "air_temperature"
off = ["flat_line"]
[qc.gross_range_test]
fail_span = [50, -30]
suspect_span = [-20, 40]
[qc.rate_of_change_test]
threshold = 0.25
fail_threshold = 1.0
[qc.time_gap_test]
fail_span_hours = 6.5
`

func TestOverrides(t *testing.T) {
	var file struct {
		QC []Override `toml:"qc"`
	}
	if err := toml.NewDecoder(strings.NewReader(overrides)).DisallowUnknownFields().Decode(&file); err != nil {
		t.Fatal(err)
	}
	base := Defaults()
	before := base.Digest()
	s, err := base.With(file.QC)
	if err != nil {
		t.Fatal(err)
	}
	here, elsewhere := s.For("alder-carr", sensors.AirTemperature), s.For("meadow", sensors.AirTemperature)
	if here.FlatLine != nil || here.Spike.SuspectThreshold != 4 || here.GrossRange.FailSpan[1] != -30 || *here.TimeGap.FailSpanHours != 6.5 || *here.RateOfChange.FailThreshold != 1 {
		t.Errorf("at the site: %+v", here)
	}
	if elsewhere.FlatLine == nil || elsewhere.Spike.Method != Differential || *elsewhere.TimeGap.FailSpanHours != gapHours {
		t.Errorf("elsewhere: %+v", elsewhere)
	}
	if base.Digest() != before || s.Digest() == before {
		t.Error("overrides must change a copy")
	}
	back := roundTrip(t, s)
	if back.Digest() != s.Digest() || back.For("alder-carr", sensors.AirTemperature).FlatLine != nil {
		t.Error("settings do not survive their canonical form")
	}
}

func roundTrip(t *testing.T, s Settings) Settings {
	t.Helper()
	raw, err := s.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseCanonical(raw)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Canonical()
	if err != nil || !bytes.Equal(raw, again) {
		t.Fatalf("canonical form is not stable: %v\n%s\n%s", err, raw, again)
	}
	return back
}

func TestWrongOverridesAreNamedTogether(t *testing.T) {
	nan := math.NaN()
	_, err := Defaults().With([]Override{
		{Quantity: "soil_smell"},
		{Quantity: sensors.AirTemperature, Off: []Test{"luck"}},
		{Quantity: sensors.AirTemperature, Config: Config{GrossRange: &GrossRangeTest{}}},
		{Quantity: sensors.AirTemperature, Config: Config{GrossRange: &GrossRangeTest{FailSpan: &Span{0, 1}, SuspectSpan: &Span{0, 2}}}},
		{Quantity: sensors.AirTemperature, Config: Config{Spike: &SpikeTest{Method: "guess", FailThreshold: 1}}},
		{Quantity: sensors.AirTemperature, Config: Config{Spike: &SpikeTest{}}},
		{Quantity: sensors.AirTemperature, Config: Config{RateOfChange: &RateOfChangeTest{}}},
		{Quantity: sensors.AirTemperature, Config: Config{FlatLine: &FlatLineTest{SuspectThreshold: 60, FailThreshold: 60}}},
		{Quantity: sensors.AirTemperature, Config: Config{FlatLine: &FlatLineTest{Tolerance: 1}}},
		{Quantity: sensors.AirTemperature, Config: Config{TimeGap: &TimeGapTest{FailSpanHours: &nan}}},
	})
	if !errors.Is(err, ErrSettings) {
		t.Fatalf("got %v", err)
	}
	for _, word := range []string{"soil_smell", "luck", "fail_span = [", "within fail_span", "guess", "suspect_threshold or", "units per second", "never flags", "from 1 to", "fail_span_hours"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not named in %v", word, err)
		}
	}
}

func TestParseCanonicalRefuses(t *testing.T) {
	good, err := Defaults().Canonical()
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"space":         " " + string(good),
		"more":          string(good) + "{}",
		"unknown field": strings.Replace(string(good), `"rules"`, `"luck":1,"rules"`, 1),
		"other rules":   strings.Replace(string(good), Rules, "loam-qartod-0", 1),
		"not valid":     strings.Replace(string(good), `"tolerance":0.05`, `"tolerance":0`, 1),
		"no quantity":   strings.Replace(string(good), `"air_temperature"`, `"soil_smell"`, 1),
		"empty":         "",
	} {
		if raw == string(good) {
			t.Errorf("%s: the case changes nothing", name)
		}
		if _, err := ParseCanonical([]byte(raw)); !errors.Is(err, ErrSettings) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Whatever is accepted writes itself again, byte for byte.
func FuzzParseCanonical(f *testing.F) {
	good, err := Defaults().Canonical()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"rules":"loam-qartod-1","settings":null}`))
	f.Add([]byte(`{"rules":"loam-qartod-1","settings":[{"quantity":"air_pressure","site":"a"}]}`))
	f.Add([]byte(`{"rules":"loam-qartod-1","settings":[{"quantity":"air_pressure","time_gap_test":{"fail_span_hours":1e99}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ParseCanonical(raw)
		if err != nil {
			return
		}
		if again, err := s.Canonical(); err != nil || !bytes.Equal(raw, again) {
			t.Fatalf("%v\n%q\n%q", err, raw, again)
		}
	})
}

func FuzzTests(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, int64(1), int64(2), 10.0, 5.0)
	f.Add(math.MaxFloat64, -math.MaxFloat64, math.NaN(), int64(-1), int64(0), 1e300, -1.0)
	f.Fuzz(func(t *testing.T, a, b, c float64, d1, d2 int64, x, y float64) {
		values := []float64{a, b, c}
		obs := []Obs{{At: start, Value: a}}
		for i, d := range []int64{d1, d2} {
			obs = append(obs, Obs{At: obs[i].At.Add(1 * timeUnit(d)), Value: values[i+1]})
		}
		times := times(obs)
		_, _ = GrossRangeTest{FailSpan: &Span{x, y}}.Flags(values)
		_, _ = SpikeTest{SuspectThreshold: x, FailThreshold: y, Method: Differential}.Flags(values)
		_, _ = RateOfChangeTest{Threshold: x, FailThreshold: &y}.Flags(values, times)
		_, _ = FlatLineTest{SuspectThreshold: x, FailThreshold: y, Tolerance: 1}.Flags(values, times)
		TimeGapTest{FailSpanHours: &x}.Flags(times)
		if got := len(small().Evaluate(obs)); got != len(obs) {
			t.Fatalf("%d verdicts", got)
		}
	})
}

func TestAggregateIsCommutative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flag := rapid.SampledFrom([]Flag{Good, NotEvaluated, Suspect, Fail, Missing})
		a := rapid.SliceOfN(flag, 5, 5).Draw(t, "a")
		b := rapid.SliceOfN(flag, 5, 5).Draw(t, "b")
		ab, _ := Aggregate(a, b)
		ba, _ := Aggregate(b, a)
		for i := range ab {
			if ab[i] != ba[i] || ab[i] != a[i] && ab[i] != b[i] {
				t.Fatalf("%v and %v gave %v and %v", a, b, ab, ba)
			}
		}
	})
	if _, err := Aggregate([]Flag{1}, []Flag{1, 1}); !errors.Is(err, ErrSettings) {
		t.Errorf("vectors of different lengths: got %v", err)
	}
}

func timeUnit(d int64) time.Duration { return time.Duration(d) * time.Millisecond }

func times(obs []Obs) []time.Time {
	var out []time.Time
	for _, o := range obs {
		out = append(out, o.At)
	}
	return out
}
