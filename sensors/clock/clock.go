// Package clock is the time a reading is taken at, and how far that time can be trusted.
//
// A gateway without a battery-backed clock boots in 1970 or at the last saved time, so "looks sane" is not "is
// synchronised". Every sample therefore carries an [Instant]: the wall clock, whether it was disciplined, the boot it
// belongs to and the uptime within that boot. What was sampled before the clock was set is dated afterwards, from uptime,
// by [Instant.Redate].
//
// Read in this order: clock.go (the nouns), redate.go, system_linux.go (the machine's clock), chrony.go and timesyncd.go
// (who else knows whether it is disciplined).
//
// Nothing below cmd takes the time from inside: it is handed a [Clock], or a plain time.Time.
package clock

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"
)

// State says whether the wall clock was disciplined by an outside source when it was read.
type State uint8

// The states a gateway's clock can be in. The numbers are on the wire: do not reorder.
const (
	Unknown  State = 0 // nobody could say
	Unsynced State = 1 // the kernel says the clock is not disciplined
	Synced   State = 2 // disciplined by NTP, PTP, GNSS or a simulated equivalent
	Redated  State = 3 // not disciplined then; dated afterwards from uptime, by the same boot's synchronised clock
)

// Dated says whether the time comes from a disciplined clock: read from it, or reckoned back to with [Instant.Redate],
// whose error is bounded. Either may stand behind a credit; any other time is what a clock showed that nobody had set.
func (s State) Dated() bool { return s == Synced || s == Redated }

// String returns the state as a word.
func (s State) String() string {
	switch s {
	case Synced:
		return "synced"
	case Redated:
		return "dated from uptime"
	case Unsynced:
		return "unsynced"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// BootID names one boot of one machine (Linux: /proc/sys/kernel/random/boot_id).
type BootID [16]byte

// String returns the id as 32 hexadecimal digits.
func (b BootID) String() string { return hex.EncodeToString(b[:]) }

// ParseBootID reads 32 hexadecimal digits, with or without the dashes of a UUID.
func ParseBootID(s string) (BootID, error) {
	var id BootID
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
	if err != nil || len(raw) != len(id) {
		return BootID{}, fmt.Errorf("clock: boot id %q is not 32 hexadecimal digits", s)
	}
	copy(id[:], raw)
	return id, nil
}

// Instant is one look at a clock.
type Instant struct {
	Wall   time.Time     // UTC, millisecond resolution
	Uptime time.Duration // monotonic time since boot, sleep included
	Boot   BootID        // the boot Uptime counts in
	State  State         // whether Wall was disciplined
	Shown  time.Time     // what the clock said then, where State is [Redated]; zero elsewhere
}

// Clock tells the time and waits. Implementations are safe for concurrent use.
type Clock interface {
	// Now looks at the clock.
	Now() Instant
	// Sleep waits for d, or until ctx ends and then returns its error.
	Sleep(ctx context.Context, d time.Duration) error
}

// Virtual is a clock that stands still until it is moved; Sleep moves it. It is always [Synced] unless told otherwise.
type Virtual struct {
	mu     sync.Mutex
	now    time.Time
	uptime time.Duration
	boot   BootID
	state  State
}

// NewVirtual returns a synchronised clock that stands at start, on the given boot.
func NewVirtual(start time.Time, boot BootID) *Virtual {
	start = start.UTC().Truncate(time.Millisecond)
	return &Virtual{now: start, boot: boot, state: Synced}
}

// Now implements [Clock].
func (v *Virtual) Now() Instant {
	v.mu.Lock()
	defer v.mu.Unlock()
	return Instant{Wall: v.now.Truncate(time.Millisecond), Uptime: v.uptime, Boot: v.boot, State: v.state}
}

// Sleep moves the clock forward by d without waiting.
func (v *Virtual) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if d > 0 {
		v.now = v.now.Add(d)
		v.uptime += d
	}
	return nil
}

// Set moves the clock to t. Forwards, time passes; backwards, only the wall clock is put back, as by a person or by NTP:
// uptime never goes back.
func (v *Virtual) Set(t time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t = t.UTC().Truncate(time.Millisecond)
	v.uptime += max(0, t.Sub(v.now))
	v.now = t
}

// SetState says from now on how far the clock can be trusted.
func (v *Virtual) SetState(s State) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = s
}
