package feed

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

func takeAll(t *testing.T, c Config, messages ...string) *collected {
	t.Helper()
	sink := &collected{}
	f := newFeed(t, c, sink)
	topic := "field/1"
	if c.Format == ChirpStack {
		topic = uplinkTopic
	}
	for _, m := range messages {
		if err := f.take(context.Background(), incoming{topic, []byte(m)}); err != nil {
			t.Fatal(err)
		}
	}
	return sink
}

func want(t *testing.T, sink *collected, values ...string) {
	t.Helper()
	if got := sink.values(); !slices.Equal(got, values) {
		t.Errorf("took over %q, want %q", got, values)
	}
}

func TestUplinksAreTakenOverOnceWithTheirOwnTime(t *testing.T) {
	one := uplink("a", "2026-08-20T11:00:00.123456789+02:00", `{"temperature":21.50,"moisture":31.4}`)
	sink := takeAll(t, lora(), one, one,
		uplink("b", "2026-08-20T11:10:00Z", `{"moisture":7,"temperature":null}`),
		uplink("c", "2026-08-20T11:20:00Z", `{"temperature":"warm"}`), // not a number: absent
		uplink("d", "2026-08-20T13:00:00Z", `{"temperature":1}`),      // the future
		uplink("e", "1970-01-01T00:00:10Z", `{"temperature":1}`),
		uplink("", "2026-08-20T11:30:00Z", `{"temperature":1}`),
		uplink("f", "yesterday", `{"temperature":1}`),
		strings.Replace(uplink("g", "2026-08-20T11:30:00Z", `{"temperature":1}`), "0101010101010101", "0202020202020202", 1),
		`{"deduplicationId":`, `[]`, ``, "\x00")
	want(t, sink, "soil-temperature=21.50 09:00:00.123", "soil-moisture=0.314 09:00:00.123", "soil-moisture=0.07 11:10:00.000")
	r := sink.readings[0]
	if r.Calibration.Foreign() != ChirpStack || r.At.Boot != (clock.BootID{}) || r.At.Uptime != 0 || r.At.State != clock.Synced {
		t.Errorf("reading %+v", r)
	}
}

func senmlFeed() Config {
	return Config{Name: "pond", Format: SenML, Broker: "mqtt://127.0.0.1:1", Topic: "field/+", Channels: []Channel{
		{ID: "water-temperature", Quantity: sensors.WaterTemperature, Field: "pond:t"},
		{ID: "water-conductivity", Quantity: sensors.WaterConductivity, Field: "pond:c"},
		{ID: "battery", Quantity: sensors.SupplyVoltage, Field: "pond:b", Unit: "mV", Scale: &sensors.Decimal{Mantissa: 1, Exponent: -3}},
	}}
}

// Base fields, times that are relative, units and their powers of ten (RFC 8428 sections 4.1 to 4.5).
func TestSenML(t *testing.T) {
	pack := `[{"bn":"pond:","bt":1787216400,"bu":"Cel","n":"t","v":17.30},{"n":"t","t":0.5,"v":17.4},
		{"n":"c","u":"S/m","v":0.042,"t":60},{"n":"b","u":"mV","v":3301},{"n":"t","vs":"wet"},{"n":"t","u":"K","v":290}]`
	want(t, takeAll(t, senmlFeed(), pack, pack),
		"water-temperature=17.30 09:00:00.000", "water-temperature=17.4 09:00:00.500", "water-conductivity=420 09:01:00.000", "battery=3.301 09:00:00.000")
	ago := `[{"n":"pond:t","u":"Cel","v":17.3,"t":-300}]`
	want(t, takeAll(t, senmlFeed(), ago, ago), "water-temperature=17.3 11:55:00.000", "water-temperature=17.3 11:55:00.000")
	want(t, takeAll(t, senmlFeed(), `[{"bn":"pond:","bv":20.5,"n":"t","u":"Cel","v":-0.25}]`), "water-temperature=20.25 12:00:00.000")
	want(t, takeAll(t, senmlFeed(), `[{"bver":11,"n":"pond:t","u":"Cel","v":1}]`, `[{"u":"Cel","v":1}]`, `{}`, `[{"n":"pond:t","u":"Cel","v":1,"t":1e99}]`))
}

func TestJSON(t *testing.T) {
	c := Config{Name: "yard", Format: JSON, Broker: "mqtt://127.0.0.1:1", Topic: "yard", Time: "at", TimeFormat: "unix_ms", Key: "id", Channels: []Channel{
		{ID: "air", Quantity: sensors.AirTemperature, Field: "bme.0.f", Scale: &sensors.Decimal{Mantissa: 5, Exponent: -1}, Offset: &sensors.Decimal{Mantissa: -160, Exponent: -1}},
	}}
	one := `{"id":7,"at":1787216400250,"bme":[{"f":70.5}]}`
	want(t, takeAll(t, c, one, one, `{"id":8,"bme":[{"f":1}]}`, `{"at":1787216400250,"bme":[{"f":1}]}`, one+`{}`), "air=19.25 09:00:00.250")
	c.Key, c.Time, c.TimeFormat = "", "", ""
	want(t, takeAll(t, c, one, one), "air=19.25 12:00:00.000", "air=19.25 12:00:00.000") // nothing says that these are one
	deep := strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50)
	want(t, takeAll(t, c, deep, `{"x":"`+strings.Repeat("x", maxMessage)+`"}`))
}

