package dashboard

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/gateway/identity"
	"loam/gateway/qc"
	"loam/gateway/quarantine"
	"loam/gateway/registry"
	"loam/gateway/store"
	"loam/payouts/ledger"
	"loam/sensors"
	"loam/valuation/statement"
)

// testNow is the moment all tests live in.
var testNow = time.Date(2026, 5, 14, 9, 30, 4, 0, time.UTC)

// fake is a watershed in memory: three sites, thirty days, one reading every ten minutes, with what happens in the
// field: a probe that fell silent, a spike, a stuck sensor, a gap of a night, a value nobody tested.
type fake struct {
	registry  *registry.Registry
	series    map[store.Key][]store.Point
	keys      []store.Key
	published []statement.Statement
	accounts  []ledger.Balance
	entries   []ledger.Transfer
	refused   []quarantine.Item
	away      atomic.Bool // the store does not answer
	dark      atomic.Bool // evidence does not answer
	reads     atomic.Int64
}

var errAway = errors.New("dial tcp 10.1.2.3:8086: connection refused (token s3cret)")

// curve is what a probe of the fake measures: a mean, a daily swing, and a slow drift over the days.
type curve struct {
	gateway, site      string
	channel            sensors.Channel
	quantity           sensors.Quantity
	mean, swing, drift float64
}

func newFake(t testing.TB) *fake {
	t.Helper()
	f := &fake{series: map[store.Key][]store.Point{}}
	key := func(b byte) string {
		return identity.FormatKey(ed25519.NewKeyFromSeed(append(make([]byte, 31), b)).Public().(ed25519.PublicKey))
	}
	var err error
	f.registry, err = registry.New("willow-creek",
		[]registry.Steward{{ID: "asha", Name: "Asha Mwangi"}, {ID: "ben", Name: "Ben Otieno"}, {ID: "school", Name: "Hill School garden group"}},
		[]registry.Site{
			{ID: "spring-meadow", Name: "Spring Meadow", Ecosystem: "T4.5", AreaM2: 18_400, Steward: "asha",
				Outline: []registry.Coordinate{{36.8021, -1.2012}, {36.8038, -1.2008}, {36.8044, -1.2023}, {36.8033, -1.2032}, {36.8019, -1.2027}}},
			{ID: "willow-bend", Name: "Willow Bend", Ecosystem: "F1.2", AreaM2: 6_250, Steward: "ben",
				Outline: []registry.Coordinate{{36.8062, -1.2019}, {36.8078, -1.2024}, {36.8092, -1.2037}, {36.8088, -1.2041}, {36.8073, -1.2031}, {36.8060, -1.2025}}},
			{ID: "lower-marsh", Name: "Lower Marsh", Ecosystem: "TF1.4", AreaM2: 31_900, Steward: "school",
				Outline: []registry.Coordinate{{36.8081, -1.2052}, {36.8101, -1.2049}, {36.8113, -1.2061}, {36.8104, -1.2074}, {36.8085, -1.2069}}},
		},
		[]registry.Gateway{
			{ID: "meadow-1", Name: "Meadow box", Site: "spring-meadow", Key: key(1)},
			{ID: "bend-1", Name: "Bridge box", Site: "willow-bend", Key: key(2)},
			{ID: "marsh-1", Name: "Marsh box", Site: "lower-marsh", Key: key(3)},
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []curve{
		{"meadow-1", "spring-meadow", "air", sensors.AirTemperature, 19.5, 5.5, 2},
		{"meadow-1", "spring-meadow", "air", sensors.RelativeHumidity, 66, -17, 4},
		{"meadow-1", "spring-meadow", "soil-10cm", sensors.VolumetricWaterContent, 0.262, 0.006, -0.05},
		{"meadow-1", "spring-meadow", "soil-30cm", sensors.VolumetricWaterContent, 0.318, 0.002, -0.02},
		{"bend-1", "willow-bend", "stream", sensors.WaterTemperature, 16.8, 1.4, 1.2},
		{"bend-1", "willow-bend", "air", sensors.AirTemperature, 18.9, 4.8, 2},
		{"bend-1", "willow-bend", "air", sensors.AirPressure, 83_460, 140, 300},
		{"marsh-1", "lower-marsh", "soil-10cm", sensors.VolumetricWaterContent, 0.451, 0.004, -0.03},
		{"marsh-1", "lower-marsh", "soil-10cm", sensors.SoilTemperature, 17.7, 1.1, 1},
		{"marsh-1", "lower-marsh", "pond", sensors.WaterTemperature, 18.2, 2.1, 1.5},
	} {
		f.measure(c)
	}
	for k := range f.series {
		f.keys = append(f.keys, k)
	}
	slices.SortFunc(f.keys, func(a, b store.Key) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Quantity, b.Quantity))
	})
	f.publish()
	f.pay()
	f.refuse()
	return f
}

