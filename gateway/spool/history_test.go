package spool_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// sampled is the truth about one reading.
type sampled struct {
	at   time.Time     // when it was taken
	said clock.Instant // what the gateway's clock said then
	look time.Time     // the first synchronised look of its boot that the spool had after it; zero: none
	done bool          // seen in a batch
}

// history is a gateway whose clock is wrong in every way, and a spool that has to make the best of it.
type history struct {
	t     *testing.T
	path  string
	spool *spool.Spool

	now      time.Time // the truth
	boot     byte
	uptime   time.Duration // as the board counts it
	off      time.Duration // what the clock shows, minus the truth
	state    clock.State
	readings []sampled
	late     []sensors.Reading // taken, and not appended yet: a slow probe
	appended map[int64]bool
	hold     time.Duration
	batches  int
}

func (h *history) clock() clock.Instant {
	return clock.Instant{Wall: h.now.Add(h.off).Truncate(time.Millisecond).UTC(), Uptime: h.uptime, Boot: clock.BootID{h.boot}, State: h.state}
}

// pass lets time pass, on a crystal that is wrong in its own way each time.
func (h *history) pass(t *rapid.T, most time.Duration) {
	d := time.Duration(rapid.Int64Range(1, int64(most)).Draw(t, "passes"))
	ppm := rapid.Int64Range(-100, 100).Draw(t, "ppm") // leap smear, 11.6, is within
	h.now = h.now.Add(d)
	h.uptime += d + time.Duration(int64(d)/1_000_000*ppm)
	if h.state != clock.Synced { // a clock that nobody keeps right goes with the crystal
		h.off += time.Duration(int64(d) / 1_000_000 * ppm)
	}
}

func (h *history) Wait(t *rapid.T) { h.pass(t, 3*time.Hour) }

func (h *history) Sample(t *rapid.T) {
	for range rapid.IntRange(1, 4).Draw(t, "readings") {
		h.pass(t, time.Minute)
		r := reading(int64(len(h.readings)), 0, 0)
		r.At = h.clock()
		h.readings = append(h.readings, sampled{at: h.now, said: r.At})
		h.late = append(h.late, r)
	}
	if rapid.IntRange(0, 3).Draw(t, "at once") > 0 {
		h.Append(t)
	}
}

func (h *history) Append(t *rapid.T) {
	if err := h.spool.Append(context.Background(), h.late); err != nil {
		t.Fatal(err)
	}
	late := h.late
	h.late = nil
	for _, r := range late {
		h.appended[r.Value.Mantissa] = true
	}
	for _, r := range late {
		h.looked(r.At, h.readings[r.Value.Mantissa].at)
	}
}

// looked notes that the spool has seen the clock.
func (h *history) looked(at clock.Instant, truth time.Time) {
	if at.State != clock.Synced {
		return
	}
	for n := range h.readings {
		r := &h.readings[n]
		if h.appended[int64(n)] && !r.done && r.look.IsZero() && r.said.Boot == at.Boot && r.said.Uptime <= at.Uptime && !r.said.State.Dated() {
			r.look = truth
		}
	}
}

func (h *history) Sync(*rapid.T) { h.off, h.state = 0, clock.Synced }

// Lose is an NTP server that went away long ago.
func (h *history) Lose(t *rapid.T) {
	h.state = rapid.SampledFrom([]clock.State{clock.Unsynced, clock.Unsynced, clock.Unknown}).Draw(t, "state")
}

// Jump is a clock set by hand, or by a server that was wrong itself, while nobody vouches for it.
func (h *history) Jump(t *rapid.T) {
	if h.state != clock.Synced {
		h.off = time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(t, "jump"))
	}
}

