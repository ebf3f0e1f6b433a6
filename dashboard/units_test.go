package dashboard

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/identity"
	"loam/gateway/qc"
	"loam/gateway/registry"
	"loam/gateway/store"
	"loam/internal/name"
	"loam/payouts/ledger"
	"loam/valuation/statement"
)

type st = statement.Statement

func english(t testing.TB) catalog {
	t.Helper()
	all, err := loadCatalogs()
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// At most one load is under way; a value is served while a newer one is made; a failure leaves the last value beside it.
func TestMemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemo[int](time.Second, 5*time.Second, 4)
		var loads atomic.Int64
		var fail atomic.Bool
		load := func(context.Context) (int, error) {
			time.Sleep(100 * time.Millisecond)
			if fail.Load() {
				return 0, errAway
			}
			return int(loads.Add(1)), nil
		}
		get := func() (int, error) { return m.get(t.Context(), "k", load) }
		for range 10 {
			go func() {
				if v, err := get(); v != 1 || err != nil {
					t.Errorf("the crowd got %d, %v", v, err)
				}
			}()
		}
		time.Sleep(200 * time.Millisecond)
		time.Sleep(900 * time.Millisecond)
		start := time.Now()
		if v, _ := get(); v != 1 || time.Since(start) != 0 {
			t.Errorf("a usable value was not served at once: %d after %s", v, time.Since(start))
		}
		time.Sleep(200 * time.Millisecond)
		if v, _ := get(); v != 2 {
			t.Errorf("the newer value did not arrive: %d", v)
		}
		time.Sleep(6 * time.Second)
		if v, _ := get(); v != 3 {
			t.Errorf("a value too old was served: %d", v)
		}
		fail.Store(true)
		time.Sleep(6 * time.Second)
		if v, err := get(); v != 3 || !errors.Is(err, errAway) {
			t.Errorf("after a failure: %d, %v", v, err)
		}
		if _, err := m.get(t.Context(), "p", func(context.Context) (int, error) { panic("x") }); err == nil {
			t.Error("a panic was swallowed")
		}
		for i := range 20 {
			if _, err := m.get(t.Context(), strconv.Itoa(i), func(context.Context) (int, error) { return i, nil }); err != nil {
				t.Error(err)
			}
		}
		if len(m.slots) > 4 {
			t.Errorf("%d slots are kept, the limit is 4", len(m.slots))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := m.get(ctx, "slow", load); !errors.Is(err, context.Canceled) {
			t.Errorf("one who left still waits: %v", err)
		}
		synctest.Wait()
		time.Sleep(time.Second)
	})
}

// Amounts are written as the ledger writes them, but for grouping and the minus sign.
func TestAmountAgreesWithLedger(t *testing.T) {
	c := english(t)
	rapid.Check(t, func(t *rapid.T) {
		asset := ledger.Asset("MEADOW/" + strconv.Itoa(rapid.IntRange(0, 6).Draw(t, "scale")))
		n := rapid.Int64().Draw(t, "amount")
		got := strings.NewReplacer(",", "", "−", "-").Replace(c.amount(asset, n))
		if want := ledger.Format(n, asset); got != want {
			t.Fatalf("%s, the ledger writes %s", got, want)
		}
		if text := c.amountText(string(asset), strconv.FormatInt(n, 10)); text != c.amount(asset, n) {
			t.Fatalf("%s from text, %s from number", text, c.amount(asset, n))
		}
	})
}

// A credit adds up exactly when its parts do; one minor unit less or more anywhere is seen.
func TestAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64/8), 4, 4).Draw(t, "amounts")
		text := func(v int64) string { return strconv.FormatInt(v, 10) }
		net := n[0] + n[1]
		c := statement.Credit{Asset: "M/2", Gross: text(net + n[2] + n[3]), Deduction: text(n[2]), Buffer: text(n[3]), Net: text(net),
			Split: []statement.Part{{Account: "a:b:c", Amount: text(n[0])}, {Account: "a:b:d", Amount: text(n[1])}}}
		if !addsUp(c) {
			t.Fatalf("%+v adds up", c)
		}
		off := rapid.SampledFrom([]*string{&c.Gross, &c.Deduction, &c.Buffer, &c.Net, &c.Split[0].Amount}).Draw(t, "which")
		v, _ := strconv.ParseInt(*off, 10, 64)
		*off = text(v + rapid.SampledFrom([]int64{-1, 1}).Draw(t, "by"))
		if addsUp(c) {
			t.Fatalf("%+v does not add up", c)
		}
	})
}

