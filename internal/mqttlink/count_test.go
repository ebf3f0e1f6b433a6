package mqttlink

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Every byte of a connection is counted, both ways, as the other end sees it.
func TestBytesAreCountedAsTheBrokerSeesThem(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	heard := make(chan int, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		n := &tally{Reader: conn}
		if _, err := packets.ReadPacket(n); err == nil {
			ack := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
			_ = ack.Write(conn)
			_, _ = io.Copy(io.Discard, n)
		}
		heard <- n.n
	}()
	var sent, received atomic.Int64
	l, err := New(Config{Broker: "mqtt://" + listener.Addr().String(), ClientID: "gw-1", Count: func(s, r int) {
		sent.Add(int64(s))
		received.Add(int64(r))
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = l.Run(ctx, func(ctx context.Context, s *Session) error {
		if err := s.Send(ctx, Message{Topic: "loam/1/valley/gw-1/batch", Payload: make([]byte, 1000)}); err != nil {
			return err
		}
		for sent.Load() < 1000 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	const said = 4 // a CONNACK
	if n := <-heard; int64(n) != sent.Load() || received.Load() != said {
		t.Errorf("counted %d sent and %d received; the broker heard %d and said %d", sent.Load(), received.Load(), n, said)
	}
}

type tally struct {
	io.Reader
	n int
}

func (c *tally) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += n
	return n, err
}
