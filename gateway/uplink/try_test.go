package uplink_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"loam/gateway/broker"
	"loam/gateway/health"
	"loam/gateway/identity/identitytest"
	"loam/gateway/uplink"
)

// enrolled is a registry of one gateway.
type enrolled struct{ identitytest.Signer }

func (e enrolled) Key(gateway string) (ed25519.PublicKey, bool) {
	return e.Public(), gateway == e.ID()
}

// One attempt tells a broker that is not there from one that does not know the gateway, and from one that never answers.
func TestTry(t *testing.T) {
	meadow := identitytest.NewSigner("meadow")
	b, err := broker.Start(broker.Config{Listen: "127.0.0.1:0"}, broker.NewGatewayAccess("willow-creek", enrolled{meadow}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close(context.Background()) }()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	there := uplink.Config{Broker: "mqtt://" + b.Addr()}

	try := func(c uplink.Config, s identitytest.Signer, patience time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return uplink.Try(ctx, c, "willow-creek", s)
	}
	if err := try(there, meadow, 5*time.Second); err != nil {
		t.Errorf("an enrolled gateway: %v", err)
	}
	for name, err := range map[string]error{
		"another key":  try(there, identitytest.Keyed("meadow", "another"), 5*time.Second),
		"another name": try(there, identitytest.NewSigner("brook"), 5*time.Second),
	} {
		if checks := health.Broker(err); checks[0].Level != health.OK || checks[1].Level != health.Failure {
			t.Errorf("%s: %v is understood as %+v", name, err, checks)
		}
	}
	begin := time.Now()
	err = try(uplink.Config{Broker: "mqtt://" + mute.Addr().String()}, meadow, 200*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 3*time.Second {
		t.Errorf("a broker that never answers: %v after %s", err, time.Since(begin))
	}
	if checks := health.Broker(err); checks[0].Level != health.Failure || checks[1].Level != health.Unknown {
		t.Errorf("a broker that never answers is understood as %+v", checks)
	}
	if err := try(uplink.Config{Broker: "mqtt://127.0.0.1:1"}, meadow, 5*time.Second); err == nil || errors.Is(err, packets.ErrorRefusedNotAuthorised) {
		t.Errorf("no broker: %v", err)
	}
}