// Ages are said in the largest unit that means something, and never claim to be younger than they are.
func TestAge(t *testing.T) {
	c := english(t)
	for d, want := range map[time.Duration]string{
		0: "just now", 4 * time.Second: "4 seconds ago", 59 * time.Second: "59 seconds ago", time.Minute: "1 minute ago", 119 * time.Second: "1 minute ago",
		time.Hour: "1 hour ago", 47 * time.Hour: "47 hours ago", 48 * time.Hour: "2 days ago", -30 * time.Second: "just now", -2 * time.Minute: "dated ahead of this hub's clock",
		40 * day: "40 days ago",
	} {
		if got := c.age(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	c := english(t)
	for _, x := range []struct {
		v      float64
		places int
		want   string
	}{{22.16, 1, "22.2"}, {-0.04, 1, "0.0"}, {-3.25, 2, "−3.25"}, {83460, 0, "83,460"}, {9999, 0, "9999"}, {math.NaN(), 1, "–"}, {1234567.5, 1, "1,234,567.5"}, {0.2, 3, "0.200"}} {
		if got := c.number(x.v, x.places); got != x.want {
			t.Errorf("%v: %q, want %q", x.v, got, x.want)
		}
	}
	at := func(s string) time.Time { v, _ := time.Parse(time.DateOnly, s); return v }
	for _, x := range [][3]string{
		{"2026-05-04", "2026-05-11", "4 to 10 May 2026"}, {"2026-04-27", "2026-05-04", "27 Apr to 3 May 2026"},
		{"2025-12-29", "2026-01-05", "29 Dec 2025 to 4 Jan 2026"}, {"2026-05-04", "2026-05-05", "4 May 2026"},
	} {
		if got := c.period(at(x[0]), at(x[1])); got != x[2] {
			t.Errorf("%s..%s: %q, want %q", x[0], x[1], got, x[2])
		}
	}
}

// An absent or impossible score is no score: never a zero.
func TestScore(t *testing.T) {
	for _, x := range [][3]string{{"", "", ""}, {"0.5", "0.6", "0.7"}, {"1.2", "0.1", "1.3"}, {"NaN", "0", "1"}, {"x", "0", "1"}} {
		if s := parseScore(x[0], x[1], x[2]); s.Known || drawGauge(s) != nil {
			t.Errorf("%v became the score %+v", x, s)
		}
	}
	if s := parseScore("0.724000", "0.664", "0.784"); s.Value != 72 || s.Low != 66 || s.High != 78 || s.Class != "h4" {
		t.Errorf("%+v", s)
	}
}

// Ticks enclose what they label, are evenly spaced and few, for any values a probe can have.
func TestTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Float64Range(-1e6, 1e6).Draw(t, "low")
		high := low + rapid.SampledFrom([]float64{0, 1e-9, 1e-4, 0.3, 1, 17, 1e5}).Draw(t, "spread")
		ticks := niceTicks(low, high, 4)
		slack := 1e-9 * (1 + math.Abs(low) + math.Abs(high))
		if len(ticks) < 2 || len(ticks) > 8 || ticks[0] > low+slack || ticks[len(ticks)-1] < high-slack || !slices.IsSorted(ticks) {
			t.Fatalf("%v..%v: %v", low, high, ticks)
		}
	})
}

