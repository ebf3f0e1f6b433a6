package clock

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// trackingReply is an answer of chronyd 4 to a tracking request: packet by candm.h, the figures of a Pi that follows one
// server.
func trackingReply(sequence, reference uint32, stratum, leap uint16) []byte {
	a := make([]byte, chronyReplyBytes)
	a[0], a[1] = 6, 2
	binary.BigEndian.PutUint16(a[4:], 33)
	binary.BigEndian.PutUint16(a[6:], 5)
	binary.BigEndian.PutUint32(a[16:], sequence)
	binary.BigEndian.PutUint32(a[28:], reference)
	copy(a[32:], []byte{162, 159, 200, 1})
	binary.BigEndian.PutUint16(a[48:], 1) // IPv4
	binary.BigEndian.PutUint16(a[52:], stratum)
	binary.BigEndian.PutUint16(a[54:], leap)
	return a
}

const server = 0xa29fc801 // a reference: 162.159.200.1

// chronyd answers on loopback as the given function says.
func chronyd(t *testing.T, answer func(question []byte) []byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		q := make([]byte, 1024)
		for {
			n, from, err := conn.ReadFrom(q)
			if err != nil {
				return
			}
			if a := answer(q[:n]); a != nil {
				_, _ = conn.WriteTo(a, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func TestChronySaysWhetherTheClockIsDisciplined(t *testing.T) {
	for name, c := range map[string]struct {
		reference     uint32
		stratum, leap uint16
		want          bool
	}{
		"follows a server":           {server, 3, 0, true},
		"a leap second is due":       {server, 3, 1, true},
		"not synchronised":           {server, 3, 3, false},
		"no reference yet":           {0, 0, 0, false},
		"its own clock, by `local`":  {chronyLocal, 10, 0, false},
		"a receiver on board (PPS0)": {0x50505330, 1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			address := chronyd(t, func(q []byte) []byte {
				// chronyd drops requests that are shorter than their reply.
				if len(q) < chronyReplyBytes || q[0] != 6 || q[1] != 1 || binary.BigEndian.Uint16(q[4:]) != 33 {
					return nil
				}
				return trackingReply(binary.BigEndian.Uint32(q[8:]), c.reference, c.stratum, c.leap)
			})
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if got, err := (Chrony{Address: address}).Disciplined(ctx); got != c.want || err != nil {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestAChronydThatIsAwayOrSilentIsAnError(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if yes, err := (Chrony{Address: chronyd(t, func([]byte) []byte { return nil })}).Disciplined(ctx); yes || err == nil {
		t.Errorf("silent: %v, %v", yes, err)
	}
	gone, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	if yes, err := (Chrony{Address: gone.LocalAddr().String()}).Disciplined(t.Context()); yes || err == nil {
		t.Errorf("away: %v, %v", yes, err)
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	good := trackingReply(7, server, 3, 0)
	if yes, err := chronyAnswer(good, 7); !yes || err != nil {
		t.Fatal(yes, err)
	}
	if _, err := chronyAnswer(good, 8); !errors.Is(err, errChrony) {
		t.Errorf("an older answer: %v", err)
	}
	for at, to := range map[int]byte{0: 5, 1: 1, 5: 34, 7: 2, 9: 2} { // version, type, command, reply, status
		bad := append([]byte(nil), good...)
		bad[at] = to
		if yes, err := chronyAnswer(bad, 7); yes || !errors.Is(err, errChrony) {
			t.Errorf("byte %d: %v, %v", at, yes, err)
		}
	}
}

func FuzzChronyAnswer(f *testing.F) {
	f.Add(trackingReply(7, server, 3, 0))
	f.Add(trackingReply(7, server, 3, 3)[:60])
	f.Add([]byte{6, 2})
	f.Fuzz(func(t *testing.T, a []byte) {
		yes, err := chronyAnswer(a, 7)
		if yes && (err != nil || len(a) < chronyReplyBytes) || err != nil && !errors.Is(err, errChrony) {
			t.Fatalf("%x: %v, %v", a, yes, err)
		}
	})
}

func TestTimesyncdIsBelievedWhileItsFileIsFresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "synchronized")
	touched := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	after := func(d time.Duration) Timesyncd {
		return Timesyncd{Path: path, Now: func() time.Time { return touched.Add(d) }}
	}
	if yes, err := after(0).Disciplined(t.Context()); yes || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: %v, %v", yes, err)
	}
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, touched, touched)); err != nil {
		t.Fatal(err)
	}
	for d, want := range map[time.Duration]bool{0: true, time.Hour: true, 2 * time.Hour: false, -time.Hour: false} {
		if yes, err := after(d).Disciplined(t.Context()); yes != want || err != nil {
			t.Errorf("%s after it was touched: %v, %v", d, yes, err)
		}
	}
}

// says is a source that says the same always, and counts.
type says struct {
	yes   bool
	err   error
	asked int
}

func (s *says) Disciplined(ctx context.Context) (bool, error) {
	s.asked++
	if _, bounded := ctx.Deadline(); !bounded {
		return false, errors.New("asked without a bound")
	}
	return s.yes, s.err
}

func TestSourcesAreAskedNowAndThenAndOneIsEnough(t *testing.T) {
	no, broken, yes := &says{}, &says{yes: true, err: errors.New("away")}, &says{yes: true}
	w := witnesses{sources: []Source{no, broken, yes}}
	for up := time.Duration(0); up < 3*askEvery; up += askEvery / 4 {
		if !w.vouch(up) {
			t.Fatalf("at %s nobody vouches", up)
		}
	}
	if no.asked != 3 || broken.asked != 3 || yes.asked != 3 {
		t.Errorf("asked %d, %d and %d times in 30 s", no.asked, broken.asked, yes.asked)
	}
	yes.yes = false
	if w.vouch(3 * askEvery) {
		t.Error("an error, or the answer from before, vouches")
	}
	if (&witnesses{}).vouch(0) {
		t.Error("nobody vouches")
	}
}

func TestASourceVouchesForTheMachinesClock(t *testing.T) {
	s, err := NewSystem(&says{yes: true})
	if err != nil {
		t.Fatal(err)
	}
	if at := s.Now(); at.State != Synced || time.Since(at.Wall).Abs() > time.Second {
		t.Errorf("%+v", at)
	}
}
