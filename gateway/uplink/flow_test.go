package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/internal/config"
	"loam/internal/mqttlink"
)

var hubKey = identitytest.NewSigner("hub")

// field is a spool in memory, and a hub at the other end of a link that takes its time.
type field struct {
	mu      sync.Mutex
	spool   map[uint64]time.Time // by sequence: when it was sealed
	next    uint64
	took    time.Duration // of the hub and the link for one batch
	lose    func() bool   // whether a batch is lost on the way
	arrived []arrival
	sent    int
	bytes   []int // sent in each second
	began   time.Time
	inbox   chan mqttlink.Message
}

type arrival struct {
	sequence uint64
	at       time.Time
}

const batchBytes = 500

func (f *field) Pending(_ context.Context, after uint64, limit int) ([]wire.Sealed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []wire.Sealed
	for sequence := after + 1; sequence < f.next && len(out) < limit; sequence++ {
		if _, there := f.spool[sequence]; there {
			b := sealed(sequence)
			b.Bytes = []byte(fmt.Sprintf("%*d", batchBytes, sequence))
			out = append(out, b)
		}
	}
	return out, nil
}

func (f *field) Settle(_ context.Context, r wire.Receipt) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, there := f.spool[r.Sequence]
	delete(f.spool, r.Sequence)
	return there, nil
}

func (f *field) Stats(context.Context) (spool.Stats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return spool.Stats{Batches: len(f.spool), Next: f.next}, nil
}

func (f *field) seal(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range n {
		f.spool[f.next] = time.Now()
		f.next++
	}
}

// Send implements sender: the link is a queue, as wide as it likes.
func (f *field) Send(_ context.Context, m mqttlink.Message) error {
	if strings.HasSuffix(m.Topic, "/status") {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent++
	second := int(time.Since(f.began) / time.Second)
	for len(f.bytes) <= second {
		f.bytes = append(f.bytes, 0)
	}
	f.bytes[second] += len(m.Payload)
	if !f.lose() {
		f.inbox <- m
	}
	return nil
}

// hub receipts one batch after the other.
func (f *field) hub(ctx context.Context, u *Uplink) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-f.inbox:
			time.Sleep(f.took)
			var sequence uint64
			if _, err := fmt.Sscan(string(m.Payload), &sequence); err != nil {
				panic(err)
			}
			f.mu.Lock()
			f.arrived = append(f.arrived, arrival{sequence, time.Now()})
			f.mu.Unlock()
			raw, err := wire.SealReceipt(wire.Receipt{Hub: "hub", Gateway: "gw-1", Sequence: sequence, Digest: sealed(sequence).Digest, Outcome: wire.Stored, At: time.Unix(1e9, 0).UTC()}, hubKey)
			if err != nil {
				panic(err)
			}
			if ctx.Err() == nil {
				u.received("", raw, false)
			}
		}
	}
}

// state is how many batches wait and were sent, and whether the newest waits.
func (f *field) state() (left, sent int, newest bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, newest = f.spool[f.next-1]
	return len(f.spool), f.sent, newest
}

func (f *field) left() int { left, _, _ := f.state(); return left }

func newField(backlog int) *field {
	f := &field{spool: map[uint64]time.Time{}, next: 1, began: time.Now(), inbox: make(chan mqttlink.Message, 1<<16), lose: func() bool { return false }}
	f.seal(backlog)
	return f
}

