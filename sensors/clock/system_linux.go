package clock

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// System is the machine's own clock. Whether it is synchronised comes from the kernel (adjtimex, STA_UNSYNC), not from
// whether the time looks plausible: timesyncd restores the last saved time at boot.
type System struct{ boot BootID }

// NewSystem reads the boot id and returns the machine's clock. Where the kernel has no boot id, a random one stands for
// the life of this process.
func NewSystem() (*System, error) {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err == nil {
		id, err := ParseBootID(string(raw))
		if err != nil {
			return nil, err
		}
		return &System{boot: id}, nil
	}
	var id BootID
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("clock: no boot id and no randomness: %w", err)
	}
	return &System{boot: id}, nil
}

// Now implements [Clock].
func (s *System) Now() Instant {
	at := Instant{Wall: time.Now().UTC().Truncate(time.Millisecond), Boot: s.boot, State: Unknown}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err == nil {
		at.Uptime = time.Duration(up.Nano())
	}
	var tx unix.Timex
	if state, err := unix.Adjtimex(&tx); err == nil {
		at.State = Synced
		if state == unix.TIME_ERROR || tx.Status&unix.STA_UNSYNC != 0 {
			at.State = Unsynced
		}
	}
	return at
}

// Sleep implements [Clock].
func (s *System) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
