package homeassistant

import (
	"encoding/json"
	"fmt"
	"time"

	"loam/sensors"
)

// state is what is said of one channel. Everything but the value becomes an attribute.
type state struct {
	Value       json.Number `json:"value"`
	Measured    string      `json:"measured_at,omitempty"` // absent where the clock was not set
	Calibration string      `json:"calibration,omitempty"`
	Due         string      `json:"calibration_due,omitempty"`
}

func (s shown) state(r sensors.Reading) ([]byte, error) {
	v, err := s.convert(r.Value)
	if err != nil {
		return nil, fmt.Errorf("home_assistant: channel %s: %w", r.Channel, err)
	}
	out := state{Value: json.Number(v.String()), Calibration: r.Calibration.ID}
	if r.At.State.Dated() {
		out.Measured = r.At.Wall.UTC().Format(time.RFC3339)
	}
	if !r.Calibration.Due.IsZero() {
		out.Due = r.Calibration.Due.Format(time.DateOnly)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("home_assistant: channel %s: %w", r.Channel, err)
	}
	return raw, nil
}

// honest says whether a reading is what its entity promises: of that quantity, possible, and with a certificate where the
// entity does not say that it has none.
func (c Channel) honest(r sensors.Reading, s shown) bool {
	return r.Quantity == c.Quantity && s.possible(r.Value) && (r.Calibration.ID != "" || !c.Calibrated)
}