// measure fills one series; its noise is made of sines, so every run is the same.
func (f *fake) measure(c curve) {
	k := store.Key{Site: c.site, Gateway: c.gateway, Channel: c.channel, Quantity: c.quantity}
	seed := c.mean + 3*float64(len(c.channel)) + float64(len(c.quantity))
	end := testNow.Add(-4 * time.Second)
	for i := range 30 * 144 {
		at := end.Add(-time.Duration(30*144-1-i) * 10 * time.Minute)
		days := float64(i) / 144
		phase := 2 * math.Pi * (float64(at.Hour())*60 + float64(at.Minute()) - 540) / 1440
		v := c.mean + c.swing*math.Sin(phase) + c.drift*math.Sin(days/4+seed) + 0.12*c.swing*(math.Sin(float64(i)*1.7+seed)+math.Sin(float64(i)*0.61))
		p := store.Point{Key: k, At: at.Truncate(time.Millisecond), Value: v, Raw: v, Flag: qc.Good, Tests: "11111"}
		left := end.Sub(at)
		switch {
		case c.site == "willow-bend" && left > 7*time.Hour && left < 11*time.Hour:
			continue // a night without power
		case c.channel == "pond" && left < 3*time.Hour:
			continue // fell silent three hours ago
		case c.channel == "soil-10cm" && c.site == "spring-meadow" && i%611 == 480:
			p.Value, p.Flag, p.Tests = v+0.31, qc.Fail, "14311"
		case c.channel == "stream" && left > 3*time.Hour && left < 4*time.Hour:
			p.Flag, p.Tests = qc.Suspect, "11311"
		case c.quantity == sensors.RelativeHumidity && left < time.Hour:
			p.Flag, p.Tests = qc.Suspect, "11131"
		case c.quantity == sensors.SoilTemperature && left < 20*time.Minute:
			p.Flag, p.Tests = qc.NotEvaluated, "12222"
		}
		f.series[k] = append(f.series[k], p)
	}
}

func (f *fake) publish() {
	week := testNow.Truncate(day).Add(-3 * day)
	for w := range 4 {
		to := week.Add(-time.Duration(w) * 7 * day)
		for i, s := range f.registry.Sites() {
			score := []float64{0.724, 0.861, 0.583}[i] - 0.03*float64(w%3)
			f.published = append(f.published, fakeStatement(s, to.Add(-7*day), to, score, w == 1 && i == 2))
		}
	}
}