// However the points lie, nothing is drawn outside the board, the line is cut exactly where readings are missing, and the
// rows count every point once.
func TestSummaryAndChart(t *testing.T) {
	number := regexp.MustCompile(`-?[\d.]+`)
	rapid.Check(t, func(t *rapid.T) {
		sp := rapid.SampledFrom(spans()).Draw(t, "span")
		from, to := sp.window(testNow)
		at := from
		var points []store.Point
		flags := []qc.Flag{qc.Good, qc.Good, qc.Good, qc.NotEvaluated, qc.Suspect, qc.Fail, qc.Missing}
		for range rapid.IntRange(0, 60).Draw(t, "points") {
			at = at.Add(time.Duration(rapid.IntRange(1, int(sp.Length/40/time.Second)).Draw(t, "step")) * time.Second)
			if !at.Before(to) {
				break
			}
			points = append(points, store.Point{At: at, Value: rapid.Float64Range(-1e5, 1e5).Draw(t, "value"), Flag: rapid.SampledFrom(flags).Draw(t, "flag")})
		}
		s, err := summarise(from, to, sp.Dots, sp.Rows, func(yield func([]store.Point) error) error {
			half := len(points) / 2
			return errors.Join(yield(points[:half]), yield(points[half:]))
		})
		if err != nil {
			t.Fatal(err)
		}
		counted, failed, marked := 0, 0, 0
		for _, r := range s.Rows {
			counted, failed = counted+r.N, failed+r.Fail
			if r.N > 0 && !(r.Min <= r.Mean+1e-6 && r.Mean <= r.Max+1e-6) {
				t.Fatalf("mean %v outside %v..%v", r.Mean, r.Min, r.Max)
			}
		}
		for _, p := range points {
			if p.Flag == qc.Suspect || p.Flag == qc.Fail || p.Flag == qc.Missing {
				marked++
			}
		}
		if counted+failed != len(points) || s.All.N != counted || s.Marked != marked || len(s.Marks) != min(marked, maxMarks) {
			t.Fatalf("%d points, counted %d and %d, marks %d of %d", len(points), counted, failed, len(s.Marks), marked)
		}
		runs := s.runs()
		for i := 1; i < len(runs); i++ {
			before := runs[i-1]
			if gap := runs[i][0].From.Sub(before[len(before)-1].From); gap <= s.gap() {
				t.Fatalf("cut at %s, a gap is more than %s", gap, s.gap())
			}
		}
		c := drawChart(s, sp)
		for i, text := range number.FindAllString(c.Line+c.Band, -1) {
			v, _ := strconv.ParseFloat(text, 64)
			if low, high := []float64{chartLeft, chartTop}[i%2], []float64{chartRight, chartBottom}[i%2]; v < low-0.1 || v > high+0.1 {
				t.Fatalf("coordinate %v outside %v..%v", v, low, high)
			}
		}
		drawSpark(s, sp.Rows)
	})
}