// Reboot: with a clock in 1970, at the last saved time, or a battery's that is off.
func (h *history) Reboot(t *rapid.T) {
	h.late = nil // lost with the memory, before the spool knew of them
	h.boot++
	h.uptime = time.Duration(rapid.Int64Range(0, 1e11).Draw(t, "uptime"))
	h.state = clock.Unsynced
	switch rapid.IntRange(0, 2).Draw(t, "clock") {
	case 0:
		h.off = time.Unix(0, 0).Add(h.uptime).Sub(h.now)
	case 1:
		h.off = -time.Duration(rapid.Int64Range(0, 1e16).Draw(t, "saved ago"))
	case 2:
		h.off = time.Duration(rapid.Int64Range(-1e13, 1e13).Draw(t, "battery"))
	}
	h.reopen(t)
}

// Crash ends the process, not the boot.
func (h *history) Crash(t *rapid.T) {
	h.late = nil
	h.reopen(t)
}

func (h *history) reopen(t *rapid.T) {
	copied := filepath.Join(h.t.TempDir(), "spool.db")
	if h.spool != nil {
		for _, suffix := range []string{"", "-wal"} {
			copyFile(t, h.path+suffix, copied+suffix)
		}
		_ = h.spool.Close()
	}
	h.path = copied
	var err error
	if h.spool, err = spool.Open(context.Background(), h.path, spool.Config{}, quiet); err != nil {
		t.Fatal(err)
	}
}

func (h *history) Seal(t *rapid.T) {
	partial := rapid.Bool().Draw(t, "partial")
	h.seal(t, spool.Batching{Max: rapid.IntRange(1, 9).Draw(t, "max"), Partial: partial, Now: h.clock(), Hold: h.hold})
}

func (h *history) seal(t *rapid.T, b spool.Batching) {
	h.looked(b.Now, h.now)
	if _, err := h.spool.Seal(context.Background(), identitytest.NewSigner("creek-1"), b); err != nil {
		t.Fatal(err)
	}
	waiting := pending(h.t, h.spool) // checks the chain
	for _, batch := range waiting[h.batches:] {
		for _, r := range batch.Readings {
			h.sealed(t, r, b)
		}
	}
	h.batches = len(waiting)
	if b.Partial {
		h.checkHeld(t, b)
	}
}

// sealed checks what became of a reading.
func (h *history) sealed(t *rapid.T, r sensors.Reading, b spool.Batching) {
	n := r.Value.Mantissa
	truth := &h.readings[n]
	if truth.done || !h.appended[n] {
		t.Fatalf("reading %d is sealed twice, or was never appended", n)
	}
	truth.done = true
	if r.At.Boot != truth.said.Boot {
		t.Fatalf("reading %d is of boot %s, not %s", n, truth.said.Boot, r.At.Boot)
	}
	dateable := !truth.look.IsZero() && truth.look.Sub(truth.at) < clock.LongestRedate*99/100
	switch r.At.State {
	case clock.Redated:
		if truth.look.IsZero() {
			t.Fatalf("reading %d is dated, and its boot was never synchronised after it", n)
		}
		if off := r.At.Wall.Sub(truth.at).Abs(); off > time.Millisecond+clock.Drift(truth.look.Sub(truth.at))+clock.Drift(time.Minute) {
			t.Fatalf("reading %d is off by %s, dated %s later", n, off, truth.look.Sub(truth.at))
		}
		if !r.At.Shown.Equal(truth.said.Wall) {
			t.Fatalf("reading %d: the clock showed %s, now %s is said", n, truth.said.Wall, r.At.Shown)
		}
	case truth.said.State:
		if !r.At.Wall.Equal(truth.said.Wall) {
			t.Fatalf("reading %d was taken at %s, now %s is said", n, truth.said.Wall, r.At.Wall)
		}
		if !r.At.State.Dated() && dateable {
			t.Fatalf("reading %d is not dated, although it could be: %+v", n, truth)
		}
		if r.At.State == clock.Unsynced && b.Now.Boot == r.At.Boot && b.Now.State != clock.Synced && b.Now.Uptime-truth.said.Uptime < b.Hold {
			t.Fatalf("reading %d did not wait for its clock: %s of %s", n, b.Now.Uptime-truth.said.Uptime, b.Hold)
		}
	default:
		t.Fatalf("reading %d was taken %s, and is %s", n, truth.said.State, r.At.State)
	}
}

