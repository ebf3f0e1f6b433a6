package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"loam/gateway/sampler"
	"loam/sensors"
	"loam/sensors/clock"
)

// probe answers with what it is told to.
type probe struct {
	samples []sensors.Sample
	err     error
}

func (p *probe) Sense(context.Context) ([]sensors.Sample, error) { return p.samples, p.err }
func (p *probe) Close() error                                    { return nil }

// field is a gateway with one probe in air, asked once a minute.
type field struct {
	t     *testing.T
	clk   *clock.Virtual
	probe *probe
	s     *sampler.Sampler
}

func newField(t *testing.T) *field {
	f := &field{t: t, clk: clock.NewVirtual(now, clock.BootID{1}), probe: &probe{}}
	cal := sensors.Calibration{Certificate: sensors.Certificate{ID: sensors.FactoryCertificate}}
	sink := sampler.SinkFunc(func(context.Context, []sensors.Reading) error { return nil })
	f.s = sampler.New([]sampler.Probe{{Name: "air", Bus: "i2c 1", Source: f.probe, Channels: []sampler.Channel{
		{ID: "air-temperature", Quantity: sensors.AirTemperature, Calibration: cal},
		{ID: "air-humidity", Quantity: sensors.RelativeHumidity, Calibration: cal},
	}}}, sink, f.clk, slog.New(slog.DiscardHandler), nil)
	return f
}

