package clock

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// System is the machine's own clock. Whether it is synchronised comes from the kernel (adjtimex, STA_UNSYNC), or from a
// [Source] where the kernel was not told; never from whether the time looks plausible: timesyncd restores the last saved
// time at boot.
type System struct {
	boot      BootID
	witnesses witnesses
}

// NewSystem reads the boot id and returns the machine's clock; sources are asked while the kernel says that it is not
// synchronised. Where the kernel has no boot id, a random one stands for the life of this process.
func NewSystem(sources ...Source) (*System, error) {
	s := &System{witnesses: witnesses{sources: sources}}
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err == nil {
		s.boot, err = ParseBootID(string(raw))
		return s, err
	}
	if _, err := rand.Read(s.boot[:]); err != nil {
		return nil, fmt.Errorf("clock: no boot id and no randomness: %w", err)
	}
	return s, nil
}

// Now implements [Clock].
func (s *System) Now() Instant {
	at := s.look()
	if at.State != Synced && s.witnesses.vouch(at.Uptime) {
		at = s.look() // the clock may have been set while it was asked for
		at.State = Synced
	}
	return at
}

// tightness is how far apart the looks at uptime before and after the look at the wall clock may be: a process that is
// put aside in between would tie the wall to another moment's uptime.
const tightness = 200 * time.Microsecond

// look reads wall clock and status in one call, so that a clock which is set at this moment is never called synchronised
// with the time from before.
func (s *System) look() Instant {
	at := Instant{Boot: s.boot}
	for range 5 {
		before := uptime()
		at.Wall, at.State = kernel()
		after := uptime()
		at.Uptime = before + (after-before)/2
		if after-before < tightness {
			break
		}
	}
	return at
}

// kernel returns the wall clock and what the kernel says of it.
func kernel() (time.Time, State) {
	var tx unix.Timex
	status, err := unix.Adjtimex(&tx)
	if err != nil { // some sandboxes forbid it
		return time.Now().UTC().Truncate(time.Millisecond), Unknown
	}
	fraction := time.Duration(tx.Time.Usec)
	if tx.Status&unix.STA_NANO == 0 {
		fraction *= time.Microsecond
	}
	state := Synced
	if status == unix.TIME_ERROR || tx.Status&unix.STA_UNSYNC != 0 {
		state = Unsynced
	}
	return time.Unix(int64(tx.Time.Sec), int64(fraction)).UTC().Truncate(time.Millisecond), state
}

// uptime is the time since boot, sleep included; 0 where the kernel does not say.
func uptime() time.Duration {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return 0
	}
	return time.Duration(up.Nano())
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