func fakeStatement(s registry.Site, from, to time.Time, health float64, sparse bool) statement.Statement {
	six := func(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }
	gross := int64(health * float64(s.AreaM2) / 10)
	st := statement.Statement{
		ID: fmt.Sprintf("%s-%s-9f2c41d07ab35e68", s.ID, from.Format("20060102T1504Z")), Community: "willow-creek", Hub: "hub-1",
		HubKey: "ed25519:q6Fy0Xm2p9dQkZtVw3uLr8nYc5aHs1jBe7gTiOoP4M0",
		Site:   statement.Site{ID: s.ID, Name: s.Name, Ecosystem: s.Ecosystem, AreaM2: strconv.FormatInt(s.AreaM2, 10), Steward: s.Steward},
		Period: statement.Period{From: from.Format(time.RFC3339), To: to.Format(time.RFC3339)},
		Method: statement.Method{Name: "highland-meadow", Version: "1.2.0", Digest: "6f1c0a52c3e94b1f8d7c2f5d9a0e4b7712de9930c4a8c2b1f06d5e7a98b3c2d1"},
		Indices: []statement.Index{
			{Kind: "soil_moisture_regime", Quantity: "volumetric_water_content", Class: "A1", Weight: "0.6", Levels: map[string]string{"wilting_point": "0.12", "field_capacity": "0.34"},
				Source: "Soil survey of the county, 2019, sheet 14", Score: six(health - 0.02), Lower: six(health - 0.09), Upper: six(health + 0.05), Covered: 161, Expected: 168,
				Received: 2010, Good: 1986, Flags: map[string]int{"1": 1986, "3": 16, "4": 8},
				Channels: []statement.Channel{{Gateway: "meadow-1", Channel: "soil-10cm", Calibrations: []string{"two-point-2026-03-02"}}},
				Reasons:  []string{"Soil moisture stayed between the wilting point and field capacity for 141 of 161 hours.", "20 hours were wetter than field capacity, after the rain of 8 May."}},
			{Kind: "temperature_band", Quantity: "air_temperature", Class: "A1", Weight: "0.4", Levels: map[string]string{"low": "8", "high": "27"},
				Source: "Farmers' almanac of the community, 2021 to 2025", Score: six(health + 0.03), Lower: six(health - 0.01), Upper: six(health + 0.07), Covered: 166, Expected: 168,
				Received: 1004, Good: 1001, Flags: map[string]int{"1": 1001, "2": 3}, Channels: []statement.Channel{{Gateway: "meadow-1", Channel: "air", Calibrations: []string{"factory"}}},
				Reasons: []string{"Air temperature left the band for 6 of 166 hours, always above it."}},
		},
		Health: six(health), HealthLower: six(health - 0.06), HealthUpper: six(health + 0.06), Classes: "1 of 6 condition classes measured",
		Credit: statement.Credit{Asset: "MEADOW/2", Gross: strconv.FormatInt(gross, 10), Deduction: strconv.FormatInt(gross/50, 10), Buffer: strconv.FormatInt(gross/5, 10)},
		Evidence: statement.Evidence{Batches: 336, Root: "9b0fd2f6b1d1c0f1e3c1a4e6b7f29d58a0c4e2d3f1b5a697887766554433fe21", LogSize: "12960", LogRoot: "3c7e5a1d9f2b4c6e8d0a1b3c5d7e9f0123456789abcdef0fedcba98765432100",
			QCDigest: "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90", GatewayDigest: "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"},
		Excluded: []statement.Exclusion{{Gateway: "meadow-1", Channel: "soil-10cm", Reason: "suspect", Count: 16}, {Gateway: "meadow-1", Channel: "soil-10cm", Reason: "fail", Count: 8}},
		Earns:    true, Reasons: []string{"The site is slightly altered; the soil held water well for most of the period.", "It earns: coverage is 96 %, the method asks for at least 80 %."},
		Notice:   "This statement is not a carbon offset. The steward declared that the same result is not claimed elsewhere.",
		IssuedAt: to.Add(2 * time.Hour).Format(time.RFC3339), ChallengeUntil: to.Add(7 * day).Format(time.RFC3339),
	}
	net := gross - gross/50 - gross/5
	st.Credit.Net = strconv.FormatInt(net, 10)
	steward := net * 8 / 10
	st.Credit.Split = []statement.Part{{Account: "willow-creek:steward:" + s.Steward, Amount: strconv.FormatInt(steward, 10)}, {Account: "willow-creek:commons:main", Amount: strconv.FormatInt(net-steward, 10)}}
	if sparse {
		st.Earns, st.Health, st.HealthLower, st.HealthUpper = false, "", "", ""
		st.Credit = statement.Credit{Asset: "MEADOW/2", Gross: "0", Deduction: "0", Buffer: "0", Net: "0"}
		st.Reasons = []string{"It earns nothing: only 61 of 168 hours are covered, the method asks for 80 %."}
	}
	return st
}

