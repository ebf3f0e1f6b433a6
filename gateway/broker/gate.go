package broker

import (
	"bytes"
	"log/slog"
	"strings"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"loam/gateway/wire"
)

// Access decides who may do what. Its methods are called concurrently, and on every message.
type Access interface {
	// Authenticate reports whether this user has this password.
	Authenticate(user, password string) bool
	// MayPublish reports whether the user may publish on the topic.
	MayPublish(user, topic string) bool
	// MaySubscribe reports whether the user may subscribe to the filter, and, with a topic for a filter, whether a
	// message on it may be delivered to the user.
	MaySubscribe(user, filter string) bool
}

// gate is the server's only hook: everything a client wants goes through it.
type gate struct {
	mqtt.HookBase // its answers to what gate does not provide; Provides and the methods below belong together
	access        Access
	server        *mqtt.Server
	maxSilence    uint16
	log           *slog.Logger
}

// ID implements the server's hook.
func (g *gate) ID() string { return "gate" }

// Provides implements the server's hook.
func (g *gate) Provides(b byte) bool {
	return bytes.IndexByte([]byte{mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablish, mqtt.OnACLCheck, mqtt.OnPublish}, b) >= 0
}

// OnConnect refuses what needs no password to be refused. MQTT 5 brings topic aliases, delayed wills, sessions that
// outlive connections and flow control, each a way round a bound or a check; no client of ours speaks it.
func (g *gate) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	if cl.Properties.ProtocolVersion != 4 {
		_ = g.server.SendConnack(cl, packets.ErrUnsupportedProtocolVersion, false, nil) // it goes either way
		return packets.ErrUnsupportedProtocolVersion
	}
	if k := &cl.State.Keepalive; *k == 0 || *k > g.maxSilence {
		*k = g.maxSilence // a client that asked for silence without end would hold its connection for ever
	}
	return nil
}

// OnConnectAuthenticate implements the server's hook. The client id must be the user's name: the server ends an older
// connection with the same client id, whoever it belongs to, so any other id would let one gateway disconnect another.
// The last will is checked here because the server checks it nowhere.
func (g *gate) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	user := string(pk.Connect.Username)
	refuse := func(why string) bool {
		g.log.Warn("broker refuses a client", "user", user, "client_id", cl.ID, "remote", cl.Net.Remote, "why", why)
		return false
	}
	switch {
	case user == "" || len(pk.Connect.Password) == 0:
		return refuse("no user name or password")
	case !g.access.Authenticate(user, string(pk.Connect.Password)):
		return refuse("unknown user or wrong password")
	case cl.ID != user:
		return refuse("the client id must be the user name")
	case pk.Connect.WillFlag && !g.access.MayPublish(user, pk.Connect.WillTopic):
		return refuse("last will on a topic this user may not publish on")
	case pk.Connect.WillRetain && !retainable(pk.Connect.WillTopic):
		return refuse("retained last will on a topic that keeps no message")
	}
	return true
}

// OnSessionEstablish implements the server's hook: it lets go of the user's older connection and waits until the server is
// done with it. Left to itself the server does both at once, and can publish the old connection's last will after the
// new one's status, or strike the new connection off its list in place of the old.
func (g *gate) OnSessionEstablish(cl *mqtt.Client, _ packets.Packet) {
	old, ok := g.server.Clients.Get(cl.ID)
	if !ok {
		return
	}
	g.log.Info("broker lets go of a user's older connection", "user", cl.ID, "old_remote", old.Net.Remote, "new_remote", cl.Net.Remote)
	old.Stop(packets.ErrSessionTakenOver)
	if c, ok := old.Net.Conn.(*conn); ok {
		timer := time.NewTimer(takeoverTime)
		defer timer.Stop()
		select {
		case <-c.left:
		case <-timer.C:
		}
	}
}

// takeoverTime bounds the wait for an older connection to end. It needs less than a millisecond.
const takeoverTime = 2 * time.Second

// OnACLCheck implements the server's hook. The server asks it with a filter at subscription and with a topic at delivery.
// A client that writes where it may not is let go: it is broken or up to no good, and would fill the log.
func (g *gate) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	user := string(cl.Properties.Username)
	allowed, want := false, "read"
	if write {
		allowed, want = g.access.MayPublish(user, topic), "write"
	} else {
		allowed = g.access.MaySubscribe(user, topic)
	}
	if !allowed && write {
		cl.Stop(packets.ErrNotAuthorized)
	}
	if !allowed {
		g.log.Warn("broker denies a topic", "user", user, "topic", strings.ToValidUTF8(topic, "?"), "want", want)
	}
	return allowed
}

// OnPublish implements the server's hook. A retained batch would be delivered to each new subscriber for ever.
func (g *gate) OnPublish(_ *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Retain && !retainable(pk.TopicName) {
		pk.FixedHeader.Retain = false
	}
	return pk, nil
}

// retainable reports whether the topic is one whose last message is kept for whoever subscribes later.
func retainable(topic string) bool {
	_, _, leaf, err := wire.ParseTopic(topic)
	return err == nil && (leaf == wire.LeafStatus || leaf == wire.LeafConfig)
}