// checkHeld checks that only what may wait for its clock waits.
func (h *history) checkHeld(t *rapid.T, b spool.Batching) {
	held := 0
	for n, r := range h.readings {
		if !h.appended[int64(n)] || r.done {
			continue
		}
		held++
		if r.said.State != clock.Unsynced || r.said.Boot != b.Now.Boot || b.Now.State == clock.Synced || !r.look.IsZero() || b.Now.Uptime-r.said.Uptime > b.Hold {
			t.Fatalf("reading %d waits for nothing: %+v, now %+v", n, r, b.Now)
		}
	}
	if st, err := h.spool.Stats(context.Background()); err != nil || st.Unsealed != held {
		t.Fatalf("%d readings wait, not %d: something is lost (%v)", st.Unsealed, held, err)
	}
}

// TestHistory: whatever the clock does (1970, the last saved time, jumps, drift, lost and found again), and however often
// the machine reboots and the process dies: what could be dated is dated within a millisecond and the drift of the truth,
// and never by another boot; what could not says so; what was appended is sealed once, in one chain.
func TestHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{t: t, now: start, hold: time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(rt, "hold")), appended: map[int64]bool{}}
		h.Reboot(rt)
		defer func() { _ = h.spool.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"sample": h.Sample, "sample again": h.Sample, "append": h.Append, "wait": h.Wait, "sync": h.Sync, "lose": h.Lose,
			"jump": h.Jump, "reboot": h.Reboot, "crash": h.Crash, "seal": h.Seal,
		})
		h.Append(rt)
		h.seal(rt, spool.Batching{Max: 50, Partial: true}) // no Now: nothing waits
		for n := range h.readings {
			if h.appended[int64(n)] != h.readings[n].done {
				rt.Fatalf("reading %d is lost", n)
			}
		}
	})
}

// TestDatedAfterwards tells the story of a night: power comes back without a network, and the network in the morning.
func TestDatedAfterwards(t *testing.T) {
	s := fresh(t)
	boot := clock.BootID{1}
	booted := time.Date(2026, 5, 4, 2, 0, 0, 0, time.UTC)
	at := func(n int64, state clock.State, shown time.Time) sensors.Reading {
		r := reading(n, 1, state)
		r.At.Uptime, r.At.Wall = time.Duration(n)*time.Hour, shown
		return r
	}
	seal := func(now clock.Instant) []wire.Sealed {
		if _, err := s.Seal(t.Context(), identitytest.NewSigner("creek-1"), spool.Batching{Max: 60, Partial: true, Now: now, Hold: 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		return pending(t, s)
	}
	night := []sensors.Reading{at(1, clock.Unsynced, time.Unix(3600, 0)), at(2, clock.Unsynced, time.Unix(7200, 0))}
	other := at(3, clock.Unsynced, time.Unix(9, 0)) // left from the boot before
	other.At.Boot = clock.BootID{9}
	appendAll(t, s, append(night, other))
	got := seal(clock.Instant{Wall: time.Unix(7300, 0), Uptime: 2*time.Hour + time.Minute, Boot: boot, State: clock.Unsynced})
	if len(got) != 1 || got[0].Clock != clock.Unsynced || got[0].Boot != other.At.Boot {
		t.Fatalf("in the night: %+v", got)
	}
	appendAll(t, s, []sensors.Reading{at(6, clock.Synced, booted.Add(6*time.Hour))})
	got = seal(clock.Instant{Boot: boot, Uptime: 7 * time.Hour, State: clock.Unsynced}) // and lost again: the look stands
	if len(got) != 3 || got[1].Clock != clock.Redated || len(got[1].Readings) != 2 || got[2].Clock != clock.Synced {
		t.Fatalf("in the morning: %+v", got)
	}
	for i, r := range got[1].Readings {
		if want := booted.Add(time.Duration(i+1) * time.Hour); !r.At.Wall.Equal(want) || !r.At.Shown.Equal(night[i].At.Wall) {
			t.Errorf("dated %s, shown %s; want %s", r.At.Wall, r.At.Shown, want)
		}
	}
}
