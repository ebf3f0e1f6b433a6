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
	token := s.client.SubscribeMultiple(wanted, func(_ mqtt.Client, m mqtt.Message) {
		received(m.Topic(), m.Payload(), m.Retained())
	})
	if err := wait(ctx, token, s.timeout); err != nil {
		return fmt.Errorf("subscribe: %w", err)
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
	if err := wait(ctx, s.client.Publish(m.Topic, 1, m.Retained, m.Payload), s.timeout); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Send gives a message to the network and does not wait for the broker to take it. What is not taken is lost when the
// connection is; a broker that takes nothing is noticed after 65,535 messages.
func (s *Session) Send(m Message) error {
	token := s.client.Publish(m.Topic, 1, m.Retained, m.Payload)
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	default:
	}
	return nil
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
