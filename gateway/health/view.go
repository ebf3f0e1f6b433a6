package health

import (
	"time"

	"loam/gateway/sampler"
	"loam/sensors"
	"loam/sensors/clock"
)

// ProbeView is a probe as a status page shows it.
type ProbeView struct {
	Probe    string        `json:"probe"`
	Bus      string        `json:"bus"`
	State    State         `json:"state"`
	LastGood *time.Time    `json:"last_good,omitempty"` // absent: none since the gateway started
	Failing  *time.Time    `json:"failing_since,omitempty"`
	Failures uint64        `json:"failures"` // in a row
	Error    string        `json:"error,omitempty"`
	Channels []ChannelView `json:"channels"`
}

// ChannelView is a channel as a status page shows it.
type ChannelView struct {
	Channel  sensors.Channel  `json:"channel"`
	State    State            `json:"state"`
	Quantity sensors.Quantity `json:"quantity"`            // of the value
	Value    *sensors.Decimal `json:"value,omitempty"`     // absent: none since the gateway started
	At       *time.Time       `json:"at,omitempty"`        // of the value
	Same     *time.Time       `json:"raw_since,omitempty"` // since when the probe has been saying the same
}

// View shows how each probe is doing.
func (r Rhythm) View(statuses []sampler.Status) []ProbeView {
	views := []ProbeView{}
	for _, s := range statuses {
		v := ProbeView{
			Probe: s.Probe, Bus: s.Bus, State: r.ProbeState(s), Failures: s.Failures,
			LastGood: wall(s.Good), Failing: wall(s.Failing), Channels: []ChannelView{},
		}
		if s.Err != nil {
			v.Error = said(s.Err)
		}
		for _, c := range s.Channels {
			cv := ChannelView{Channel: c.Channel, State: r.ChannelState(s, c), Quantity: c.Quantity}
			if c.Repeats > 0 {
				cv.Quantity, cv.Value, cv.At, cv.Same = c.Last.Quantity, &c.Last.Value, wall(c.Last.At), wall(c.Same)
			}
			v.Channels = append(v.Channels, cv)
		}
		views = append(views, v)
	}
	return views
}

// wall is when something was by the wall clock of that moment; nil where it has not been.
func wall(at clock.Instant) *time.Time {
	if at == (clock.Instant{}) {
		return nil
	}
	t := at.Wall.UTC()
	return &t
}
