package mqttlink

import (
	"context"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Session is one connection, from its beginning to its end. It is safe for concurrent use.
type Session struct {
	client  mqtt.Client
	timeout time.Duration
	life    context.Context // ends with the connection
	out     chan Message
}

// outgoing is how many messages may wait to be written.
const outgoing = 16

// carry writes what was given to [Session.Send]. It has a goroutine of its own because the client, asked to publish while
// its connection goes away, does not notice and waits out its write timeout.
func (s *Session) carry(lost func(error)) {
	for {
		select {
		case m := <-s.out:
			token := s.client.Publish(m.Topic, 1, m.Retained, m.Payload)
			select {
			case <-token.Done():
				if err := token.Error(); err != nil {
					lost(fmt.Errorf("publish: %w", err))
				}
			default:
			}
		case <-s.life.Done():
			return
		}
	}
}

// ask does something that the broker answers, and waits for the answer.
func (s *Session) ask(ctx context.Context, what string, do func() mqtt.Token) (mqtt.Token, error) {
	token := make(chan mqtt.Token, 1)
	go func() {
		t := do()
		t.WaitTimeout(s.timeout)
		token <- t
	}()
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	select {
	case t := <-token:
		if err := t.Error(); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-t.Done():
			return t, nil
		default:
		}
	case <-timer.C:
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", what, context.Cause(ctx))
	case <-s.life.Done():
		return nil, fmt.Errorf("%s: %w", what, context.Cause(s.life))
	}
	return nil, fmt.Errorf("%s: no answer from the broker within %s", what, s.timeout)
}

// Received is called for each message, one at a time, in the order they came. It must not wait: while it does, the
// connection reads nothing, not even the broker's answer to a ping.
type Received func(topic string, payload []byte, retained bool)

// Subscribe asks for all filters at once, with QoS 1, and fails when the broker refuses any of them.
func (s *Session) Subscribe(ctx context.Context, received Received, filters ...string) error {
	wanted := make(map[string]byte, len(filters))
	for _, f := range filters {
		wanted[f] = 1
	}
	token, err := s.ask(ctx, "subscribe", func() mqtt.Token {
		return s.client.SubscribeMultiple(wanted, func(_ mqtt.Client, m mqtt.Message) {
			received(m.Topic(), m.Payload(), m.Retained())
		})
	})
	if err != nil {
		return err
	}
	for filter, granted := range token.(*mqtt.SubscribeToken).Result() {
		if granted > 2 {
			return fmt.Errorf("subscribe: the broker refuses %q: check what this user may read", filter)
		}
	}
	return nil
}

// Publish sends a message and waits for the broker to take it.
func (s *Session) Publish(ctx context.Context, m Message) error {
	_, err := s.ask(ctx, "publish", func() mqtt.Token { return s.client.Publish(m.Topic, 1, m.Retained, m.Payload) })
	return err
}

// Send gives a message to the network, waiting for room there, but not for the broker to take it. What is not taken is
// lost when the connection is. A broker that takes nothing at all is noticed after 65,535 messages.
func (s *Session) Send(ctx context.Context, m Message) error {
	select {
	case s.out <- m:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("publish: %w", context.Cause(ctx))
	case <-s.life.Done():
		return fmt.Errorf("publish: %w", context.Cause(s.life))
	}
}

// noStore keeps nothing: a message lives as long as its connection.
type noStore struct{}

func (noStore) Open()                             {}
func (noStore) Put(string, packets.ControlPacket) {}
func (noStore) Get(string) packets.ControlPacket  { return nil }
func (noStore) All() []string                     { return nil }
func (noStore) Del(string)                        {}
func (noStore) Close()                            {}
func (noStore) Reset()                            {}
