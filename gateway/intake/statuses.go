package intake

import (
	"maps"
	"sync"
	"time"

	"loam/gateway/uplink"
)

// GatewayStatus is what a gateway said of itself, or the broker of it.
type GatewayStatus struct {
	Online bool
	// Since is when that began: as the gateway says where it does, else when the hub heard.
	Since time.Time
	// Heard is when the hub heard last.
	Heard time.Time
	// Report is the gateway's own words. A last will has no time and no spool; then Spool is what was said before.
	Report uplink.Report
}

// statuses keeps the last word of each gateway.
type statuses struct {
	now func() time.Time

	mu sync.Mutex
	by map[string]GatewayStatus
}

// maxStatuses bounds what strangers can make a hub remember, on a broker that lets them publish.
const maxStatuses = 10_000

// heard takes in what came on a gateway's status topic.
func (s *statuses) heard(gateway string, payload []byte) error {
	r, err := uplink.ParseReport(payload)
	if err != nil {
		return err
	}
	if r.Gateway != gateway {
		return uplink.ErrReport
	}
	now := s.now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.by[gateway]
	if !known && len(s.by) >= maxStatuses {
		return uplink.ErrReport
	}
	next := GatewayStatus{Online: r.State == uplink.Online, Heard: now, Report: r}
	switch {
	case !next.Online && known && r.Since.Before(before.Report.Since):
		return nil // the last will of a connection that has been replaced since
	case next.Online:
		next.Since = r.Since
	case known && !before.Online:
		next.Since = before.Since
	case r.Time != nil:
		next.Since = *r.Time
	default:
		next.Since = now
	}
	if next.Report.Spool == nil {
		next.Report.Spool = before.Report.Spool
	}
	s.by[gateway] = next
	return nil
}

func (s *statuses) all() map[string]GatewayStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.by)
}
