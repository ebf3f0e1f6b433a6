package clock

import (
	"context"
	"sync"
	"time"
)

// Source is somebody who knows whether an outside reference disciplines the machine's clock, where the kernel has not
// been told: [Chrony], [Timesyncd], or a GNSS receiver's driver that sets the clock itself.
type Source interface {
	// Disciplined says whether the clock is being kept right. An error means that it could not be asked.
	Disciplined(ctx context.Context) (bool, error)
}

// Bounds of asking, so that a sample never waits for a daemon.
const (
	askTimeout = 200 * time.Millisecond
	askEvery   = 10 * time.Second // of uptime
)

// witnesses asks sources, and remembers what they said.
type witnesses struct {
	sources []Source

	mu    sync.Mutex
	asked time.Duration // uptime
	ever  bool          // asked at all
	yes   bool
}

// vouch says whether any source vouches for the clock. Whoever comes while another asks gets the answer from before.
func (w *witnesses) vouch(uptime time.Duration) bool {
	if len(w.sources) == 0 || !w.mu.TryLock() {
		return false
	}
	defer w.mu.Unlock()
	if w.ever && uptime-w.asked < askEvery {
		return w.yes
	}
	w.ever, w.asked, w.yes = true, uptime, false
	for _, s := range w.sources {
		ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
		yes, err := s.Disciplined(ctx)
		cancel()
		if err == nil && yes {
			w.yes = true
			break
		}
	}
	return w.yes
}