// What the broker kept is not news.
func TestRetainedAndEndlessMessagesAreRefused(t *testing.T) {
	f := newFeed(t, lora(), &collected{})
	queue := make(chan incoming, 1)
	f.receive(queue, uplinkTopic, []byte("x"), true)
	f.receive(queue, uplinkTopic, make([]byte, maxMessage+1), false)
	if len(queue) != 0 {
		t.Fatal("it was queued")
	}
	f.receive(queue, uplinkTopic, []byte("x"), false)
	f.receive(queue, uplinkTopic, []byte("y"), false) // no room: it must not wait
	if m := <-queue; string(m.payload) != "x" {
		t.Errorf("queued %q", m.payload)
	}
}

// While the gateway's clock is not set, the message's time stands, and the reading says that nobody could check it.
func TestAnUnsetClockTouchesNoTime(t *testing.T) {
	c := lora()
	rs, err := c.readings(Record{At: noon, Device: "0101010101010101", Fields: map[string]string{"object.temperature": "1"}}, clock.Instant{Wall: time.Unix(60, 0), State: clock.Unsynced, Uptime: time.Minute, Boot: clock.BootID{1}})
	if err != nil || len(rs) != 1 || !rs[0].At.Wall.Equal(noon) || rs[0].At.State != clock.Unsynced || rs[0].At.Boot != (clock.BootID{}) {
		t.Errorf("%+v, %v", rs, err)
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	d := func(m int64, e int8) *sensors.Decimal { return &sensors.Decimal{Mantissa: m, Exponent: e} }
	for _, c := range []struct {
		text          string
		scale, offset *sensors.Decimal
		want          string
	}{
		{"20.50", nil, nil, "20.50"}, {"-0", nil, nil, "0"}, {"+7", nil, nil, "7"}, {"1.5e2", nil, nil, "150"}, {"15e-1", nil, nil, "1.5"},
		{"21.299999999999997", nil, nil, "21.3"}, {"0.1234567891", nil, nil, "0.123456789"}, {"-0.9999999999", nil, nil, "-1"},
		{"70.5", d(5, -1), d(-160, -1), "19.25"}, {"3", d(1, 3), d(5, -1), "3000.5"}, {"0.0000000005", nil, nil, "0.000000001"},
		{"", nil, nil, ""}, {"NaN", nil, nil, ""}, {"0x10", nil, nil, ""}, {"1_000", nil, nil, ""}, {"99999999999999999999", nil, nil, ""}, {"9e99", nil, nil, ""}, {"1e999", nil, nil, ""}, {"1.", nil, nil, ""},
	} {
		got, err := convert(c.text, c.scale, c.offset)
		if (err != nil) != (c.want == "") || err == nil && got.String() != c.want || err != nil && !errors.Is(err, ErrMessage) {
			t.Errorf("%q: %s, %v; want %q", c.text, got, err, c.want)
		}
	}
}

func TestWrongConfigurationsSaySo(t *testing.T) {
	if err := lora().Validate(); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*Config){
		"name": func(c *Config) { c.Name = "My Feed" }, "format": func(c *Config) { c.Format = "xml" }, "broker": func(c *Config) { c.Broker = "" },
		"topic": func(c *Config) { c.Topic = "" }, "has its own": func(c *Config) { c.Time = "time" }, "key": func(c *Config) { c.Key = "id" },
		"csv feeds only": func(c *Config) { c.Path = "x.csv" }, "no [[feed.channel]]": func(c *Config) { c.Channels = nil },
		"scale 0":        func(c *Config) { c.Channels[0].Scale = &sensors.Decimal{} },
		"field":          func(c *Config) { c.Channels[0].Field = "" },
		"quantity":       func(c *Config) { c.Channels[0].Quantity = "mood" },
		"path":           func(c *Config) { c.Format = CSV },
		"time_zone":      func(c *Config) { c.Format, c.Time, c.TimeZone = JSON, "t", "Mars/Olympus" },
		"time_format":    func(c *Config) { c.Format, c.Time, c.TimeFormat = JSON, "t", "yyyy-mm-dd" },
		"time zone mean": func(c *Config) { c.Format, c.Time, c.TimeFormat = JSON, "t", "2006-01-02 15:04:05 MST" },
		"senml":          func(c *Config) { c.Channels[0].Unit = "Cel" },
		"decimal_comma":  func(c *Config) { c.Format, c.DecimalComma = CSV, true },
	} {
		c := lora()
		c.Channels = slices.Clone(c.Channels)
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(uplink("a", "2026-08-20T11:00:00Z", `{"temperature":21.50}`)))
	f.Add([]byte(`[{"bn":"pond:","bt":1787216400,"bu":"Cel","n":"t","v":17.30}]`))
	f.Add([]byte(`{"at":"2026-08-20 11:00","id":1,"object":{"temperature":1e5}}`))
	parsers := []Config{lora(), senmlFeed(), {Name: "j", Format: JSON, Time: "at", TimeFormat: "2006-01-02 15:04", TimeZone: "Europe/Berlin", Channels: lora().Channels}}
	now := clock.Instant{Wall: noon, State: clock.Synced}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, c := range parsers {
			parse, err := c.parser()
			if err != nil {
				t.Fatal(err)
			}
			m, err := parse(uplinkTopic, raw, noon)
			if err != nil {
				if !errors.Is(err, ErrMessage) {
					t.Fatalf("%s: %v is not ErrMessage", c.Format, err)
				}
				continue
			}
			for _, r := range m.Records {
				readings, _ := c.readings(r, now)
				for _, reading := range readings {
					if reading.Calibration.Foreign() != c.Format || reading.At.Wall.After(noon.Add(maxFuture)) || reading.At.Wall.Before(earliest()) {
						t.Fatalf("%s: %+v", c.Format, reading)
					}
				}
			}
		}
	})
}
