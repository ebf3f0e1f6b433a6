package homeassistant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/internal/servertest"
	"loam/sensors"
	"loam/sensors/clock"
)

var meadow = Device{
	Community: "willow-creek", Gateway: "meadow", Version: "1.2.3",
	Channels: []Channel{
		{ID: "air-temperature", Quantity: sensors.AirTemperature, Calibrated: true, Every: time.Minute},
		{ID: "air-pressure", Quantity: sensors.AirPressure, Calibrated: true, Every: time.Minute},
		{ID: "soil-10cm", Quantity: sensors.VolumetricWaterContent, Calibrated: true, Every: 10 * time.Minute},
		{ID: "pond-ph", Quantity: sensors.WaterPH, Every: time.Minute},
		{ID: "wind-from", Quantity: sensors.WindDirection, Calibrated: true, Every: time.Minute},
		{ID: "gas", Quantity: sensors.GasResistance, Every: 1500 * time.Millisecond},
	},
}

var booted = clock.Instant{Wall: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), Uptime: time.Hour, Boot: clock.BootID{1}, State: clock.Synced}

func later(d time.Duration) clock.Instant {
	at := booted
	at.Wall, at.Uptime = at.Wall.Add(d), at.Uptime+d
	return at
}

func reading(channel sensors.Channel, q sensors.Quantity, value string, at clock.Instant, certificate string) sensors.Reading {
	v, err := sensors.ParseDecimal(value)
	if err != nil {
		panic(err)
	}
	return sensors.Reading{Channel: channel, Quantity: q, Value: v, RawQuantity: q, Raw: v, At: at, Calibration: sensors.Certificate{ID: certificate}}
}

func warm(value string, at clock.Instant) sensors.Reading {
	return reading("air-temperature", sensors.AirTemperature, value, at, "factory")
}

