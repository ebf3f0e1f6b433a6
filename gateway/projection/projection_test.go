package projection

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"loam/gateway/qc"
	"loam/gateway/store"
	"loam/sensors"
)

// settings with short flat lines, so that random series reach far beyond their context.
func settings(t fataler) qc.Settings {
	t.Helper()
	gap := 1.0
	s, err := qc.Defaults().With([]qc.Override{{Quantity: sensors.AirTemperature, Config: qc.Config{
		FlatLine: &qc.FlatLineTest{SuspectThreshold: 3600, FailThreshold: 7200, Tolerance: 0.1},
		TimeGap:  &qc.TimeGapTest{FailSpanHours: &gap},
		Spike:    &qc.SpikeTest{SuspectThreshold: 1, FailThreshold: 3},
	}}, {Site: "carr", Quantity: sensors.AirTemperature, Off: []qc.Test{qc.FlatLine}}})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

var errAway = errors.New("the store is away")

// Whatever comes late, out of order, twice or while the store fails or the hub dies: in the end the store holds what one
// run over the whole series gives.
func TestStoreEndsAsOneRunOverTheWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "projection.db") // one file for all runs: making a new one costs more than a run
	gateways := []string{"gw-1", "gw-2", "gw-3"}
	reg, set := newRegistry(t, gateways...), settings(t)
	rapid.Check(t, func(t *rapid.T) {
		log, st := &memoryLog{}, newStore()
		c := Config{Evidence: log, Registry: reg, Settings: set, Store: st, MaxPoints: rapid.IntRange(1, 40).Draw(t, "most points")}
		open := func() *Projection {
			p, err := Open(context.Background(), path, c)
			if err != nil {
				t.Fatalf("%v", err)
			}
			return p
		}
		p := open()
		defer func() { p.Close() }()
		if err := p.state.reset(context.Background(), set.Digest()); err != nil {
			t.Fatalf("%v", err)
		}
		writer := &drawnLog{log: log, sequences: map[string]uint64{}}
		t.Repeat(map[string]func(*rapid.T){
			"batch arrives": func(t *rapid.T) { writer.batch(t, rapid.SampledFrom(gateways).Draw(t, "gateway")) },
			"step": func(t *rapid.T) {
				if _, err := p.Step(context.Background()); err != nil {
					t.Fatalf("step: %v", err)
				}
			},
			"step while the store fails": func(t *rapid.T) {
				part := rapid.Float64Range(0, 1).Draw(t, "part written")
				st.fail = func(points []store.Point) (int, error) { return int(part * float64(len(points))), errAway }
				if n, err := p.Step(context.Background()); n > 0 && !errors.Is(err, errAway) {
					t.Fatalf("step: %v", err)
				}
				st.fail = nil
			},
			"the hub dies and starts again": func(t *rapid.T) {
				p.Close()
				p = open()
			},
			"": func(t *rapid.T) {
				next, err := p.Cursor(context.Background())
				if size, _ := log.Size(context.Background()); err != nil || next > size {
					t.Fatalf("cursor %d of %d leaves: %v", next, size, err)
				}
			},
		})
		for {
			n, err := p.Step(context.Background())
			if err != nil {
				t.Fatalf("step: %v", err)
			}
			if n == 0 {
				break
			}
		}
		want := wanted(t, log, reg, set)
		equal(t, st.points, want)
		if p.Alarm() != "" {
			t.Fatalf("alarm: %s", p.Alarm())
		}
		if rapid.IntRange(0, 3).Draw(t, "rebuild") == 0 {
			if err := p.Rebuild(context.Background()); err != nil {
				t.Fatalf("rebuild: %v", err)
			}
			equal(t, st.points, want)
		}
	})
}

// drawnLog appends random batches: mostly going on in time, some far behind, some with readings that exist already.
type drawnLog struct {
	log       *memoryLog
	sequences map[string]uint64
	now       time.Duration
}

func (d *drawnLog) batch(t *rapid.T, gateway string) {
	steps := []time.Duration{10 * time.Minute, 10 * time.Minute, 10 * time.Minute, 25 * time.Minute, 61 * time.Minute, 26 * time.Hour, 80 * time.Hour}
	at := d.now
	late := rapid.IntRange(0, 3).Draw(t, "late") == 0
	if late {
		back := rapid.SampledFrom([]time.Duration{10 * time.Minute, 35 * time.Minute, 3 * time.Hour, 30 * time.Hour, 200 * time.Hour}).Draw(t, "back")
		at -= back
	}
	channel := rapid.SampledFrom([]string{"air", "air-2"}).Draw(t, "channel")
	level := int64(1000)
	used := map[time.Duration]bool{}
	var readings []sensors.Reading
	for range rapid.IntRange(1, 12).Draw(t, "readings") {
		if used[at] {
			continue
		}
		used[at] = true
		level += rapid.SampledFrom([]int64{0, 0, 0, 5, -20, 150, -400}).Draw(t, "move")
		readings = append(readings, reading(channel, sensors.AirTemperature, start.Add(at), level))
		if rapid.IntRange(0, 4).Draw(t, "moist") == 0 {
			readings = append(readings, reading("soil", sensors.VolumetricWaterContent, start.Add(at), 20+level%10))
		}
		at += rapid.SampledFrom(steps).Draw(t, "step")
	}
	d.sequences[gateway]++
	d.log.append(t, gateway, d.sequences[gateway], readings...)
	if !late {
		d.now = at
	}
}