// Whatever the outlines, every site is on the board, large enough to be met by a finger, and no two labels lie on
// each other while there is room.
func TestMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "sites")
		lon, lat := rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-75, 75).Draw(t, "lat")
		size := rapid.SampledFrom([]float64{1e-6, 0.001, 0.1, 3}).Draw(t, "size")
		var sites []registry.Site
		for i := range n {
			s := registry.Site{ID: fmt.Sprint("s", i), Name: "Site"}
			for range rapid.IntRange(3, 8).Draw(t, "corners") {
				x := lon + size*rapid.Float64Range(-1, 1).Draw(t, "x")
				if x > 180 {
					x -= 360
				} else if x < -180 {
					x += 360
				}
				s.Outline = append(s.Outline, registry.Coordinate{x, lat + size*rapid.Float64Range(-1, 1).Draw(t, "y")})
			}
			sites = append(sites, s)
		}
		m := drawMap(sites)
		if len(m.Shapes) != n || m.Metres < 1 {
			t.Fatalf("%d shapes, scale %d m", len(m.Shapes), m.Metres)
		}
		for _, s := range m.Shapes {
			x, _ := strconv.ParseFloat(s.X, 64)
			y, _ := strconv.ParseFloat(s.Y, 64)
			lx, _ := strconv.ParseFloat(s.LabelX, 64)
			if x < 0 || x > mapWidth || y < 0 || y > mapHeight || lx < 40 || lx > mapWidth-40 || strings.Contains(s.Path+s.Leader, "NaN") {
				t.Fatalf("site at %v, %v, label at %v: %s", x, y, lx, s.Path)
			}
		}
	})
	// Strips side by side, as rivers, banks and meadows lie: no label on a site or on another label.
	strips := []registry.Site{
		{ID: "meadow", Name: "Upper meadow", Outline: []registry.Coordinate{{10.1003, 51.4012}, {10.1031, 51.4008}, {10.1046, 51.4019}, {10.1039, 51.4031}, {10.1012, 51.4034}, {10.0998, 51.4024}}},
		{ID: "bank", Name: "Alder strip", Outline: []registry.Coordinate{{10.0994, 51.4003}, {10.1018, 51.3999}, {10.1045, 51.4001}, {10.106, 51.4009}, {10.1052, 51.4013}, {10.1033, 51.4006}, {10.1004, 51.401}}},
		{ID: "stream", Name: "Willow creek", Outline: []registry.Coordinate{{10.099, 51.3999}, {10.1018, 51.3995}, {10.1048, 51.3997}, {10.1066, 51.4007}, {10.1062, 51.401}, {10.1045, 51.4}, {10.1018, 51.3998}, {10.0992, 51.4002}}},
	}
	m, p := drawMap(strips), fit(strips)
	var labels []box
	for i, s := range m.Shapes {
		x, _ := strconv.ParseFloat(s.LabelX, 64)
		y, _ := strconv.ParseFloat(s.LabelY, 64)
		l := box{x - 48, y - 15, 96, 36}
		for _, o := range strips {
			if p.outline(o).covers(l) {
				t.Errorf("the label of %s lies on %s", strips[i].ID, o.ID)
			}
		}
		for _, o := range labels {
			if o.meets(l) {
				t.Errorf("the label of %s lies on another", strips[i].ID)
			}
		}
		labels = append(labels, l)
	}
	if m := drawMap(nil); len(m.Shapes) != 0 {
		t.Error("shapes out of nothing")
	}
}

// FuzzAddress: whatever stands in an address is either a range or refused.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"from=2026-05-01T00:00:00Z", "to=9999999-01-01", "range=7d&from=%00", "range[]=x", ";;;"} {
		f.Add("spring-meadow", s)
	}
	fk := newFake(f)
	h := serve(f, fk.config())
	f.Fuzz(func(t *testing.T, id, q string) {
		if !name.Valid(id) || strings.ContainsAny(q, " #\n\r\t\x00") {
			return
		}
		for _, r := range q {
			if r < 0x21 || r > 0x7e {
				return
			}
		}
		if w := answerOf(h, "/sites/"+id+"?"+q); w.Code != 200 && w.Code != 404 {
			t.Errorf("%s?%s: %d", id, q, w.Code)
		}
	})
}

// manySites is a fake whose community has n sites without readings.
func manySites(t testing.TB, n int) *fake {
	f := newFake(t)
	stewards := []registry.Steward{{ID: "asha", Name: "Asha Mwangi"}}
	var sites []registry.Site
	for i := range n {
		x, y := 36.8+float64(i%20)*0.01, -1.2+float64(i/20)*0.01
		sites = append(sites, registry.Site{ID: fmt.Sprint("site-", i), Name: fmt.Sprint("Parcel ", i), Ecosystem: "T4.5", AreaM2: 5000, Steward: "asha",
			Outline: []registry.Coordinate{{x, y}, {x + 0.004, y}, {x + 0.002, y + 0.004}}})
	}
	reg, err := registry.New("willow-creek", stewards, sites, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.registry = reg
	return f
}

// Whoever compares a statement's page with what verify or the hub's log says sees the same letters.
func TestFingerprintIsTheOneEverybodyShows(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	if got, want := fingerprint(identity.FormatKey(key)), identity.Fingerprint(key); got != want {
		t.Errorf("%q, elsewhere %q", got, want)
	}
	if got := fingerprint("no key"); got != "no key" {
		t.Errorf("%q", got)
	}
}
