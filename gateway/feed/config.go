package feed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"loam/internal/config"
	"loam/internal/name"
	"loam/sensors"
)

// The formats a feed can have. They are also what a method accepts by name.
const (
	ChirpStack = "chirpstack" // uplink events of ChirpStack v4, as JSON
	SenML      = "senml"      // RFC 8428, as JSON
	JSON       = "json"       // any JSON object
	CSV        = "csv"        // a file that a logger writes
)

// Config is one [[feed]] of a gateway.
type Config struct {
	Name   string `toml:"name"`
	Format string `toml:"format"`

	// Where messages come from.
	Broker       string `toml:"broker"` // mqtt://host[:1883] or mqtts://host[:8883]
	CAFile       string `toml:"ca_file"`
	Username     string `toml:"username"`
	PasswordFile string `toml:"password_file"`
	Topic        string `toml:"topic"` // an MQTT filter

	// Where lines come from.
	Path         string          `toml:"path"`
	Every        config.Duration `toml:"every"`         // between two looks at the file (default 1 min)
	Separator    string          `toml:"separator"`     // default ","
	DecimalComma bool            `toml:"decimal_comma"` // 21,5 is 21.5

	// What the fields of JSON and CSV mean.
	Time       string `toml:"time"`        // field with the time
	TimeFormat string `toml:"time_format"` // "rfc3339" (default), "unix", "unix_ms", or 2 January 2006 15:04:05 written that way
	TimeZone   string `toml:"time_zone"`   // of times that name none, e.g. "Europe/Berlin" (default UTC)
	Key        string `toml:"key"`         // field that is the same when a message comes twice; JSON only

	Channels []Channel `toml:"channel"`
}

// Channel says which field is which quantity.
type Channel struct {
	ID       sensors.Channel  `toml:"id"`
	Quantity sensors.Quantity `toml:"quantity"`
	Field    string           `toml:"field"`
	Device   string           `toml:"device"` // of this device only (ChirpStack: its devEui); empty: of any
	Unit     string           `toml:"unit"`   // SenML only: the unit it comes in; empty: the quantity's own in SenML
	// value = Scale × field + Offset, to bring it into the unit of Quantity.
	Scale  *sensors.Decimal `toml:"scale"`
	Offset *sensors.Decimal `toml:"offset"`
}

// Validate says everything that is wrong with the configuration.
func (c Config) Validate() error {
	var p config.Problems
	p.Check(name.Valid(c.Name), "name %q: %s", c.Name, name.Rule)
	formats := []string{ChirpStack, SenML, JSON, CSV}
	p.Check(slices.Contains(formats, c.Format), "format %q: use one of %q", c.Format, formats)
	if c.Format == CSV {
		c.checkFile(&p)
	} else {
		c.checkBroker(&p)
	}
	timed := c.Format == CSV || c.Format == JSON
	p.Check(timed || c.Time+c.TimeFormat+c.TimeZone == "", "time, time_format, time_zone: a %s message has its own", c.Format)
	p.Check(c.Time != "" || c.TimeFormat+c.TimeZone == "", "time_format and time_zone need time, the field they are about")
	p.Check(c.Key == "" || c.Format == JSON, "key: only a json feed needs to be told")
	_, err := newTimes(c)
	p.Add(err)
	c.checkChannels(&p)
	return p.Err()
}

func (c Config) checkFile(p *config.Problems) {
	p.Check(c.Path != "", "path is missing: name the file that the logger writes")
	p.Check(c.Time != "", "time is missing: name the column with the time of the reading")
	p.Check(c.Every >= 0, "every %s: more than 0", time.Duration(c.Every))
	p.Check(c.Broker+c.Topic+c.Username+c.PasswordFile+c.CAFile == "", "a csv feed has a path, and no broker")
	p.Check(len(c.separator()) == 1 && !strings.ContainsAny(c.separator(), "\"\r\n.+-0123456789"), "separator %q: use one character such as \",\", \";\" or \"\\t\"", c.Separator)
	p.Check(!c.DecimalComma || c.separator() != ",", "decimal_comma with a comma as separator: say which, e.g. separator = \";\"")
}

func (c Config) checkBroker(p *config.Problems) {
	p.Check(c.Broker != "", "broker is missing: give mqtt://host:1883 or mqtts://host:8883")
	p.Check(c.Topic != "" && len(c.Topic) <= 1024, "topic is missing: give the filter to subscribe to, e.g. \"application/+/device/+/event/up\"")
	p.Check(c.Path+c.Separator == "" && !c.DecimalComma && c.Every == 0, "path, every, separator and decimal_comma are for csv feeds only")
}

