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

// However the end of its context and the end of its connection fall together, an intake that is asked to stop stops.
func TestRunAlwaysEnds(t *testing.T) {
	for range 2000 {
		i, err := intake.New(intake.Config{Broker: "mqtt://127.0.0.1:1", Username: "hub", Community: community,
			ReconnectMin: time.Microsecond, ReconnectMax: time.Microsecond}, refuseAll{}, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- i.Run(ctx) }()
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