func (f *fake) pay() {
	minimum := int64(0)
	sums := map[ledger.Account]int64{}
	for i, s := range slices.Backward(f.published) {
		if c, _, _ := f.Of(context.Background(), s.ID); c.State != Paid {
			continue
		}
		for j, p := range s.Credit.Split {
			n, _ := strconv.ParseInt(p.Amount, 10, 64)
			at, _ := time.Parse(time.RFC3339, s.ChallengeUntil)
			f.entries = append(f.entries, ledger.Transfer{ID: fmt.Sprintf("pay-%d-%d", i, j), Debit: "willow-creek:mint:meadow", Credit: ledger.Account(p.Account), Asset: "MEADOW/2",
				Amount: n, Origin: s.ID, Memo: "Health of " + s.Site.Name, State: ledger.Posted, At: at.Add(time.Hour), Settled: at.Add(time.Hour), Sequence: int64(len(f.entries) + 1)})
			sums[ledger.Account(p.Account)] += n
			sums["willow-creek:mint:meadow"] -= n
		}
	}
	for a, n := range sums {
		b := ledger.Balance{Account: a, Asset: "MEADOW/2", Posted: n, Min: &minimum}
		if a == "willow-creek:steward:asha" {
			b.PendingIn = 832
		}
		f.accounts = append(f.accounts, b)
	}
	slices.SortFunc(f.accounts, func(a, b ledger.Balance) int { return cmp.Compare(a.Account, b.Account) })
}

func (f *fake) refuse() {
	f.refused = []quarantine.Item{
		{Received: testNow.Add(-18 * time.Minute), Gateway: "meadow-l", Reason: quarantine.UnknownGateway, Detail: `no gateway "meadow-l" is registered in willow-creek`, Size: 612, Seen: 41},
		{Received: testNow.Add(-6 * time.Hour), Gateway: "bend-1", Reason: quarantine.Signature, Detail: "the signature does not fit the enrolled key of bend-1", Size: 598, Seen: 1},
		{Received: testNow.Add(-4 * day), Gateway: "marsh-1", Reason: quarantine.TimeImpossible, Detail: "reading 1 is dated 1970-01-01T00:00:12Z", Size: 22_411, Seen: 2, Verified: true},
	}
}

func (f *fake) Keys(context.Context) ([]store.Key, error) {
	if f.away.Load() {
		return nil, errAway
	}
	return f.keys, nil
}

func (f *fake) Range(_ context.Context, k store.Key, from, to time.Time) ([]store.Point, error) {
	f.reads.Add(1)
	if f.away.Load() {
		return nil, errAway
	}
	all := f.series[k]
	first, _ := slices.BinarySearchFunc(all, from, func(p store.Point, t time.Time) int { return p.At.Compare(t) })
	last, _ := slices.BinarySearchFunc(all, to, func(p store.Point, t time.Time) int { return p.At.Compare(t) })
	return all[first:max(first, last)], nil
}

func (f *fake) Latest(_ context.Context, k store.Key) (store.Point, bool, error) {
	if f.away.Load() {
		return store.Point{}, false, errAway
	}
	all := f.series[k]
	if len(all) == 0 {
		return store.Point{}, false, nil
	}
	return all[len(all)-1], true, nil
}

func (f *fake) Ping(context.Context) error {
	if f.away.Load() {
		return errAway
	}
	return nil
}

// fakeEvidence is the evidence of a fake.
type fakeEvidence struct{ *fake }

func (f fakeEvidence) Size(context.Context) (uint64, error) {
	if f.dark.Load() {
		return 0, errAway
	}
	return 12_960, nil
}
func (f fakeEvidence) Readings(context.Context) (int64, error) { return 1_296_000, nil }
func (f fakeEvidence) Heads(context.Context) ([]Head, error) {
	return []Head{
		{Gateway: "meadow-1", Sequence: 4320, LastReceived: testNow.Add(-4 * time.Second)},
		{Gateway: "bend-1", Sequence: 4301, LastReceived: testNow.Add(-9 * time.Second)},
		{Gateway: "marsh-1", Sequence: 4290, LastReceived: testNow.Add(-40 * time.Second)},
	}, nil
}
func (f fakeEvidence) Checkpoint(context.Context) ([]byte, error) {
	return []byte("loam/willow-creek\n12960\nPH5aHZ8rTG6NChs8XX6fASNFZ4mrze8P7cupgmVDIQA=\n\n— hub-1 Az3grhJ0ZXN0\n"), nil
}

// fakeStatements are the statements of a fake.
type fakeStatements struct{ *fake }