func (c Config) checkChannels(p *config.Problems) {
	p.Check(len(c.Channels) > 0, "no [[feed.channel]]: nothing it says would be kept")
	for _, ch := range c.Channels {
		say := func(ok bool, format string, args ...any) {
			p.Check(ok, "channel %q: %w", ch.ID, fmt.Errorf(format, args...))
		}
		p.Add(ch.ID.Validate())
		_, err := ch.Quantity.Kind()
		say(err == nil, "%w", err)
		say(ch.Field != "", "field is missing: name what is its value, e.g. \"object.temperature\"")
		say(ch.Scale == nil || ch.Scale.Mantissa != 0, "scale 0 makes every value the same")
		say(ch.Device == "" || c.Format == ChirpStack, "device: only chirpstack messages say which device they are from")
		say(ch.Unit == "" || c.Format == SenML, "unit: only senml messages have one; use scale and offset")
	}
}

func (c Config) separator() string {
	if c.Separator == "" {
		return ","
	}
	return c.Separator
}

// times reads the times of a feed.
type times struct {
	layout string
	zone   *time.Location
}

func newTimes(c Config) (times, error) {
	t := times{layout: c.TimeFormat, zone: time.UTC}
	if c.TimeZone != "" {
		zone, err := time.LoadLocation(c.TimeZone)
		if err != nil || c.TimeZone == "Local" {
			return t, fmt.Errorf("time_zone %q: use a name such as \"Europe/Berlin\"", c.TimeZone)
		}
		t.zone = zone
	}
	switch t.layout {
	case "", "rfc3339":
		t.layout = time.RFC3339
	case unixSeconds, unixMillis:
	default:
		if strings.Contains(t.layout, "MST") {
			return t, errors.New("time_format: letters for a time zone mean different zones to different people: leave them out and say time_zone")
		}
		probe := time.Date(2026, 11, 23, 17, 48, 0, 0, time.UTC)
		if back, err := time.Parse(t.layout, probe.Format(t.layout)); err != nil || !back.Equal(probe) {
			return t, errors.New("time_format: write 2 January 2006 15:04:05 as the source writes times, e.g. \"2006-01-02 15:04\"")
		}
	}
	return t, nil
}

const (
	unixSeconds = "unix"
	unixMillis  = "unix_ms"
)

// parse reads a time. A local time that the clocks pass twice, or never, when they are changed is refused: a wrong hour is
// worse than none.
func (t times) parse(text string) (time.Time, error) {
	switch t.layout {
	case unixSeconds:
		return unixTime(text, 1000)
	case unixMillis:
		return unixTime(text, 1)
	}
	at, err := time.ParseInLocation(t.layout, text, t.zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: time %.64q is not written like %q", ErrMessage, text, t.layout)
	}
	if !zoned(t.layout) && t.zone != time.UTC {
		const wall = "2006-01-02 15:04:05"
		naive, err := time.Parse(t.layout, text)
		if err == nil && naive.Format(wall) != at.Format(wall) {
			return time.Time{}, fmt.Errorf("%w: time %.64q does not exist in %s: clocks were put forward", ErrMessage, text, t.zone)
		}
		for _, d := range []time.Duration{-time.Hour, time.Hour} {
			if at.Add(d).Format(wall) == at.Format(wall) {
				return time.Time{}, fmt.Errorf("%w: time %.64q happens twice in %s: let the logger keep UTC", ErrMessage, text, t.zone)
			}
		}
	}
	return at.UTC(), nil
}

// zoned says whether times written so say how far from UTC they are.
func zoned(layout string) bool {
	return strings.Contains(layout, "Z07") || strings.Contains(layout, "-07")
}

// unixTime reads a number of which each stands for millis milliseconds.
func unixTime(text string, millis int64) (time.Time, error) {
	d, err := convert(text, &sensors.Decimal{Mantissa: millis}, nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("time: %w", err)
	}
	ms, err := whole(d)
	if err != nil || ms < -maxUnix || ms > maxUnix {
		return time.Time{}, fmt.Errorf("%w: time %.64q is no Unix time", ErrMessage, text)
	}
	return time.UnixMilli(ms).UTC(), nil
}

// maxUnix is the year 9999, in milliseconds.
const maxUnix = 253_402_300_799_999
