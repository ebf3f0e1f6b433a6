package broker

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// What a connection can be ended for.
var (
	errTooSlow   = errors.New("client reads too slowly: cut off")
	errBadHello  = errors.New("first packet is not a connection request of reasonable size")
	errConnEnded = errors.New("connection has ended")
)

// maxHello is the largest first packet: ids, password and last will. The server would make room for a whole packet
// before anybody has said a password.
const maxHello = 8 << 10

// conn is a client's connection. Write never waits: the server holds locks while it writes, so a client that reads nothing
// would stop every other that sends to it. What is written waits here, up to a bound; beyond that the client is cut off,
// and gets what it missed by connecting again.
type conn struct {
	net.Conn // the network, or TLS over it
	max      int
	patience time.Duration

	hello   []byte // the first bytes, until they are known to be reasonable
	greeted bool

	mu      sync.Mutex
	pending []byte
	ended   bool
	more    chan struct{} // one signal: pending or ended has changed

	left chan struct{} // closed when the server is done with the connection, its last will published
}

func newConn(raw net.Conn, secure *tls.Config, cfg Config) *conn {
	_ = raw.SetDeadline(time.Now().Add(cfg.HelloTime.Or(0))) // fails only on a closed connection
	c := &conn{
		Conn: raw, max: cfg.MaxUnwritten, patience: cfg.WriteTime.Or(0),
		more: make(chan struct{}, 1), left: make(chan struct{}),
	}
	if secure != nil {
		c.Conn = tls.Server(raw, secure)
	}
	go c.flush()
	return c
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.greeted && n > 0 {
		if !c.reasonable(p[:n]) {
			return 0, errBadHello
		}
	}
	return n, err
}

// reasonable looks at the fixed header of the first packet: type CONNECT, and a length within maxHello.
func (c *conn) reasonable(p []byte) bool {
	c.hello = append(c.hello, p[:min(len(p), 4-len(c.hello))]...)
	if c.hello[0] != 0x10 {
		return false
	}
	length := 0
	for i, b := range c.hello[1:] {
		length |= int(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			c.greeted, c.hello = true, nil
			return length <= maxHello
		}
	}
	return len(c.hello) < 4 // maxHello needs two bytes of length, the third is generosity
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
		return 0, errConnEnded
	case len(c.pending)+len(p) > c.max:
		c.pending = nil
		c.end(0)
		return 0, errTooSlow
	}
	c.pending = append(c.pending, p...)
	c.signal()
	return len(p), nil
}

// flush carries what is pending to the network, until the connection ends; then what is left, once, and it closes.
func (c *conn) flush() {
	defer c.Conn.Close()
	var spare []byte
	for range c.more {
		for {
			c.mu.Lock()
			chunk, ended := c.pending, c.ended
			c.pending = spare[:0]
			c.mu.Unlock()
			if len(chunk) == 0 {
				if ended {
					return
				}
				spare = chunk
				break
			}
			if !ended {
				c.allow(c.patience)
			}
			if _, err := c.Conn.Write(chunk); err != nil {
				c.Close()
				return
			}
			if spare = chunk; cap(spare) > 64<<10 {
				spare = nil // a burst is over; do not keep its room for ever
			}
		}
	}
}

func (c *conn) signal() {
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// allow gives the network so long to take what is being written, unless the connection has ended, which sets a bound of
// its own.
func (c *conn) allow(patience time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(patience)) // a failure shows in the write
	}
}

// end stops reading at once, and writing after a while. Callers hold mu.
func (c *conn) end(while time.Duration) {
	c.ended = true
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0)) // wakes a reader; fails only where nobody reads
	_ = c.Conn.SetWriteDeadline(time.Now().Add(while))
	c.signal()
}

// Close implements net.Conn. It does not wait: what was written before is still carried out, for a second at most.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.end(min(c.patience, time.Second))
	}
	return nil
}

// SetDeadline implements net.Conn. The server means the client's silence; writes have a bound of their own.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return io.ErrClosedPipe
	}
	return c.Conn.SetReadDeadline(t)
}