func (f fakeStatements) Latest(_ context.Context, site string, limit int) ([]statement.Statement, error) {
	var out []statement.Statement
	for _, s := range f.published {
		if (site == "" || s.Site.ID == site) && len(out) < limit {
			out = append(out, s)
		}
	}
	return out, nil
}

func (f fakeStatements) Get(_ context.Context, id string) (statement.Statement, bool, error) {
	for _, s := range f.published {
		if s.ID == id {
			return s, true, nil
		}
	}
	return statement.Statement{}, false, nil
}

func (f fakeStatements) Bundle(_ context.Context, id string) ([]byte, bool, error) {
	return []byte(`{"statement":{"id":"` + id + `"}}`), true, nil
}

// Of implements [Challenges]: the newest week is open, one of it objected to, the older ones are paid.
func (f *fake) Of(_ context.Context, id string) (Challenge, bool, error) {
	for i, s := range f.published {
		if s.ID != id {
			continue
		}
		until, _ := time.Parse(time.RFC3339, s.ChallengeUntil)
		switch {
		case i == 1:
			return Challenge{State: Challenged, Until: until, Objections: []Objection{{By: "Ben Otieno", At: testNow.Add(-20 * time.Hour),
				Reason: "The bridge box stood dry on 9 May, the level was below the probe."}}}, true, nil
		case i < 3:
			return Challenge{State: Proposed, Until: until}, true, nil
		case !s.Earns:
			return Challenge{State: Final, Until: until}, true, nil
		}
		return Challenge{State: Paid, Until: until}, true, nil
	}
	return Challenge{}, false, nil
}

// fakeLedger is the ledger of a fake.
type fakeLedger struct{ *fake }

func (f fakeLedger) Accounts(context.Context) ([]ledger.Balance, error) { return f.accounts, nil }
func (f fakeLedger) History(_ context.Context, a ledger.Account) ([]ledger.Transfer, error) {
	var out []ledger.Transfer
	for _, t := range f.entries {
		if t.Debit == a || t.Credit == a {
			out = append(out, t)
		}
	}
	return out, nil
}

// fakeQuarantine is the quarantine of a fake.
type fakeQuarantine struct{ *fake }

func (f fakeQuarantine) List(_ context.Context, limit int) ([]quarantine.Item, error) {
	return f.refused[:min(limit, len(f.refused))], nil
}
func (f fakeQuarantine) CountByReason(context.Context) ([]quarantine.Tally, error) {
	var out []quarantine.Tally
	for _, it := range f.refused {
		out = append(out, quarantine.Tally{Reason: it.Reason, Items: 1, Seen: int64(it.Seen)})
	}
	return out, nil
}

// fakeCalibrations are the certificates of a fake.
type fakeCalibrations struct{}

func (fakeCalibrations) Of(_ context.Context, k store.Key) (sensors.Certificate, bool, error) {
	if k.Quantity != sensors.VolumetricWaterContent {
		return sensors.Certificate{ID: sensors.FactoryCertificate}, true, nil
	}
	made := testNow.Truncate(day).Add(-73 * day)
	due := made.Add(180 * day)
	if k.Channel == "soil-30cm" {
		due = testNow.Truncate(day).Add(-5 * day)
	}
	return sensors.Certificate{ID: "two-point-2026-03-02", Date: made, Due: due}, true, nil
}

func (f *fake) config() Config {
	reg := prometheus.NewRegistry()
	return Config{
		Settings: Settings{Title: "Willow Creek watershed", Contact: "objections@willow-creek.example or the meeting on the first Friday"},
		Sources: Sources{
			Registry: f.registry, Readings: f, Evidence: fakeEvidence{f}, Statements: fakeStatements{f}, Challenges: f, Ledger: fakeLedger{f},
			Quarantine: fakeQuarantine{f}, Calibrations: fakeCalibrations{},
			StatementOf: func(t ledger.Transfer) (string, bool) { return t.Origin, t.Origin != "" },
		},
		Now: func() time.Time { return testNow }, Log: slog.New(slog.DiscardHandler), Metrics: reg, Gatherer: reg,
	}
}

// serve returns the pages of a fake.
func serve(t testing.TB, c Config) http.Handler {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
