package broker

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// listener accepts connections for the server and bounds what they cost before anybody has said a password: how many
// there are, how long they may take to say who they are, and how much they may say before that.
type listener struct {
	cfg Config
	tls *tls.Config
	log *slog.Logger

	listen net.Listener
	slots  chan struct{}

	mu     sync.Mutex
	open   map[*conn]struct{}
	closed bool
}

func newListener(cfg Config, secure *tls.Config, log *slog.Logger) *listener {
	// A few more than clients, so that a full house can still refuse properly and let a gateway replace its own
	// connection.
	return &listener{cfg: cfg, tls: secure, log: log, slots: make(chan struct{}, cfg.MaxClients+16), open: map[*conn]struct{}{}}
}

// ID implements the server's listener.
func (l *listener) ID() string { return "tcp" }

// Protocol implements the server's listener.
func (l *listener) Protocol() string { return "tcp" }

// Address implements the server's listener.
func (l *listener) Address() string { return l.listen.Addr().String() }

// Init implements the server's listener.
func (l *listener) Init(*slog.Logger) (err error) {
	l.listen, err = net.Listen("tcp", l.cfg.Listen)
	return err
}

// Serve implements the server's listener.
func (l *listener) Serve(establish listeners.EstablishFn) {
	var said time.Time // when the log last heard that the broker is full: strangers that knock must not fill the disk
	for {
		raw, err := l.listen.Accept()
		if err != nil {
			if l.isClosed() {
				return
			}
			l.log.Warn("broker cannot accept a connection", "error", err)
			time.Sleep(50 * time.Millisecond) // usually out of file descriptors; others are about to go
			continue
		}
		select {
		case l.slots <- struct{}{}:
			go l.serve(raw, establish)
		default:
			if time.Since(said) > time.Minute {
				said = time.Now()
				l.log.Warn("broker is full", "remote", raw.RemoteAddr().String(), "max_clients", l.cfg.MaxClients)
			}
			_ = raw.Close()
		}
	}
}

// serve runs one connection. A panic while the server reads from it ends the connection and nothing else.
func (l *listener) serve(raw net.Conn, establish listeners.EstablishFn) {
	defer func() { <-l.slots }()
	c := newConn(raw, l.tls, l.cfg)
	defer close(c.left)
	defer c.Close()
	if !l.track(c) {
		return
	}
	defer l.forget(c)
	remote := raw.RemoteAddr().String()
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("broker gave up on a connection", "remote", remote, "panic", fmt.Sprint(p))
		}
	}()
	if err := establish(l.ID(), c); err != nil {
		l.log.Debug("connection ended", "remote", remote, "error", err)
	}
}

func (l *listener) track(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.open[c] = struct{}{}
	}
	return !l.closed
}

func (l *listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

func (l *listener) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Close implements the server's listener. The server lets go of those it knows; those that have not said who they are
// it does not know, and would wait for.
func (l *listener) Close(closeClients listeners.CloseFn) {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.mu.Unlock()
	if !first {
		return
	}
	_ = l.listen.Close() // nothing to be done about it
	closeClients(l.ID())
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.Close()
	}
}
