package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/internal/mqttlink"
	"loam/sensors"
	"loam/sensors/clock"
)

// Feed takes over what one other system says.
type Feed struct {
	cfg   Config
	sink  Sink
	clock clock.Clock
	log   *slog.Logger
	meter meter
	link  *mqttlink.Link // nil: it reads a file
	parse func(topic string, payload []byte, now time.Time) (Message, error)
}

type meter struct{ readings, refused, again, lost prometheus.Counter }

// NewMetrics returns what all feeds of a gateway count with. reg may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	vec := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"feed"})
		if reg != nil {
			reg.MustRegister(v)
		}
		return v
	}
	return &Metrics{
		readings: vec("loam_feed_readings_total", "Readings taken over."),
		refused:  vec("loam_feed_refused_total", "Messages and lines that could not be taken over, or not wholly."),
		again:    vec("loam_feed_duplicates_total", "Messages that had been taken over before."),
		lost:     vec("loam_feed_lost_total", "Messages given up because the spool refused readings for too long."),
	}
}

// Metrics is the counters of all feeds.
type Metrics struct{ readings, refused, again, lost *prometheus.CounterVec }

func (m *Metrics) of(name string) meter {
	return meter{m.readings.WithLabelValues(name), m.refused.WithLabelValues(name), m.again.WithLabelValues(name), m.lost.WithLabelValues(name)}
}

// New prepares a feed. Nothing is connected or read until Run.
func New(c Config, sink Sink, clk clock.Clock, log *slog.Logger, m *Metrics) (*Feed, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("feed %s: %w", c.Name, err)
	}
	f := &Feed{cfg: c, sink: sink, clock: clk, log: log.With("feed", c.Name), meter: m.of(c.Name)}
	if c.Format == CSV {
		return f, nil
	}
	var err error
	if f.parse, err = c.parser(); err != nil {
		return nil, fmt.Errorf("feed %s: %w", c.Name, err)
	}
	link := mqttlink.Config{Broker: c.Broker, CAFile: c.CAFile, Username: c.Username, ClientID: "loam-feed-" + c.Name, Log: f.log}
	if c.PasswordFile != "" {
		if link.Password, err = mqttlink.ReadPassword(c.PasswordFile); err != nil {
			return nil, fmt.Errorf("feed %s: %w", c.Name, err)
		}
	}
	if f.link, err = mqttlink.New(link); err != nil {
		return nil, fmt.Errorf("feed %s: %w", c.Name, err)
	}
	return f, nil
}

// parser returns how messages of the feed are read.
func (c Config) parser() (func(topic string, payload []byte, now time.Time) (Message, error), error) {
	switch c.Format {
	case ChirpStack:
		return func(topic string, payload []byte, _ time.Time) (Message, error) {
			m, err := parseChirpStack(payload)
			if err == nil {
				err = checkDevice(topic, m.Records[0].Device)
			}
			return m, err
		}, nil
	case SenML:
		return onTopic(parseSenML), nil
	}
	parse, err := jsonParser(c)
	return onTopic(func(payload []byte, _ time.Time) (Message, error) { return parse(payload) }), err
}

// onTopic makes keys those of a topic: two devices may count their messages alike.
func onTopic(parse func([]byte, time.Time) (Message, error)) func(string, []byte, time.Time) (Message, error) {
	return func(topic string, payload []byte, now time.Time) (Message, error) {
		m, err := parse(payload, now)
		if m.Key != "" {
			m.Key = topic + "\n" + m.Key
		}
		return m, err
	}
}

// checkDevice holds an uplink against its topic, application/…/device/DEV_EUI/event/up: a broker may let a device write its
// own topics only.
func checkDevice(topic, device string) error {
	parts := strings.Split(topic, "/")
	for i := 0; i+2 < len(parts); i++ {
		if parts[i] == "device" && parts[i+2] == "event" && !strings.EqualFold(parts[i+1], device) {
			return fmt.Errorf("%w: it is in the name of device %.32q, on the topic of %.32q", ErrMessage, device, parts[i+1])
		}
	}
	return nil
}

// Run takes over until ctx ends, and returns its error.
func (f *Feed) Run(ctx context.Context) error {
	if f.link == nil {
		return f.readFile(ctx)
	}
	return f.listen(ctx)
}

// keep is tried until it succeeds: a spool that is full now has room when the hub has answered. It is given up only with
// ctx, or where the readings themselves are refused.
func (f *Feed) keep(ctx context.Context, try func() error) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := try()
		if err == nil || ctx.Err() != nil {
			return err
		}
		f.log.Error("readings could not be kept; trying again", "error", err, "in", wait)
		if err := f.clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// source is under which name the sink knows the feed.
func (f *Feed) source() string { return f.cfg.Name }

// refuse says what was wrong with a message or a line.
func (f *Feed) refuse(what string, err error) {
	f.meter.refused.Inc()
	f.log.Warn("not taken over", "from", what, "error", err)
}

// readings makes the readings of a message's records.
func (f *Feed) readings(records []Record, now clock.Instant) ([]sensors.Reading, error) {
	var all []sensors.Reading
	var errs []error
	for _, r := range records {
		readings, err := f.cfg.readings(r, now)
		all, errs = append(all, readings...), append(errs, err)
	}
	return all, errors.Join(errs...)
}
