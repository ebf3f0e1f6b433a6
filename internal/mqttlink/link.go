package mqttlink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Link makes connections to one broker, one after the other.
type Link struct {
	cfg     Config
	address string
	tls     *tls.Config
}

// ErrLost says that the connection went away.
var ErrLost = errors.New("connection to the broker is lost")

// New checks the configuration. It connects to nothing yet.
func New(cfg Config) (*Link, error) {
	address, secure, err := parseBroker(cfg.Broker)
	if err != nil {
		return nil, fmt.Errorf("mqttlink: %w: %w", ErrConfig, err)
	}
	l := &Link{cfg: cfg.withDefaults(), address: address}
	switch {
	case cfg.ClientID == "":
		return nil, fmt.Errorf("mqttlink: %w: client id is missing", ErrConfig)
	case cfg.CAFile != "" && !secure:
		return nil, fmt.Errorf("mqttlink: %w: ca_file is given, but %s is not encrypted: use mqtts://", ErrConfig, address)
	case secure:
		if l.tls, err = tlsConfig(address, cfg.CAFile); err != nil {
			return nil, fmt.Errorf("mqttlink: %w: %w", ErrConfig, err)
		}
	}
	return l, nil
}

// Run connects, calls serve, and does both again whenever serve returns or the connection could not be made, until ctx
// ends. The context of serve ends when the connection is lost, with [ErrLost] as its cause, or with ctx; in the latter
// case the connection still stands, and serve may say goodbye before it returns.
func (l *Link) Run(ctx context.Context, serve func(context.Context, *Session) error) error {
	wait := l.cfg.MinBackoff
	for ctx.Err() == nil {
		lasted, err := l.once(ctx, serve)
		if ctx.Err() != nil {
			break
		}
		if lasted > 2*wait {
			wait = l.cfg.MinBackoff // it had worked for a while
		}
		pause := wait/2 + rand.N(wait) // spread, so that a hub that comes back is not met by everyone at once
		l.cfg.Log.Warn("no connection to the broker; trying again", "broker", l.address, "error", err, "in", pause.Round(time.Millisecond))
		wait = min(2*wait, l.cfg.MaxBackoff)
		if !sleep(ctx, pause) {
			break
		}
	}
	return ctx.Err()
}

// once makes one connection and serves it until it is lost. It returns how long the connection stood.
func (l *Link) once(parent context.Context, serve func(context.Context, *Session) error) (time.Duration, error) {
	// life is the connection's; it outlives parent for as long as serve needs to say goodbye.
	life, end := context.WithCancelCause(context.WithoutCancel(parent))
	defer end(nil)
	lost := func(err error) { end(fmt.Errorf("%w: %w", ErrLost, err)) }
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	defer context.AfterFunc(life, func() { cancel(context.Cause(life)) })()

	client := mqtt.NewClient(l.options(ctx, lost))
	defer client.Disconnect(uint(min(l.cfg.TokenTimeout, 250*time.Millisecond) / time.Millisecond))
	// The handshake bounds itself; the extra second only guards against a token that never completes.
	if err := wait(ctx, client.Connect(), l.cfg.ConnectTimeout+time.Second); err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	began := time.Now()
	l.cfg.Log.Info("connected to the broker", "broker", l.address, "encrypted", l.tls != nil)
	s := &Session{client: client, timeout: l.cfg.TokenTimeout, life: life, out: make(chan Message, outgoing)}
	go s.carry(lost)
	err := serve(ctx, s)
	if cause := context.Cause(life); cause != nil && parent.Err() == nil {
		err = cause
	}
	return time.Since(began), err
}

func (l *Link) options(ctx context.Context, lost func(error)) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().
		AddBroker("tcp://" + l.address). // only a label: open does the dialling
		SetClientID(l.cfg.ClientID).SetUsername(l.cfg.Username).SetPassword(l.cfg.Password).
		SetProtocolVersion(4). // otherwise a refused password is tried again as MQTT 3.1
		SetCleanSession(true).SetStore(noStore{}).
		SetConnectRetry(false).SetAutoReconnect(false). // Run does both, with a fresh client
		SetOrderMatters(true).
		SetKeepAlive(l.cfg.KeepAlive).SetPingTimeout(l.cfg.PingTimeout).
		SetConnectTimeout(l.cfg.ConnectTimeout).SetWriteTimeout(l.cfg.TokenTimeout).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost(err) }).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return l.open(ctx) })
	if l.cfg.Will != nil {
		if w := l.cfg.Will(); w != nil {
			o.SetBinaryWill(w.Topic, w.Payload, 1, w.Retained)
		}
	}
	return o
}

// open dials under a context, so that a shutdown does not wait for an unreachable host.
func (l *Link) open(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.ConnectTimeout)
	defer cancel()
	dialer := &net.Dialer{KeepAlive: 15 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	if l.cfg.Count != nil {
		conn = counted{conn, l.cfg.Count}
	}
	if l.tls == nil {
		return conn, nil
	}
	secure := tls.Client(conn, l.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the cause is err
		return nil, err
	}
	return secure, nil
}

// wait waits for a token, bounded by timeout and ctx.
func wait(ctx context.Context, t mqtt.Token, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-timer.C:
		return fmt.Errorf("no answer from the broker within %s", timeout)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sleep waits for d and reports whether it did, rather than being woken by the end of ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
