//go:build servers

package feed

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/gateway/wire"
	"loam/internal/mqttlink"
	"loam/internal/servertest"
	"loam/sensors/clock"
)

// Uplinks through Mosquitto, each twice, some of them malformed, one retained before anybody listens: the spool has each of
// the good ones once, sealed under the gateway's key and marked with where they are from.
func TestUplinksThroughMosquitto(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	m := servertest.Mosquitto(t, servertest.MosquittoConfig{
		Users: map[string]string{"chirpstack": "a", "loam": "b"},
		ACL:   "user chirpstack\ntopic write application/#\nuser loam\ntopic read application/#\n",
	})
	network, err := mqttlink.New(mqttlink.Config{Broker: m.URL(), ClientID: "chirpstack", Username: "chirpstack", Password: "a"})
	if err != nil {
		t.Fatal(err)
	}
	publish := func(messages ...mqttlink.Message) {
		t.Helper()
		done := errors.New("done")
		ctx, stop := context.WithCancelCause(ctx)
		err := network.Run(ctx, func(ctx context.Context, s *mqttlink.Session) error {
			for _, message := range messages {
				if err := s.Publish(ctx, message); err != nil {
					return err
				}
			}
			stop(done)
			return nil
		})
		if context.Cause(ctx) != done {
			t.Fatal(err)
		}
	}
	publish(mqttlink.Message{Topic: uplinkTopic, Retained: true, Payload: []byte(uplink("old", "2026-08-20T08:00:00Z", `{"temperature":99}`))})

	password := t.TempDir() + "/password"
	write(t, password, "b\n")
	c, s := lora(), newSpool(t)
	c.Broker, c.Username, c.PasswordFile = m.URL(), "loam", password
	f := newFeed(t, c, s)
	f.clock = still{f.clock}
	ended := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() { ended <- f.Run(running) }()

	readings := func() int {
		t.Helper()
		st, err := s.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return st.Readings
	}
	const uplinks = 20
	var all []mqttlink.Message
	for i := range uplinks {
		raw := []byte(uplink(fmt.Sprint("id-", i), noon.Add(-time.Duration(i)*time.Minute).Format(time.RFC3339), fmt.Sprintf(`{"temperature":%d.50}`, i)))
		broken := []byte(uplink(fmt.Sprint("bad-", i), "never", `{}`))
		one := mqttlink.Message{Topic: uplinkTopic, Payload: raw}
		all = append(all, one, mqttlink.Message{Topic: uplinkTopic, Payload: broken}, one, mqttlink.Message{Topic: uplinkTopic, Payload: raw[:len(raw)/2]})
	}
	for readings() < uplinks && ctx.Err() == nil { // what comes before the subscription is lost; again is harmless
		publish(all...)
	}
	publish(all...)
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := s.Seal(ctx, identitytest.NewSigner("creek-1"), spool.Batching{Max: 60, Partial: true}); err != nil {
		t.Fatal(err)
	}
	pending, err := s.Pending(ctx, 0, 10)
	if err != nil || len(pending) != 1 {
		t.Fatalf("%d batches, %v", len(pending), err)
	}
	batch, err := wire.Open(pending[0].Bytes, identitytest.NewSigner("creek-1").Public())
	if err != nil || len(batch.Readings) != uplinks || batch.Clock != clock.Synced {
		t.Fatalf("%d readings, clock %s, %v", len(batch.Readings), batch.Clock, err)
	}
	for i, r := range batch.Readings {
		n := uplinks - 1 - i // sorted by time
		if r.Value.String() != fmt.Sprintf("%d.50", n) || !r.At.Wall.Equal(noon.Add(-time.Duration(n)*time.Minute)) || r.Calibration.Foreign() != ChirpStack {
			t.Errorf("reading %d: %+v", i, r)
		}
	}
}

// still is a clock that waits without moving.
type still struct{ clock.Clock }

func (still) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