func open(t *testing.T, c Config) *Projection {
	t.Helper()
	p, err := Open(t.Context(), filepath.Join(t.TempDir(), "projection.db"), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func drain(t *testing.T, p *Projection) {
	t.Helper()
	for {
		n, err := p.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// ordinary is days of half-hourly readings on two channels, a batch every three hours.
func ordinary(t *testing.T, l *memoryLog, gateway string, days int) {
	t.Helper()
	for i := range days * 8 {
		var readings []sensors.Reading
		for k := range 6 {
			at := start.Add(time.Duration(i*6+k) * 30 * time.Minute)
			readings = append(readings, reading("air", sensors.AirTemperature, at, int64(1000+(i*6+k)%48*10)), reading("soil", sensors.SoilTemperature, at, int64(900+(i*6+k)%48)))
		}
		l.append(t, gateway, uint64(i+1), readings...)
	}
}

// Points the store refuses are found one by one and set aside with the reason; all the others are kept.
func TestRefusedPointsAreSetAside(t *testing.T) {
	log, st, reg := &memoryLog{}, newStore(), newRegistry(t, "gw-1")
	ordinary(t, log, "gw-1", 3)
	bad := map[time.Time]bool{start.Add(90 * time.Minute): true, start.Add(40 * time.Hour): true}
	st.fail = func(points []store.Point) (int, error) {
		for _, p := range points {
			if bad[p.At] && p.Channel == "air" {
				return 0, errors.Join(store.ErrRejected, errors.New("field type conflict"))
			}
		}
		return len(points), nil
	}
	metrics := prometheus.NewRegistry()
	p := open(t, Config{Evidence: log, Registry: reg, Settings: qc.Defaults(), Store: st, Metrics: metrics})
	drain(t, p)
	want := wanted(t, log, reg, qc.Defaults())
	for id := range want {
		if id.Channel == "air" && bad[time.UnixMilli(id.at).UTC()] {
			delete(want, id)
		}
	}
	equal(t, st.points, want)
	if !strings.Contains(p.Alarm(), "refused 2 points") {
		t.Errorf("alarm: %q", p.Alarm())
	}
	var reason string
	if err := p.state.db.Read.QueryRow(`SELECT reason FROM refused LIMIT 1`).Scan(&reason); err != nil || !strings.Contains(reason, "field type conflict") {
		t.Errorf("reason %q, %v", reason, err)
	}
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		got[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	if got["loam_projection_refused_total"] != 2 || got["loam_store_up"] != 1 || got["loam_projection_lag_leaves"] != 0 || got["loam_projection_points_total"] < float64(len(want)) {
		t.Errorf("metrics: %v", got)
	}
	// Somebody mends the store; a rebuild brings them in and the alarm ends.
	st.fail = nil
	if err := p.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, st.points, wanted(t, log, reg, qc.Defaults()))
	if p.Alarm() != "" {
		t.Errorf("alarm: %q", p.Alarm())
	}
}

// A batch whose gateway the registry no longer knows is set aside; the rest goes on.
func TestUnreadableBatchesAreSetAside(t *testing.T) {
	log, st, reg := &memoryLog{}, newStore(), newRegistry(t, "gw-1")
	log.append(t, "gw-9", 1, reading("air", sensors.AirTemperature, start, 1))
	ordinary(t, log, "gw-1", 1)
	p := open(t, Config{Evidence: log, Registry: reg, Settings: qc.Defaults(), Store: st})
	drain(t, p)
	equal(t, st.points, wanted(t, log, reg, qc.Defaults()))
	if !strings.Contains(p.Alarm(), "1 batches") {
		t.Errorf("alarm: %q", p.Alarm())
	}
}

// While the store is away the projection waits with growing pauses, says so, drops nothing, and ends when it is told to.
func TestRunWaitsForTheStore(t *testing.T) {
	log, st, reg := &memoryLog{}, newStore(), newRegistry(t, "gw-1")
	ordinary(t, log, "gw-1", 2)
	c := Config{Evidence: log, Registry: reg, Settings: qc.Defaults(), Store: st, RetryLongest: 10 * time.Second}
	path := filepath.Join(t.TempDir(), "projection.db")
	p, err := Open(t.Context(), path, c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Wake()
	synctest.Test(t, func(t *testing.T) {
		st.fail = func([]store.Point) (int, error) { return 0, errAway }
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		p.wake = make(chan struct{}, 1) // of this bubble
		go func() { ended <- p.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		if !strings.Contains(p.Alarm(), errAway.Error()) {
			t.Errorf("alarm: %q", p.Alarm())
		}
		st.mu.Lock()
		if st.writes < 40 || st.writes > 80 {
			t.Errorf("%d attempts in ten minutes", st.writes)
		}
		st.fail = nil
		st.mu.Unlock()
		time.Sleep(11 * time.Second)
		if p.Alarm() != "" || len(st.points) != 2*48*2 {
			t.Errorf("alarm %q, %d points", p.Alarm(), len(st.points))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A store that lost everything, say a deleted file, is filled again at the next start.
func TestEmptiedStoreIsFilledAgain(t *testing.T) {
	log, st, reg := &memoryLog{}, newStore(), newRegistry(t, "gw-1")
	ordinary(t, log, "gw-1", 2)
	c := Config{Evidence: log, Registry: reg, Settings: qc.Defaults(), Store: st}
	path := filepath.Join(t.TempDir(), "projection.db")
	for range 2 {
		p, err := Open(t.Context(), path, c)
		if err != nil {
			t.Fatal(err)
		}
		drain(t, p)
		equal(t, st.points, wanted(t, log, reg, qc.Defaults()))
		clear(st.points)
		p.Close()
	}
}

// Other settings flag everything again.
func TestNewSettingsFlagEverythingAgain(t *testing.T) {
	log, st, reg := &memoryLog{}, newStore(), newRegistry(t, "gw-1")
	ordinary(t, log, "gw-1", 2)
	path := filepath.Join(t.TempDir(), "projection.db")
	for _, s := range []qc.Settings{qc.Defaults(), settings(t), qc.Defaults()} {
		p, err := Open(t.Context(), path, Config{Evidence: log, Registry: reg, Settings: s, Store: st})
		if err != nil {
			t.Fatal(err)
		}
		drain(t, p)
		equal(t, st.points, wanted(t, log, reg, s))
		p.Close()
	}
}

// Readings that simply go on cost no look back into evidence, also behind a backlog; a restart costs one look.
func TestGoingOnReadsNothingTwice(t *testing.T) {
	log, st, reg := &memoryLog{}, newStore(), newRegistry(t, "gw-1")
	c := Config{Evidence: log, Registry: reg, Settings: qc.Defaults(), Store: st}
	ordinary(t, log, "gw-1", 30)
	p := open(t, c)
	drain(t, p)
	if log.reads != 0 {
		t.Errorf("%d leaves were read again", log.reads)
	}
	again, err := Open(t.Context(), p.state.db.Path(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for i := range 20 {
		at := start.Add(30*24*time.Hour + time.Duration(i)*30*time.Minute)
		log.append(t, "gw-1", uint64(1000+i), reading("air", sensors.AirTemperature, at, 1000))
		if _, err := again.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	reach := qc.Defaults().For("", sensors.AirTemperature).Context()
	if most := int(2*reach/(3*time.Hour)) + 3; log.reads == 0 || log.reads > most {
		t.Errorf("%d leaves were read again after a restart, at most %d are near", log.reads, most)
	}
	equal(t, st.points, wanted(t, log, reg, qc.Defaults()))
}

// After an outage of 30 days live batches come first and the backlog behind them.
func TestBacklogBehindLive(t *testing.T) {
	log, st, reg := &memoryLog{}, newStore(), newRegistry(t, "gw-1")
	ordinary(t, log, "gw-1", 1)
	at := func(i int) time.Time { return start.Add(24*time.Hour + time.Duration(i)*30*time.Minute) }
	const outage = 30 * 48
	live, sequence := outage, uint64(100)
	for back := 0; back < outage; back += 40 {
		log.append(t, "gw-1", sequence, reading("air", sensors.AirTemperature, at(live), int64(1000+live%48)))
		live++
		var readings []sensors.Reading
		for i := back; i < min(back+40, outage); i++ {
			readings = append(readings, reading("air", sensors.AirTemperature, at(i), int64(1000+i%48)))
		}
		log.append(t, "gw-1", sequence+1, readings...)
		sequence += 2
	}
	p := open(t, Config{Evidence: log, Registry: reg, Settings: qc.Defaults(), Store: st, MaxPoints: 41})
	drain(t, p)
	equal(t, st.points, wanted(t, log, reg, qc.Defaults()))
	if log.reads > 6*len(log.leaves) {
		t.Errorf("%d leaves were read again for %d", log.reads, len(log.leaves))
	}
	t.Logf("%d leaves read again for %d", log.reads, len(log.leaves))
}
