package intake_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"loam/gateway/intake"
)

// refuseAll decides nothing.
type refuseAll struct{}

func (refuseAll) Handle(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("not now")
}

// lateContext tells those that asked to be called at its end a moment after it has told those who wait for Done. Any context
// may; the library's own do so only when a processor is taken from them at the wrong moment.
type lateContext struct {
	context.Context
}

// Value hides what the library would know its own context by.
func (lateContext) Value(any) any { return nil }

func (c lateContext) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(c.Context, func() {
		time.Sleep(20 * time.Millisecond)
		f()
	})
}

// However the end of its context and the end of its connection fall together, an intake that is asked to stop stops.
func TestRunAlwaysEnds(t *testing.T) {
	for range 10 {
		i, err := intake.New(intake.Config{Broker: "mqtt://127.0.0.1:1", Username: "hub", Community: community,
			ReconnectMin: time.Hour, ReconnectMax: time.Hour}, refuseAll{}, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- i.Run(lateContext{ctx}) }()
		time.Sleep(5 * time.Millisecond) // its workers wait by then, and so does its connection
		stop()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it was asked to stop and did not")
		}
	}
}
