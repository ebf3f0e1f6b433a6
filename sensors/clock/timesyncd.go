package clock

import (
	"context"
	"fmt"
	"os"
	"time"
)

// TimesyncdFile is touched by systemd-timesyncd at each successful synchronisation, and lost with each boot
// (systemd-timesyncd.service(8)).
const TimesyncdFile = "/run/systemd/timesync/synchronized"

// timesyncdMemory is how long one synchronisation is believed: three of timesyncd's longest polling intervals (2048 s).
// The file stays when the server is lost, so that it is there says little.
const timesyncdMemory = 3 * 2048 * time.Second

// Timesyncd asks systemd-timesyncd, by the age of the file it touches.
type Timesyncd struct {
	Path string           // empty: [TimesyncdFile]
	Now  func() time.Time // nil: the machine's clock, which is also what dates the file
}

// Disciplined implements [Source].
func (t Timesyncd) Disciplined(context.Context) (bool, error) {
	path, now := t.Path, t.Now
	if path == "" {
		path = TimesyncdFile
	}
	if now == nil {
		now = time.Now
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("clock: systemd-timesyncd: %w", err)
	}
	age := now().Sub(info.ModTime())
	return age > -time.Second && age < timesyncdMemory, nil
}
