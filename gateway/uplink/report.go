package uplink

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The states a gateway reports.
const (
	Online  = "online"
	Offline = "offline" // said by the gateway itself when it stops, or by the broker, as its last will, when it is lost
)

// Report is what a gateway says of itself, retained on its status topic.
type Report struct {
	Gateway string     `json:"gateway"`
	State   string     `json:"state"`          // Online or Offline
	Since   time.Time  `json:"since"`          // when the connection was made, by the gateway's clock; tells an old last will from a new one
	Time    *time.Time `json:"time,omitempty"` // when this was said; absent in a last will
	Spool   *Waiting   `json:"spool,omitempty"`
}

// Waiting is what the gateway has not got receipts for.
type Waiting struct {
	Unsealed int        `json:"unsealed"` // readings not yet in a batch
	Batches  int        `json:"batches"`
	Readings int        `json:"readings"`
	Bytes    int64      `json:"bytes"`
	Oldest   *time.Time `json:"oldest,omitempty"`
	Thinned  *Thinned   `json:"thinned,omitempty"`
}

// Thinned is what had to make room in the gateway's spool since it was made. The batches that stand in its place say so
// themselves; this is for who looks after the gateway.
type Thinned struct {
	Batches  int       `json:"batches"`
	Readings int       `json:"readings"` // that were in them
	Kept     int       `json:"kept"`     // of those
	From     time.Time `json:"from"`     // when they were taken
	To       time.Time `json:"to"`
}

// maxReport is more than any report needs.
const maxReport = 4 << 10

// ErrReport is wrapped by every refusal of [ParseReport].
var ErrReport = errors.New("not a gateway's report")

// ParseReport reads what a gateway published. Fields it does not know are passed over, as a newer gateway may send them.
func ParseReport(raw []byte) (Report, error) {
	if len(raw) > maxReport {
		return Report{}, fmt.Errorf("uplink: %w: %d bytes", ErrReport, len(raw))
	}
	var r Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return Report{}, fmt.Errorf("uplink: %w: %w", ErrReport, err)
	}
	if r.State != Online && r.State != Offline {
		return Report{}, fmt.Errorf("uplink: %w: state %q", ErrReport, r.State)
	}
	return r, nil
}

// Encode is the report as it travels.
func (r Report) Encode() ([]byte, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("uplink: write a report: %w", err)
	}
	return raw, nil
}