// run is one process of the gateway, until stop, which is as sudden as kill -9: nothing of it is left but the spool.
func (f *field) run(cfg Config) (u *Uplink, stop func()) {
	cfg.Broker, cfg.HubKey = "mqtt://hub", identity.FormatKey(hubKey.Public())
	u, err := New(cfg, "valley", identitytest.NewSigner("gw-1"), f, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { f.hub(ctx, u); done <- struct{}{} }()
	go func() {
		for err := error(nil); !errors.Is(err, context.Canceled); err = u.carry(ctx, f) { // a stall connects anew
			u.window.allDue()
		}
		done <- struct{}{}
	}()
	return u, func() { cancel(); <-done; <-done }
}

// TestLiveBatchesWaitAtMostOneWindow: however large the backlog, whatever is lost, and however often the gateway is
// killed: a batch sealed now reaches the hub after at most one window of others, and in the end everything has.
func TestLiveBatchesWaitAtMostOneWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		backlog := rapid.IntRange(0, 600).Draw(rt, "backlog")
		window := rapid.IntRange(1, 64).Draw(rt, "window")
		took := time.Duration(rapid.IntRange(1, 200).Draw(rt, "ms for a batch")) * time.Millisecond
		lossy := rapid.Bool().Draw(rt, "lossy")
		kills := rapid.IntRange(0, 2).Draw(rt, "kills")
		live := rapid.IntRange(1, 20).Draw(rt, "live batches")
		synctest.Test(t, func(*testing.T) {
			f := newField(backlog)
			f.took = took
			count := 0
			if lossy {
				f.lose = func() bool { count++; return count%7 == 3 }
			}
			cfg := Config{Window: window, ResendAfter: config.Duration(2 * time.Minute)}
			u, stop := f.run(cfg)
			round := time.Duration(window+1) * took // what one window takes
			sealedAt := map[uint64]time.Time{}
			for i := range live {
				time.Sleep(2 * round) // slower than the link: or nothing could keep up
				if i > 0 && i <= kills {
					stop()
					for len(f.inbox) > 0 { // lost with the connection
						<-f.inbox
					}
					u, stop = f.run(cfg)
					time.Sleep(2 * round)
				}
				sealedAt[f.next] = time.Now()
				f.seal(1)
				u.Wake()
			}
			for waited := time.Duration(0); f.left() > 0; waited += time.Minute {
				if time.Sleep(time.Minute); waited > 48*time.Hour {
					rt.Fatalf("%d batches are left", f.left())
				}
			}
			stop()
			first := map[uint64]time.Time{}
			for _, a := range f.arrived {
				if _, again := first[a.sequence]; !again {
					first[a.sequence] = a.at
				}
			}
			if len(first) != backlog+live {
				rt.Fatalf("%d batches arrived of %d", len(first), backlog+live)
			}
			for sequence, at := range sealedAt {
				if wait := first[sequence].Sub(at); !lossy && wait > round {
					rt.Fatalf("batch %d, sealed with a backlog of %d, arrived after %s; a window takes %s", sequence, backlog, wait, round)
				}
			}
		})
	})
}

// TestBacklogKeepsItsRate: with backlog_rate, the backlog takes its share of a slow link and no more, live batches go at
// once, and all of it goes in the end.
func TestBacklogKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newField(300)
		f.took = time.Millisecond
		const perSecond = 4
		u, stop := f.run(Config{Window: 32, BacklogRate: perSecond * batchBytes, SendEvery: 0})
		time.Sleep(10*time.Second + time.Millisecond)
		if _, sent, _ := f.state(); sent < 8+10*perSecond || sent > 8+10*perSecond+2 { // the newest eight count as live
			t.Errorf("%d batches in 10 s", sent)
		}
		for range 20 {
			f.seal(1)
			u.Wake()
			time.Sleep(100 * time.Millisecond)
			if _, _, newest := f.state(); newest {
				t.Error("a live batch waits behind the backlog")
			}
		}
		time.Sleep(300 / perSecond * time.Second)
		if left := f.left(); left > 0 {
			t.Errorf("%d batches are left", left)
		}
		stop()
		for second, n := range f.bytes[1:] {
			if n > (perSecond+1+10)*batchBytes {
				t.Errorf("in second %d: %d bytes", second+1, n)
			}
		}
	})
}

// TestBursts: with send_every, the link is quiet in between.
func TestBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newField(50)
		f.took = 10 * time.Millisecond
		u, stop := f.run(Config{Window: 8, SendEvery: config.Duration(15 * time.Minute)})
		defer stop()
		time.Sleep(time.Minute)
		if left := f.left(); left > 0 {
			t.Fatalf("%d batches are left of the first burst", left)
		}
		for burst := range 3 {
			_, before, _ := f.state()
			for range 13 { // one a minute
				f.seal(1)
				u.Wake()
				time.Sleep(time.Minute)
			}
			if _, sent, _ := f.state(); sent != before {
				t.Errorf("burst %d: %d batches went in between", burst, sent-before)
			}
			time.Sleep(2 * time.Minute)
			if left, sent, _ := f.state(); left > 0 || sent != before+13 {
				t.Errorf("burst %d: %d batches sent, %d left", burst, sent-before, left)
			}
		}
	})
}

func TestTrafficIsCountedByDay(t *testing.T) {
	now := time.Date(2026, 5, 4, 23, 59, 0, 0, time.UTC)
	u, err := New(Config{Broker: "mqtt://hub", HubKey: identity.FormatKey(hubKey.Public()), Now: func() time.Time { return now }}, "valley",
		identitytest.NewSigner("gw-1"), &shelf{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	u.traffic(100, 0)
	u.traffic(0, 7)
	if got, want := u.Status().Traffic, (Traffic{Sent: 100, Received: 7, Today: Day{"2026-05-04", 100, 7}}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	now = now.Add(2 * time.Minute)
	if got, want := u.Status().Traffic, (Traffic{Sent: 100, Received: 7, Today: Day{"2026-05-05", 0, 0}}); got != want {
		t.Errorf("after midnight: %+v, want %+v", got, want)
	}
	u.traffic(1, 2)
	if got, want := u.Status().Traffic, (Traffic{Sent: 101, Received: 9, Today: Day{"2026-05-05", 1, 2}}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
