package feed

import (
	"context"
	"fmt"
	"slices"

	"loam/internal/mqttlink"
)

// queued is how many messages may wait in memory for the spool.
const queued = 256

type incoming struct {
	topic   string
	payload []byte
}

// listen takes over what comes on the topic. A broker counts a message as delivered when it has reached this program: what
// is in memory when the power fails is lost, as is what comes while there is no connection.
func (f *Feed) listen(ctx context.Context) error {
	queue := make(chan incoming, queued)
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { done <- f.takeAll(ctx, queue) }()
	err := f.link.Run(ctx, func(ctx context.Context, s *mqttlink.Session) error {
		err := s.Subscribe(ctx, func(topic string, payload []byte, retained bool) { f.receive(queue, topic, payload, retained) }, f.cfg.Topic)
		if err != nil {
			return err
		}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	cancel()
	<-done
	return err
}

// receive must not wait, see [mqttlink.Received].
func (f *Feed) receive(queue chan<- incoming, topic string, payload []byte, retained bool) {
	switch {
	case retained:
		f.refuse(topic, fmt.Errorf("%w: it is retained, and says nothing new: publish it without the retain flag", ErrMessage))
		return
	case len(payload) > maxMessage:
		f.refuse(topic, fmt.Errorf("%w: %d bytes, at most %d", ErrMessage, len(payload), maxMessage))
		return
	}
	select {
	case queue <- incoming{topic, slices.Clone(payload)}:
	default:
		f.meter.lost.Inc()
		f.log.Error("a message is lost: the spool has refused readings for too long", "topic", topic)
	}
}

func (f *Feed) takeAll(ctx context.Context, queue <-chan incoming) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m := <-queue:
			if err := f.take(ctx, m); err != nil {
				return err
			}
		}
	}
}

// take takes one message over.
func (f *Feed) take(ctx context.Context, in incoming) (err error) {
	defer func() {
		if p := recover(); p != nil {
			f.refuse(in.topic, fmt.Errorf("%w: reading it failed: %v", ErrMessage, p))
		}
	}()
	now := f.clock.Now()
	m, err := f.parse(in.topic, in.payload, now.Wall)
	if err != nil {
		f.refuse(in.topic, err)
		return nil
	}
	readings, err := f.readings(m.Records, now)
	if err != nil {
		f.refuse(in.topic, err)
	}
	if len(readings) == 0 {
		return nil
	}
	return f.keep(ctx, func() error {
		if m.Key == "" {
			err := f.sink.Append(ctx, readings)
			if err == nil {
				f.meter.readings.Add(float64(len(readings)))
			}
			return err
		}
		kept, err := f.sink.AppendOnce(ctx, f.source(), m.Key, readings)
		if kept {
			f.meter.readings.Add(float64(len(readings)))
		} else if err == nil {
			f.meter.again.Inc()
		}
		return err
	})
}
