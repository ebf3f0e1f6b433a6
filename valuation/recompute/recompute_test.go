package recompute_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/gateway/identity"
	"loam/gateway/qc"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
	"loam/valuation/fieldtest"
	"loam/valuation/method"
	"loam/valuation/recompute"
	"loam/valuation/schedule"
	"loam/valuation/statement"
)

var update = flag.Bool("update", false, "write testdata/golden.json anew")

const goldenPath = "testdata/golden.json"

var start = fieldtest.Start()

const day = 24 * time.Hour

// issue runs a hub over the batches until now and returns the bundles of what it issued.
func issue(t testing.TB, now time.Time, batches ...[]wire.Sealed) [][]byte {
	t.Helper()
	return issueUnder(t, qc.Defaults(), now, batches...)
}

func issueUnder(t testing.TB, settings qc.Settings, now time.Time, batches ...[]wire.Sealed) [][]byte {
	t.Helper()
	store, err := statement.OpenStore(t.Context(), filepath.Join(t.TempDir(), "statements.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	m, err := method.Parse([]byte(fieldtest.Method))
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.New(schedule.Config{
		Registry: fieldtest.Registry(t), Settings: settings, Method: m,
		Evidence: fieldtest.Log(t, batches...), Origin: fieldtest.Origin, Statements: store, Hub: fieldtest.Hub(),
	})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := s.RunDue(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	var bundles [][]byte
	for _, st := range issued {
		b, ok, err := store.Bundle(t.Context(), st.ID)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		bundles = append(bundles, b)
	}
	return bundles
}

// hard is a day with everything in it: two gateways, gaps, an unsynchronised batch, a spike, a reading out of range, no
// calibration, a quantity nobody uses, a batch in quarantine.
func hard(t testing.TB) [][]wire.Sealed {
	one, two := fieldtest.NewGateway("meadow-1"), fieldtest.NewGateway("meadow-2")
	first := one.Soil(t, "soil-10cm", start, start.Add(5*time.Hour), time.Hour, 240)
	one.Skip()
	at := start.Add(7 * time.Hour)
	bare := fieldtest.Reading("soil-30cm", sensors.VolumetricWaterContent, at, 190, -3)
	bare.Calibration = sensors.Certificate{}
	mixed := one.Seal(t, clock.Synced,
		bare, fieldtest.Reading("soil-10cm", sensors.VolumetricWaterContent, at, 900, -3),
		fieldtest.Reading("air", sensors.AirTemperature, at, 201, -1))
	lost := one.Seal(t, clock.Unsynced, fieldtest.Reading("soil-10cm", sensors.VolumetricWaterContent, at.Add(time.Hour), 240, -3))
	second := two.Soil(t, "soil-10cm", start.Add(time.Hour), start.Add(25*time.Hour), time.Hour, 150)
	return [][]wire.Sealed{first, {mixed, lost}, second}
}

func TestWhatAHubIssuesVerifies(t *testing.T) {
	bundles := issue(t, start.Add(2*day+time.Hour), append(hard(t),
		fieldtest.NewGateway("stream-1").Water(t, "water", start, start.Add(2*day), 30*time.Minute, 15_000))...)
	if len(bundles) != 4 {
		t.Fatalf("%d bundles, want 2 days of 2 sites", len(bundles))
	}
	for _, b := range bundles {
		r, err := recompute.Verify(b)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Checked) < 6 || r.Fingerprint != identity.Fingerprint(fieldtest.Hub().Public()) || r.Statement.ID == "" {
			t.Errorf("report %+v", r)
		}
	}
}

// The golden bundle was made once. It must verify on every machine, and with every later version of this program.
func TestGolden(t *testing.T) {
	if *update {
		if err := os.WriteFile(goldenPath, issue(t, start.Add(day+time.Hour), hard(t)...)[0], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw := golden(t)
	r, err := recompute.Verify(raw)
	if err != nil {
		t.Fatal(err)
	}
	s := r.Statement
	got := strings.Join([]string{s.ID, s.Health, s.HealthLower, s.HealthUpper, s.Credit.Gross, s.Credit.Deduction, s.Credit.Buffer, s.Credit.Net}, " ")
	if want := "meadow-20260501T0000Z-03c36a4cb14e1c90 0.201522 0.104348 0.301522 248 74 35 139"; got != want {
		t.Errorf("golden statement says\n%s, want\n%s", got, want)
	}
	if !strings.Contains(strings.Join(r.Checked, "\n"), "Gateway meadow-1: 3 batches from 1 to 4, each signed with its registered key; 1 sequence numbers between them are not shown") {
		t.Errorf("report does not speak of the missing batch: %q", r.Checked)
	}
	b, err := statement.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := qc.ParseCanonical([]byte(b.Content.QC)) // those of its time: the defaults may change
	if err != nil {
		t.Fatal(err)
	}
	if again := issueUnder(t, settings, start.Add(day+time.Hour), hard(t)...)[0]; string(again) != string(raw) {
		t.Error("the same field no longer gives the same bundle")
	}
}

func golden(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile(goldenPath)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Whatever byte is changed, the bundle is refused. All bytes that give the file its structure are tried, and of the long
// runs of text between them every seventh.
func TestEveryByteCounts(t *testing.T) {
	raw := golden(t)
	if _, err := recompute.Verify(raw); err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		if i%7 != 0 && !strings.ContainsRune("{}[]:,", rune(raw[i])) {
			continue
		}
		flip := byte(1) << (i % 8)
		raw[i] ^= flip
		if _, err := recompute.Verify(raw); err == nil {
			t.Errorf("byte %d of %d changed by %#x: accepted", i, len(raw), flip)
		}
		raw[i] ^= flip
	}
	for _, other := range [][]byte{raw[:len(raw)-1], append(raw[:len(raw):len(raw)], ' '), nil} {
		if _, err := recompute.Verify(other); err == nil {
			t.Errorf("%d bytes accepted", len(other))
		}
	}
}

// forge changes a good bundle and signs it again as the hub would: what is refused now is refused for what it says.
func forge(t testing.TB, raw []byte, change func(*statement.Bundle)) []byte {
	t.Helper()
	b, err := statement.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	change(&b)
	_, forged, err := statement.Seal(b.Statement, b.Content, fieldtest.Hub())
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// A hub that lies is found out, though its signatures are good.
func TestALyingHubIsFoundOut(t *testing.T) {
	raw := golden(t)
	if _, err := recompute.Verify(forge(t, raw, func(*statement.Bundle) {})); err != nil {
		t.Fatalf("unchanged: %v", err)
	}
	strangers := fieldtest.NewGateway("meadow-1")
	strangers.Signer = fieldtest.NewSigner("stranger")
	for name, c := range map[string]struct {
		change func(*statement.Bundle)
		says   string
	}{
		"net":              {func(b *statement.Bundle) { b.Statement.Credit.Net = "999" }, `credit.net: stated "999", recomputed "`},
		"a part":           {func(b *statement.Bundle) { b.Statement.Credit.Split[0].Account = "willow-creek:steward:ben" }, `credit.split[0].account: stated "willow-creek:steward:ben"`},
		"health":           {func(b *statement.Bundle) { b.Statement.Health = "1.000000" }, "health: stated"},
		"a reason":         {func(b *statement.Bundle) { b.Statement.Reasons[0] = "Trust us." }, "reasons[0]"},
		"one reason more":  {func(b *statement.Bundle) { b.Statement.Reasons = append(b.Statement.Reasons, "!") }, "recomputed nothing"},
		"an exclusion":     {func(b *statement.Bundle) { b.Statement.Excluded = b.Statement.Excluded[1:] }, "excluded"},
		"challenge window": {func(b *statement.Bundle) { b.Statement.ChallengeUntil = b.Statement.IssuedAt }, "challenge_until"},
		"period":           {func(b *statement.Bundle) { b.Statement.Period.To = "2026-05-03T00:00:00Z" }, "schedule"},
		"issued too early": {func(b *statement.Bundle) { b.Statement.IssuedAt = b.Statement.Period.To }, "late data"},
		"id":               {func(b *statement.Bundle) { b.Statement.ID += "x" }, "id: stated"},
		"area":             {func(b *statement.Bundle) { b.Content.Site.AreaM2 = "399999" }, "site.area_m2"},
		"outline":          {func(b *statement.Bundle) { b.Content.Site.Outline[0][0] = 8.6 }, "outline_sha256"},
		"steward":          {func(b *statement.Bundle) { b.Content.Site.Steward = "ben" }, "steward"},
		"ecosystem":        {func(b *statement.Bundle) { b.Content.Site.Ecosystem = "F1.1" }, "indices[0]"},
		"community":        {func(b *statement.Bundle) { b.Content.Community = "other" }, "community"},
		"gateway's key":    {func(b *statement.Bundle) { b.Content.Gateways[0].Key = b.Content.Gateways[1].Key }, "key"},
		"rate":             {func(b *statement.Bundle) { b.Content.Method = strings.Replace(b.Content.Method, "= 1000", "= 9000", 1) }, "method.sha256"},
		"levels":           {func(b *statement.Bundle) { b.Content.Method = strings.Replace(b.Content.Method, "0.32", "0.22", 1) }, "method.sha256"},
		"method broken":    {func(b *statement.Bundle) { b.Content.Method += "x" }, "method"},
		"quality settings": {func(b *statement.Bundle) { b.Content.QC = strings.Replace(b.Content.QC, "0.75", "0.95", 1) }, "qc_sha256"},
		"no settings":      {func(b *statement.Bundle) { b.Content.QC = "{}" }, "settings"},
		"a batch left out": {func(b *statement.Bundle) { b.Content.Batches = b.Content.Batches[1:] }, "merkle_root"},
		"a batch twice":    {func(b *statement.Bundle) { b.Content.Batches = append(b.Content.Batches[:1], b.Content.Batches...) }, "out of order"},
		"batches swapped":  {func(b *statement.Bundle) { l := b.Content.Batches; l[0], l[1] = l[1], l[0] }, "out of order"},
		"leaf":             {func(b *statement.Bundle) { b.Content.Batches[0].Index = "1" }, "proof"},
		"proof":            {func(b *statement.Bundle) { b.Content.Batches[0].Proof = b.Content.Batches[1].Proof }, "proof"},
		"a batch not in the log": {func(b *statement.Bundle) {
			s := fieldtest.NewGateway("meadow-1").Soil(t, "soil-10cm", start, start.Add(time.Hour), time.Hour, 300)[0]
			b.Content.Batches[0].Sealed = encode(s.Bytes)
		}, "proof"},
		"checkpoint": {func(b *statement.Bundle) {
			b.Content.Checkpoint = strings.Replace(b.Content.Checkpoint, "\n", "\n1", 1)
		}, "checkpoint"},
		"origin": {func(b *statement.Bundle) { b.Content.LogOrigin = "other" }, "checkpoint"},
	} {
		r, err := recompute.Verify(forge(t, raw, c.change))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v does not say %q", name, err, c.says)
		}
		if len(r.Checked) == 0 {
			t.Errorf("%s: the report does not say what was good", name)
		}
	}
	if _, err := recompute.Verify(forge(t, raw, func(b *statement.Bundle) { b.Statement.Credit.Net = "999" })); !errors.Is(err, recompute.ErrDiffers) {
		t.Errorf("a difference is %v", err)
	}
}
