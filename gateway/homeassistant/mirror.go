// Package homeassistant shows a gateway's readings in Home Assistant while they are new, by MQTT discovery.
//
// It is a mirror and no way for readings: nothing of it is kept, and nothing waits for it. Home Assistant dates a state
// when it arrives and cannot be told otherwise, so neither a backlog nor a retained state may ever reach it: each would
// be a history that never was. What cannot be shown at once is dropped and counted.
//
// Read in this order: discovery.go (the device), entity.go (quantities), state.go (a value), mirror.go (the connection).
//
// Source: home-assistant.io/integrations/mqtt ("Device discovery payload", "Birth and last will messages") and
// home-assistant.io/integrations/sensor.mqtt.
package homeassistant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"loam/internal/mqttlink"
	"loam/sensors"
	"loam/sensors/clock"
)

const (
	longestPause = 5 * time.Minute // between two attempts to reach a broker that nothing depends on
	farewell     = 2 * time.Second // a broker may hold up the end of the gateway so long
)

// What becomes of a reading, as it is counted.
const (
	resultShown     = "shown"
	resultWithheld  = "withheld"  // not what its entity promises
	resultLate      = "late"      // no longer what the channel says now
	resultDisplaced = "displaced" // a newer one came before it could be shown
	resultFailed    = "failed"    // the broker did not take it
)

// Mirror is safe for concurrent use.
type Mirror struct {
	link     *mqttlink.Link
	log      *slog.Logger
	now      func() clock.Instant
	topics   topics
	payload  []byte // of discovery
	channels []mirrored
	index    map[sensors.Channel]int
	results  *prometheus.CounterVec
	wake     chan struct{}

	mu   sync.Mutex
	next map[sensors.Channel]sensors.Reading // one place for each channel, so it is bounded
}

type mirrored struct {
	Channel
	shown
}

// New checks the configuration and connects to nothing yet. reg may be nil.
func New(cfg Config, d Device, now func() clock.Instant, log *slog.Logger, reg prometheus.Registerer) (*Mirror, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Mirror{
		log: log.With("mirror", "home_assistant"), now: now, topics: d.topics(cfg.prefix()),
		index: map[sensors.Channel]int{}, next: map[sensors.Channel]sensors.Reading{}, wake: make(chan struct{}, 1),
		results: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "loam_homeassistant_readings_total", Help: "Readings by what became of them: shown, withheld, late, displaced or failed.",
			ConstLabels: prometheus.Labels{"gateway": d.Gateway},
		}, []string{"result"}),
	}
	for i, c := range d.Channels {
		s, err := lookup(c.Quantity)
		if err != nil {
			return nil, err
		}
		m.channels, m.index[c.ID] = append(m.channels, mirrored{c, s}), i
	}
	var err error
	if m.payload, err = d.discovery(m.topics); err != nil {
		return nil, err
	}
	l, err := cfg.link(d.objectID())
	if err != nil {
		return nil, err
	}
	l.Log = m.log
	l.Will = func() *mqttlink.Message {
		return &mqttlink.Message{Topic: m.topics.availability, Payload: offline, Retained: true}
	}
	if m.link, err = mqttlink.New(l); err != nil {
		return nil, fmt.Errorf("home_assistant: %w: %w", ErrConfig, err)
	}
	return m, nil
}

// The words of availability, which are Home Assistant's defaults.
var online, offline = []byte("online"), []byte("offline")

// Show takes new readings. It waits for nobody.
func (m *Mirror) Show(readings []sensors.Reading) {
	now := m.now()
	m.mu.Lock()
	for _, r := range readings {
		m.take(r, now)
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default: // it is awake
	}
}

// take puts a reading in its channel's place, or says why not. It is called under the lock.
func (m *Mirror) take(r sensors.Reading, now clock.Instant) {
	i, known := m.index[r.Channel]
	if !known {
		return
	}
	before, waiting := m.next[r.Channel]
	switch c := m.channels[i]; {
	case !c.honest(r, c.shown):
		m.count(resultWithheld)
	case !c.live(r, now) || waiting && before.At.Boot == r.At.Boot && before.At.Uptime > r.At.Uptime:
		m.count(resultLate)
	default:
		if waiting {
			m.count(resultDisplaced)
		}
		m.next[r.Channel] = r
	}
}

// live says whether a reading is what its channel says now. Ages are differences of uptime: the clock may have been set.
func (c Channel) live(r sensors.Reading, now clock.Instant) bool {
	return r.At.Boot == now.Boot && now.Uptime-r.At.Uptime <= c.fresh()
}

func (m *Mirror) count(result string) { m.results.WithLabelValues(result).Inc() }

// Run keeps the device in Home Assistant until ctx ends. It ends with nothing else.
func (m *Mirror) Run(ctx context.Context) error { return m.link.Run(ctx, m.serve) }

// serve is one connection, with a goodbye where there is somebody to hear it: a will is only for those who cannot.
func (m *Mirror) serve(ctx context.Context, s *mqttlink.Session) error {
	err := m.converse(ctx, s)
	if errors.Is(context.Cause(ctx), mqttlink.ErrLost) {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	return errors.Join(err, s.Publish(last, mqttlink.Message{Topic: m.topics.availability, Payload: offline, Retained: true}))
}

// converse shows what comes. A Home Assistant that was away is told again of the device: its broker may have kept nothing.
func (m *Mirror) converse(ctx context.Context, s *mqttlink.Session) error {
	born := make(chan struct{}, 1)
	err := s.Subscribe(ctx, func(_ string, payload []byte, retained bool) {
		if string(payload) == string(online) && !retained {
			select {
			case born <- struct{}{}:
			default: // it will be told anyway
			}
		}
	}, m.topics.home)
	if err != nil {
		return err
	}
	if err := m.announce(ctx, s); err != nil {
		return err
	}
	for {
		if err := m.send(ctx, s); err != nil {
			return err
		}
		select {
		case <-m.wake:
		case <-born:
			if err := m.announce(ctx, s); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// announce describes the device, and then says that it is there.
func (m *Mirror) announce(ctx context.Context, s *mqttlink.Session) error {
	if err := s.Publish(ctx, mqttlink.Message{Topic: m.topics.config, Payload: m.payload, Retained: true}); err != nil {
		return err
	}
	return s.Publish(ctx, mqttlink.Message{Topic: m.topics.availability, Payload: online, Retained: true})
}

// send shows what is waiting and is still new.
func (m *Mirror) send(ctx context.Context, s *mqttlink.Session) error {
	for _, c := range m.channels {
		r, waiting := m.pick(c.ID)
		if !waiting {
			continue
		}
		if !c.live(r, m.now()) {
			m.count(resultLate)
			continue
		}
		payload, err := c.shown.state(r)
		if err != nil {
			m.count(resultWithheld)
			m.log.Warn("a reading cannot be shown", "error", err)
			continue
		}
		if err := s.Publish(ctx, mqttlink.Message{Topic: m.topics.state(c.ID), Payload: payload}); err != nil {
			m.count(resultFailed)
			return err
		}
		m.count(resultShown)
	}
	return nil
}

// pick takes what waits in a channel's place.
func (m *Mirror) pick(id sensors.Channel) (sensors.Reading, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, waiting := m.next[id]
	delete(m.next, id)
	return r, waiting
}
