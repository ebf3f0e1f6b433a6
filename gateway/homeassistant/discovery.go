package homeassistant

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"loam/sensors"
)

// Device is the gateway as Home Assistant is to see it.
type Device struct {
	Community string
	Gateway   string
	Version   string
	Channels  []Channel
}

// Channel is one entity of the device.
type Channel struct {
	ID         sensors.Channel
	Quantity   sensors.Quantity // of its readings, not of the probe's samples
	Calibrated bool             // its readings carry a certificate
	Every      time.Duration    // between two readings, at most
}

const slack = 10 * time.Second // a probe's own time to answer, and the way

// fresh is how old a reading may be and still be what the channel says now: Home Assistant dates it when it arrives.
func (c Channel) fresh() time.Duration { return min(c.Every, time.Minute) + slack }

// expires is when Home Assistant gives up on a channel that says nothing: when three readings are missing.
func (c Channel) expires() time.Duration { return 3*c.Every + slack }

// objectID names the device. Names hold no "_", so no two gateways share one.
func (d Device) objectID() string { return "loam_" + d.Community + "_" + d.Gateway }

// topics are where everything goes. All are below the prefix, so one line of an ACL is enough.
type topics struct {
	home         string // where Home Assistant says that it is back
	config       string
	availability string
	state        func(sensors.Channel) string
}

func (d Device) topics(prefix string) topics {
	base := prefix + "/device/" + d.objectID()
	return topics{
		home: prefix + "/status", config: base + "/config", availability: base + "/availability",
		state: func(c sensors.Channel) string { return base + "/" + string(c) + "/state" },
	}
}

// The payload of discovery, with the abbreviated keys that Home Assistant documents.
type (
	discovery struct {
		Device       deviceInfo           `json:"dev"`
		Origin       origin               `json:"o"`
		Availability string               `json:"avty_t"`
		Components   map[string]component `json:"cmps"`
	}
	deviceInfo struct {
		IDs          []string `json:"ids"`
		Name         string   `json:"name"`
		Manufacturer string   `json:"mf"`
		Model        string   `json:"mdl"`
		Software     string   `json:"sw"`
	}
	origin struct {
		Name     string `json:"name"`
		Software string `json:"sw"`
	}
	component struct {
		Platform    string `json:"p"`
		UniqueID    string `json:"uniq_id"`
		Name        string `json:"name"`
		DeviceClass string `json:"dev_cla,omitempty"`
		Unit        string `json:"unit_of_meas,omitempty"`
		StateClass  string `json:"stat_cla,omitempty"`
		Places      int    `json:"suggested_display_precision"`
		State       string `json:"stat_t"`
		Value       string `json:"val_tpl"`
		Attributes  string `json:"json_attr_t"`
		Expires     int    `json:"exp_aft"`
	}
)

// discovery is the payload. Every channel has a state topic of its own: Home Assistant starts the time of expiry anew
// with each message on the topic, whatever its template makes of it, and a shared one would keep a dead probe alive.
func (d Device) discovery(t topics) ([]byte, error) {
	out := discovery{
		Device:       deviceInfo{IDs: []string{d.objectID()}, Name: d.Gateway, Manufacturer: "loam", Model: "loam gateway", Software: d.Version},
		Origin:       origin{Name: "loam", Software: d.Version},
		Availability: t.availability,
		Components:   map[string]component{},
	}
	for _, c := range d.Channels {
		s, err := lookup(c.Quantity)
		if err != nil {
			return nil, err
		}
		out.Components[string(c.ID)] = c.component(d.objectID(), t.state(c.ID), s)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("home_assistant: discovery: %w", err)
	}
	return raw, nil
}

func (c Channel) component(object, topic string, s shown) component {
	out := component{
		Platform: "sensor", UniqueID: object + "_" + string(c.ID), Name: c.title(),
		DeviceClass: s.class, Unit: s.unit, Places: s.places(),
		State: topic, Value: "{{ value_json.value }}", Attributes: topic,
		Expires: int((c.expires() + time.Second - 1) / time.Second),
	}
	if !s.moment {
		out.StateClass = "measurement"
	}
	return out
}

// title is the channel's name for people. That nobody calibrated it stands where they cannot overlook it.
func (c Channel) title() string {
	title := strings.ReplaceAll(string(c.ID), "-", " ")
	if !c.Calibrated {
		title += " (not calibrated)"
	}
	return title
}