// minutes lets n rounds pass in which the probe says what it is told to by then.
func (f *field) minutes(n int, then func(i int)) {
	for i := range n {
		_ = f.clk.Sleep(f.t.Context(), time.Minute)
		then(i)
		if _, err := f.s.Round(f.t.Context()); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *field) says(centiTemperature, centiHumidity int64) {
	at := f.clk.Now()
	f.probe.err = nil
	f.probe.samples = []sensors.Sample{
		{Quantity: sensors.AirTemperature, Value: sensors.Decimal{Mantissa: centiTemperature, Exponent: -2}, At: at},
		{Quantity: sensors.RelativeHumidity, Value: sensors.Decimal{Mantissa: centiHumidity, Exponent: -2}, At: at},
	}
}

func (f *field) well(i int) { f.says(1200+int64(i%50), 5000+int64(i%70)) }

func (f *field) rhythm() Rhythm {
	return NewRhythm(time.Minute, 10*time.Second).At(f.clk.Now())
}

func TestProbes(t *testing.T) {
	hangs := fmt.Errorf("sensors: %w", sensors.ErrBusHung)
	for name, c := range map[string]struct {
		live func(*field)
		want map[string]Level // where it is not OK
		says string           // somewhere
		view State            // of the probe
	}{
		"not asked yet": {func(*field) {}, map[string]Level{"probe.air": Unknown, "channel.air-temperature": Unknown, "channel.air-humidity": Unknown}, "not known here", Waiting},
		"all well":      {func(f *field) { f.minutes(2000, f.well) }, nil, "12.49 °C", Good},
		"fails once": {func(f *field) {
			f.minutes(5, f.well)
			f.minutes(1, func(int) { f.probe.err = errors.New("checksum") })
		}, map[string]Level{"probe.air": Warning}, "checksum", Good},
		"never answered": {func(f *field) { f.minutes(2, func(int) { f.probe.err = hangs }) },
			map[string]Level{"probe.air": Failure}, "since the gateway started, 2m ago (2 failures): probe air: sensors: the bus hangs", Failing},
		"fails for a day": {func(f *field) {
			f.minutes(3, f.well)
			f.minutes(1440, func(int) { f.probe.err = hangs })
		}, map[string]Level{"probe.air": Failure}, "for 1 day (1440 failures)", Failing},
		"silent: the lane never comes back": {func(f *field) {
			f.minutes(3, f.well)
			_ = f.clk.Sleep(t.Context(), 10*time.Minute)
		}, map[string]Level{"probe.air": Failure}, "it last came back 10m ago", Silent},
		"warms up": {func(f *field) {
			f.minutes(2, func(int) { f.probe.err = fmt.Errorf("%w: warming up for another 20s", sensors.ErrNotReady) })
		}, map[string]Level{"channel.air-temperature": Unknown, "channel.air-humidity": Unknown}, "warming up for another 20s", Waiting},
		"warms up for ever": {func(f *field) {
			f.minutes(60, func(int) { f.probe.err = fmt.Errorf("%w: warming up", sensors.ErrNotReady) })
		}, map[string]Level{"probe.air": Failure}, "no sample since the gateway started", Silent},
		"one quantity never comes": {func(f *field) {
			f.minutes(10, func(i int) { f.well(i); f.probe.samples = f.probe.samples[:1] })
		}, map[string]Level{"channel.air-humidity": Failure}, "has no relative_humidity", Good},
		"one quantity stops coming": {func(f *field) {
			f.minutes(10, f.well)
			f.minutes(10, func(i int) { f.well(i); f.probe.samples = f.probe.samples[1:] })
		}, map[string]Level{"channel.air-temperature": Failure}, "has no air_temperature", Good},
		"implausible": {func(f *field) { f.minutes(1, func(int) { f.says(-12700, 5000) }) },
			map[string]Level{"channel.air-temperature": Failure}, "says -127.00 °C, which cannot be", Good},
		"flat for half a day": {func(f *field) {
			f.minutes(721, func(i int) { f.says(1200, 5000+int64(i%70)) }) // the hub's test suspects air that stands still for 12 hours
		}, map[string]Level{"channel.air-temperature": Warning}, "has said 12.00 °C for 12h", Good},
		"flat for a little less": {func(f *field) {
			f.minutes(720, func(i int) { f.says(1200, 5000+int64(i%70)) })
		}, nil, "", Good},
		"fog holds its humidity": {func(f *field) { f.minutes(1441, func(i int) { f.says(1200+int64(i%50), 10000) }) }, nil, "", Good},
	} {
		t.Run(name, func(t *testing.T) {
			f := newField(t)
			c.live(f)
			checks := f.rhythm().Probes(f.s.Statuses())
			got := byID(t, checks)
			var all []string
			for id, check := range got {
				all = append(all, check.Fact)
				want, ok := c.want[id]
				if !ok {
					want = OK
				}
				if check.Level != want {
					t.Errorf("%s is %s, want %s: %s", id, check.Level, want, check.Fact)
				}
			}
			for id := range c.want {
				if _, ok := got[id]; !ok {
					t.Errorf("nothing is said of %s", id)
				}
			}
			if !strings.Contains(strings.Join(all, "\n"), c.says) {
				t.Errorf("%q does not say %q", all, c.says)
			}
			view := f.rhythm().View(f.s.Statuses())
			if len(view) != 1 || view[0].State != c.view || len(view[0].Channels) != 2 {
				t.Errorf("shown as %+v, want %s", view, c.view)
			}
		})
	}
}

// What is not there is absent in the view, never a zero.
func TestTheViewHasNoZeros(t *testing.T) {
	f := newField(t)
	raw, err := json.Marshal(f.rhythm().View(f.s.Statuses()))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(raw); strings.Contains(s, "0001-01-01") || strings.Contains(s, `"value"`) || strings.Contains(s, "last_good") {
		t.Errorf("before the first round: %s", s)
	}
	f.minutes(2, f.well)
	raw, err = json.Marshal(f.rhythm().View(f.s.Statuses()))
	if s := string(raw); err != nil || !strings.Contains(s, `"value":"12.01"`) || !strings.Contains(s, `"last_good":"2026-09-01T12:02:00Z"`) {
		t.Errorf("after two: %s, %v", s, err)
	}
	raw, err = json.Marshal(f.rhythm().View(nil))
	if string(raw) != "[]" || err != nil {
		t.Errorf("no probes: %s, %v", raw, err)
	}
}

// A clock that is set does not make a probe silent, nor does it hide one that is.
func TestASetClockChangesNoAge(t *testing.T) {
	f := newField(t)
	f.minutes(5, f.well)
	f.clk.Set(f.clk.Now().Wall.Add(-400 * 24 * time.Hour))
	if c := byID(t, f.rhythm().Probes(f.s.Statuses()))["probe.air"]; c.Level != OK {
		t.Errorf("set back: %+v", c)
	}
	_ = f.clk.Sleep(t.Context(), time.Hour)
	if c := byID(t, f.rhythm().Probes(f.s.Statuses()))["probe.air"]; c.Level != Failure {
		t.Errorf("an hour later: %+v", c)
	}
}

func TestWhatADriverSaysIsBounded(t *testing.T) {
	if s := said(errors.New("sampler: probe x:\n\tü" + strings.Repeat("ö", 5000))); len([]rune(s)) > longestError+2 || strings.ContainsAny(s, "\n\t") || !strings.HasPrefix(s, "probe x: ü") {
		t.Errorf("%d: %s", len(s), s)
	}
}