func newMirror(t *testing.T, cfg Config, now func() clock.Instant) (*Mirror, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := New(cfg, meadow, now, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	return m, reg
}

// counted is how many readings came to a result, as Prometheus would hear it.
func counted(t *testing.T, reg *prometheus.Registry, result string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "loam_homeassistant_readings_total" && l.GetValue() == result {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	return 0
}

func at(i clock.Instant) func() clock.Instant { return func() clock.Instant { return i } }

// The payload is, key for key, what stands in testdata, which was read against Home Assistant's abbreviations, units and
// state classes.
func TestDiscoveryIsWhatHomeAssistantReads(t *testing.T) {
	want, err := os.ReadFile("testdata/discovery.json")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := meadow.discovery(meadow.topics("homeassistant"))
	if err != nil {
		t.Fatal(err)
	}
	var got, compact bytes.Buffer
	if err := errors.Join(json.Indent(&got, raw, "", "  "), json.Compact(&compact, want)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(compact.Bytes(), raw) {
		t.Errorf("discovery is now\n%s", &got)
	}
	if topic := meadow.topics("homeassistant").config; topic != "homeassistant/device/loam_willow-creek_meadow/config" {
		t.Errorf("to %s", topic)
	}
}

// Every quantity loam knows can be shown, under ids that Home Assistant takes, with a unit that goes with its class, and
// every limit of it converts.
func TestEveryQuantityCanBeShown(t *testing.T) {
	units := map[string][]string{ // DEVICE_CLASS_UNITS in homeassistant/components/sensor/const.py
		"": nil, "temperature": {"°C"}, "humidity": {"%"}, "atmospheric_pressure": {"hPa"}, "carbon_dioxide": {"ppm"},
		"pm1": {"µg/m³"}, "pm25": {"µg/m³"}, "pm10": {"µg/m³"}, "illuminance": {"lx"}, "wind_speed": {"m/s"},
		"wind_direction": {"°"}, "precipitation": {"mm"}, "moisture": {"%"}, "pressure": {"kPa", "hPa"},
		"conductivity": {"µS/cm"}, "ph": {""}, "voltage": {"V", "mV"}, "current": {"mA"}, "distance": {"mm", "m"},
		"volume_storage": {"L"},
	}
	for _, k := range sensors.Kinds() {
		s, err := lookup(k.Name)
		if err != nil {
			t.Fatal(err)
		}
		allowed, known := units[s.class]
		if !known || s.class != "" && !slices.Contains(allowed, s.unit) {
			t.Errorf("%s: class %q with unit %q", k.Name, s.class, s.unit)
		}
		for _, v := range []sensors.Decimal{k.Min, k.Max} {
			if _, err := s.convert(v); err != nil {
				t.Errorf("%s: %s: %v", k.Name, v, err)
			}
		}
	}
	for q := range entities {
		if _, err := q.Kind(); err != nil {
			t.Error(err)
		}
	}
	if id := meadow.objectID(); !regexp.MustCompile(`^[a-zA-Z0-9_-]+$`).MatchString(id) {
		t.Errorf("object id %q", id)
	}
}

// Digits stay as they are: only the point moves.
func TestStatesKeepTheirDigits(t *testing.T) {
	due := time.Date(2028, 4, 18, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		reading sensors.Reading
		want    string
	}{
		{warm("-12.50", booted), `{"value":-12.50,"measured_at":"2026-05-01T12:00:00Z","calibration":"factory"}`},
		{reading("air-pressure", sensors.AirPressure, "101325.4", booted, ""), `{"value":1013.254,"measured_at":"2026-05-01T12:00:00Z"}`},
		{reading("soil-10cm", sensors.VolumetricWaterContent, "0.3120", booted, "c"), `{"value":31.20,"measured_at":"2026-05-01T12:00:00Z","calibration":"c"}`},
		{reading("soil-10cm", sensors.VolumetricWaterContent, "0.0", booted, "c"), `{"value":0,"measured_at":"2026-05-01T12:00:00Z","calibration":"c"}`},
		{reading("soil-10cm", sensors.VolumetricWaterContent, "1", clock.Instant{}, "c"), `{"value":100,"calibration":"c"}`},
	} {
		s, err := lookup(c.reading.Quantity)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.state(c.reading); err != nil || string(got) != c.want {
			t.Errorf("%s, %v; want %s", got, err, c.want)
		}
	}
	r := warm("1", booted)
	r.Calibration.Due = due
	s, _ := lookup(r.Quantity)
	if got, err := s.state(r); err != nil || !strings.Contains(string(got), `"calibration_due":"2028-04-18"`) {
		t.Errorf("%s, %v", got, err)
	}
}

// Only what is new and what its entity promises waits to be shown, one reading for each channel; the rest is counted.
func TestOnlyLiveAndHonestReadingsWait(t *testing.T) {
	m, reg := newMirror(t, Config{Broker: "mqtt://127.0.0.1:1"}, at(later(time.Hour)))
	now := later(time.Hour)
	reboot := now
	reboot.Boot = clock.BootID{2}
	m.Show([]sensors.Reading{
		warm("1", later(0)),              // an hour old
		warm("2", later(58*time.Minute)), // older than a minute and a little
		warm("3", reboot),                // of another boot
		warm("4", later(59*time.Minute)), // live …
		warm("5", now),                   // … and displaced
		warm("6", later(59*time.Minute)), // out of order
		warm("99", now),                  // impossible
		reading("air-temperature", sensors.ProbeVoltage, "1", now, "factory"), // of another quantity
		reading("soil-10cm", sensors.VolumetricWaterContent, "0.3", now, ""),  // promised calibrated
		reading("pond-ph", sensors.WaterPH, "7.1", now, ""),                   // said to be uncalibrated
		reading("nobody", sensors.WaterPH, "7.1", now, ""),
	})
	for result, want := range map[string]float64{resultLate: 4, resultDisplaced: 1, resultWithheld: 3, resultShown: 0, resultFailed: 0} {
		if got := counted(t, reg, result); got != want {
			t.Errorf("%s: %v, want %v", result, got, want)
		}
	}
	if r, waiting := m.pick("air-temperature"); !waiting || r.Value.String() != "5" {
		t.Errorf("waiting: %v, %v", r.Value, waiting)
	}
	if _, waiting := m.pick("pond-ph"); !waiting {
		t.Error("an entity that is said to be uncalibrated shows nothing")
	}
	if len(m.next) != 0 {
		t.Errorf("waiting besides: %v", m.next)
	}
}

// A broker that is not there costs no reading a moment, fills no memory, and does not hold up the end.
func TestAnUnreachableBrokerCostsNothing(t *testing.T) {
	m, reg := newMirror(t, Config{Broker: "mqtt://" + servertest.FreeAddress(t)}, at(booted))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	began := time.Now()
	const rounds = 10_000
	for range rounds {
		m.Show([]sensors.Reading{warm("20", booted)})
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("%d rounds waited for %s", rounds, took)
	}
	if len(m.next) != 1 || counted(t, reg, resultDisplaced) != rounds-1 {
		t.Errorf("%d wait, %v displaced", len(m.next), counted(t, reg, resultDisplaced))
	}
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(3 * time.Second):
		t.Error("it does not end")
	}
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		says string
	}{
		{Config{}, "user of its own"},
		{Config{Broker: "mqtt://b", Username: "u"}, "belong together"},
		{Config{Broker: "mqtt://b", PasswordFile: "p"}, "belong together"},
		{Config{Broker: "mqtt://b", Prefix: "a/#"}, "prefix"},
		{Config{Broker: "mqtt://b", Prefix: "/a"}, "prefix"},
		{Config{Broker: "mqtt://b", Prefix: strings.Repeat("a", 101)}, "prefix"},
		{Config{Broker: "http://b"}, "scheme"},
		{Config{Broker: "mqtt://b", Username: "u", PasswordFile: filepath.Join(t.TempDir(), "none")}, "password_file"},
	} {
		_, err := New(c.cfg, meadow, at(booted), slog.New(slog.DiscardHandler), nil)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v; want it to say %q", c.cfg, err, c.says)
		}
	}
	if _, err := New(Config{Broker: "mqtt://b"}, Device{Channels: []Channel{{ID: "x", Quantity: "love"}}}, at(booted), slog.New(slog.DiscardHandler), nil); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	if c := (Config{Username: "ha", PasswordFile: "p"}).Beside("mqtts://hub", "ca.pem"); c.Validate() != nil || c.Broker != "mqtts://hub" || c.CAFile != "ca.pem" {
		t.Errorf("beside the uplink: %+v", c)
	}
	if c := (Config{Broker: "mqtt://home"}).Beside("mqtts://hub", "ca.pem"); c.Broker != "mqtt://home" || c.CAFile != "" {
		t.Errorf("with a broker of its own: %+v", c)
	}
}
