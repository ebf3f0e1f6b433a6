// Package broker is the MQTT broker inside a hub, for communities that want no other.
//
// It speaks MQTT 3.1.1 only, lets nobody in without a password, and takes its rules from one [Access]; [GatewayAccess] is
// that of a community. Nothing here is kept on disk and nothing has to be: a batch that a broker loses is still in its
// gateway's spool, until the hub itself has receipted it.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"loam/internal/config"
)

// Config says where the broker listens, and bounds what its clients can make it do.
type Config struct {
	Listen   string `toml:"listen"`    // "host:port"; port 0 takes a free one, see [Broker.Addr]
	CertFile string `toml:"cert_file"` // PEM certificate chain; with key_file: TLS. Without, passwords travel in the clear
	KeyFile  string `toml:"key_file"`

	MaxClients   int `toml:"max_clients"`   // connections at a time (default 256)
	MaxPacket    int `toml:"max_packet"`    // bytes of one packet (default 512 KiB)
	MaxInflight  int `toml:"max_inflight"`  // messages to one client that it has not acknowledged (default 1024)
	MaxUnwritten int `toml:"max_unwritten"` // bytes waiting for a client's network; a client slower than that is cut off (default 8 MiB)

	MaxSilence config.Duration `toml:"max_silence"` // keep-alive a client may ask for at most (default 5 min)
	HelloTime  config.Duration `toml:"hello_time"`  // what a connection has to say who it is (default 10 s)
	WriteTime  config.Duration `toml:"write_time"`  // how long a client's network may take nothing before it is cut off (default 20 s)
}

// ErrConfig is wrapped by everything [Start] refuses before it listens.
var ErrConfig = errors.New("broker is not configured right")

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value     *int
		otherwise int
	}{
		{&c.MaxClients, 256}, {&c.MaxPacket, 512 << 10}, {&c.MaxInflight, 1024}, {&c.MaxUnwritten, 8 << 20},
	} {
		if *d.value == 0 {
			*d.value = d.otherwise
		}
	}
	c.MaxSilence = config.Duration(c.MaxSilence.Or(5 * time.Minute))
	c.HelloTime = config.Duration(c.HelloTime.Or(10 * time.Second))
	c.WriteTime = config.Duration(c.WriteTime.Or(20 * time.Second))
	return c
}

// Validate says what is wrong with the configuration, all of it at once.
func (c Config) Validate() error {
	d := c.withDefaults()
	var p config.Problems
	p.Check(c.Listen != "", "listen is missing: give an address such as \":1883\" or \"127.0.0.1:1883\"")
	p.Check((c.CertFile == "") == (c.KeyFile == ""), "cert_file and key_file belong together: give both or neither")
	p.Check(d.MaxClients > 0, "max_clients %d: more than 0", d.MaxClients)
	p.Check(d.MaxPacket >= 1<<10 && d.MaxPacket <= 16<<20, "max_packet %d: from 1024 to 16777216 bytes", d.MaxPacket)
	p.Check(d.MaxInflight > 0 && d.MaxInflight <= 65535, "max_inflight %d: from 1 to 65535", d.MaxInflight)
	p.Check(d.MaxUnwritten >= d.MaxPacket, "max_unwritten %d: at least max_packet, %d", d.MaxUnwritten, d.MaxPacket)
	p.Check(d.MaxSilence.Or(0) >= time.Second && d.MaxSilence.Or(0) <= 18*time.Hour, "max_silence %s: from 1s to 18h", d.MaxSilence.Or(0))
	p.Check(d.HelloTime > 0, "hello_time %s: more than 0", d.HelloTime.Or(0))
	p.Check(d.WriteTime > 0, "write_time %s: more than 0", d.WriteTime.Or(0))
	if err := p.Err(); err != nil {
		return fmt.Errorf("broker: %w: %w", ErrConfig, err)
	}
	return nil
}

// Broker is a running broker.
type Broker struct {
	server   *mqtt.Server
	listener *listener
	log      *slog.Logger
	once     sync.Once
	closed   chan struct{}
}

// Start listens and serves until [Broker.Close].
func Start(cfg Config, access Access, log *slog.Logger) (*Broker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	var secure *tls.Config
	if cfg.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("broker: %w: certificate %s with key %s: %w", ErrConfig, cfg.CertFile, cfg.KeyFile, err)
		}
		secure = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	server := mqtt.New(&mqtt.Options{
		Capabilities:           capabilities(cfg),
		Logger:                 slog.New(discreet{log.Handler()}),
		SysTopicResendInterval: int64((365 * 24 * time.Hour).Seconds()), // nobody may read them
	})
	// One hook and never a second: the server allows what any of its hooks allows.
	if err := server.AddHook(&gate{access: access, server: server, maxSilence: uint16(cfg.MaxSilence.Or(0) / time.Second), log: log}, nil); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	l := newListener(cfg, secure, log)
	if err := server.AddListener(l); err != nil {
		return nil, fmt.Errorf("broker: listen on %s: %w", cfg.Listen, err)
	}
	if err := server.Serve(); err != nil {
		return nil, fmt.Errorf("broker: serve on %s: %w", cfg.Listen, err)
	}
	log.Info("broker listens", "address", l.Address(), "encrypted", secure != nil)
	return &Broker{server: server, listener: l, log: log, closed: make(chan struct{})}, nil
}

// capabilities bounds the server. Its defaults bound hardly anything.
func capabilities(cfg Config) *mqtt.Capabilities {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumClients = int64(cfg.MaxClients)
	c.MaximumPacketSize = uint32(cfg.MaxPacket)
	c.MaximumInflight = uint16(cfg.MaxInflight)
	c.ReceiveMaximum = uint16(cfg.MaxInflight)
	c.MaximumClientWritesPending = 1024
	c.MinimumProtocolVersion = 4
	c.MaximumQos = 1
	c.MaximumSessionExpiryInterval = 0 // nobody's session outlives its connection
	c.MaximumMessageExpiryInterval = 0 // a status stays until it is replaced; with the default it would vanish after a day
	c.TopicAliasMaximum = 0            // aliases are resolved after the access check
	c.SharedSubAvailable = 0
	c.SubIDAvailable = 0
	return c
}

// Addr returns the address the broker listens on.
func (b *Broker) Addr() string { return b.listener.Address() }

// Close stops listening, lets every client go, and returns when they are gone or ctx ends. A second call waits too.
func (b *Broker) Close(ctx context.Context) error {
	b.once.Do(func() {
		go func() {
			defer close(b.closed)
			if err := b.server.Close(); err != nil {
				b.log.Error("broker did not stop cleanly", "error", err)
			}
		}()
	})
	select {
	case <-b.closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("broker: clients are still being let go: %w", ctx.Err())
	}
}
