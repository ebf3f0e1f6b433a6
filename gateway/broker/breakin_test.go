package broker_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"loam/gateway/broker"
	"loam/gateway/identity"
	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
	"loam/internal/config"
)

// tapped gives a test the network connection under a client.
type tapped struct{ conn net.Conn }

func (c *tapped) into(o *mqtt.ClientOptions) {
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		var err error
		c.conn, err = net.Dial("tcp", u.Host)
		return c.conn, err
	})
}

func (c *tapped) cut() { c.conn.Close() }

func (h *house) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", h.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mustEnd fails the test unless the broker ends the connection.
func mustEnd(t *testing.T, c net.Conn, within time.Duration) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(within))
	if _, err := io.Copy(io.Discard, c); err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("the broker still keeps the connection after %s", within)
		}
	}
}

// isCutOff fails the test unless the broker ends this client's connection.
func (g *guest) isCutOff() {
	g.t.Helper()
	select {
	case <-g.lost:
	case <-time.After(soon):
		g.t.Fatal("the broker still keeps the connection")
	}
}

func TestNobodyComesInWithoutTheRightPassword(t *testing.T) {
	h := open(t, broker.Config{})
	right := password(t, "gw-1")
	elsewhere, err := identity.BrokerPassword(identitytest.NewSigner("gw-1"), "other")
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct{ user, password string }{
		"anonymous":                      {"", ""},
		"anonymous with a password":      {"", right},
		"no password":                    {"gw-1", ""},
		"wrong password":                 {"gw-1", "let me in"},
		"another gateway's password":     {"gw-1", password(t, "gw-2")},
		"a stranger with his own key":    {"gw-9", password(t, "gw-9")},
		"password of another community":  {"gw-1", elsewhere},
		"right password and more":        {"gw-1", right + "A"},
		"right password without its end": {"gw-1", right[:len(right)-1]},
		"upper case":                     {"GW-1", right},
		"the hub with a gateway's":       {h.access.HubUser, right},
		"the hub with a guess":           {h.access.HubUser, "hub"},
		"the hub's beginning":            {h.access.HubUser, h.access.HubPassword[:10]},
		"a gateway with the hub's":       {"gw-1", h.access.HubPassword},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := h.knock(t, try.user, try.password, func(o *mqtt.ClientOptions) { o.SetClientID(cmp.Or(try.user, "gw-1")) })
			if err == nil {
				t.Fatal("is let in")
			}
			if g.IsConnectionOpen() {
				t.Fatal("is refused but connected")
			}
		})
	}
	if !strings.Contains(h.log.String(), "wrong password") {
		t.Error("the log does not say that somebody tried")
	}
}

func TestOneGatewayCannotDisconnectAnother(t *testing.T) {
	h := open(t, broker.Config{})
	victim, hub := h.gateway(t, "gw-1"), h.hub(t)
	for _, id := range []string{"gw-1", h.access.HubUser, "", "gw-2x", "gw-2/1", "gw"} {
		_, err := h.knock(t, "gw-2", password(t, "gw-2"), func(o *mqtt.ClientOptions) { o.SetClientID(id) })
		if err == nil {
			t.Errorf("gw-2 is let in with client id %q", id)
		}
	}
	// A name that begins like another's.
	if _, err := h.knock(t, "gw", password(t, "gw"), func(o *mqtt.ClientOptions) { o.SetClientID("gw-1") }); err == nil {
		t.Error("gw is let in with client id gw-1")
	}
	victim.publish(wire.BatchTopic(community, "gw-1"), false, "still here")
	hub.publish(wire.ConfigTopic(community, "gw-1"), false, "still here")
}

func TestAGatewayPublishesUnderItsOwnNameOnly(t *testing.T) {
	h := open(t, broker.Config{})
	hub, other := h.hub(t), h.gateway(t, "gw-2")
	hub.subscribe(wire.BatchTopic(community, "+"))
	hub.subscribe(wire.StatusTopic(community, "+"))
	other.subscribe(wire.ReceiptTopic(community, "gw-2"))
	other.subscribe(wire.ConfigTopic(community, "gw-2"))
	for _, topic := range []string{
		wire.BatchTopic(community, "gw-2"), wire.StatusTopic(community, "gw-2"),
		wire.ReceiptTopic(community, "gw-2"), wire.ConfigTopic(community, "gw-2"),
		wire.ReceiptTopic(community, "gw-1"), wire.ConfigTopic(community, "gw-1"),
		wire.BatchTopic("other", "gw-1"), wire.BatchTopic(community, "gw"),
		"loam/1/valley/gw-1/batch/more", "loam/1/valley/gw-1", "loam/1/valley/gw-1/", "/loam/1/valley/gw-1/batch",
		"loam/2/valley/gw-1/batch", "Loam/1/valley/gw-1/batch", "loam/1/valley/gw-1/../gw-2/batch", "anything",
	} {
		for _, qos := range []byte{0, 1} {
			g := h.gateway(t, "gw-1")
			g.Publish(topic, qos, false, "forged")
			g.isCutOff()
		}
	}
	// Whatever came through would come before this.
	h.gateway(t, "gw-1").publish(wire.BatchTopic(community, "gw-1"), false, "true")
	if m := hub.receive(); string(m.Payload()) != "true" {
		t.Errorf("the hub got %q on %s", m.Payload(), m.Topic())
	}
	hub.publish(wire.ReceiptTopic(community, "gw-2"), false, "true")
	if m := other.receive(); string(m.Payload()) != "true" {
		t.Errorf("the other gateway got %q on %s", m.Payload(), m.Topic())
	}
}

func TestAGatewayReadsItsOwnTopicsOnly(t *testing.T) {
	h := open(t, broker.Config{})
	hub, spy := h.hub(t), h.gateway(t, "gw-2")
	for _, filter := range []string{
		"#", "+/#", "+", "/#", "loam/#", "loam/1/#", "loam/1/valley/#", "loam/1/valley/+/receipt", "loam/1/valley/gw-2/#",
		"loam/1/valley/gw-2/+", "+/1/valley/gw-2/receipt", "loam/1/+/gw-2/receipt", "loam/+/valley/gw-2/receipt",
		"loam/1/valley/gw-1/receipt", "loam/1/valley/gw-1/config", "loam/1/valley/gw-1/batch", "loam/1/valley/gw-1/status",
		"loam/1/valley/gw-2/batch", "loam/1/valley/gw-2/status", "loam/1/valley/+/batch", "loam/1/valley/+/status",
		"$SYS/#", "$SYS/broker/clients/connected", "$share/g/loam/1/valley/gw-2/receipt", "$share/g/#",
		"$SHARE/g/loam/1/valley/+/receipt", "loam/1/valley/gw-2/receipt/#", "loam/1/valley/gw-2/receipt/",
	} {
		if spy.subscribe(filter) {
			t.Errorf("gw-2 may read %s", filter)
		}
	}
	spy.subscribe(wire.ReceiptTopic(community, "gw-2"))
	hub.publish(wire.ReceiptTopic(community, "gw-1"), false, "secret")
	h.gateway(t, "gw-1").publish(wire.BatchTopic(community, "gw-1"), false, "secret")
	hub.publish(wire.ReceiptTopic(community, "gw-2"), false, "mine")
	if m := spy.receive(); string(m.Payload()) != "mine" {
		t.Errorf("gw-2 got %q on %s", m.Payload(), m.Topic())
	}
}

func TestTheHubHasItsBoundsToo(t *testing.T) {
	h := open(t, broker.Config{})
	hub := h.hub(t)
	for _, filter := range []string{"#", "loam/1/valley/+/receipt", "loam/1/valley/#", "loam/1/+/+/batch", "loam/1/other/+/batch", "$SYS/#"} {
		if hub.subscribe(filter) {
			t.Errorf("the hub may read %s", filter)
		}
	}
	hub.Publish(wire.BatchTopic(community, "gw-1"), 1, false, "forged by the hub")
	hub.isCutOff()
}

func TestALastWillSpeaksForNobodyElse(t *testing.T) {
	h := open(t, broker.Config{})
	for name, will := range map[string]func(*mqtt.ClientOptions){
		"another's status":   func(o *mqtt.ClientOptions) { o.SetWill(wire.StatusTopic(community, "gw-1"), "offline", 1, true) },
		"another's batch":    func(o *mqtt.ClientOptions) { o.SetWill(wire.BatchTopic(community, "gw-1"), "forged", 1, false) },
		"another's receipt":  func(o *mqtt.ClientOptions) { o.SetWill(wire.ReceiptTopic(community, "gw-1"), "forged", 0, false) },
		"system":             func(o *mqtt.ClientOptions) { o.SetWill("$SYS/broker/version", "9", 0, true) },
		"wildcard":           func(o *mqtt.ClientOptions) { o.SetWill("loam/1/valley/+/receipt", "forged", 1, false) },
		"own batch retained": func(o *mqtt.ClientOptions) { o.SetWill(wire.BatchTopic(community, "gw-2"), "for ever", 1, true) },
	} {
		if _, err := h.knock(t, "gw-2", password(t, "gw-2"), will); err == nil {
			t.Errorf("a last will on %s is taken", name)
		}
	}
}

func TestAGatewayStruckOffCanDoNothingMore(t *testing.T) {
	h := open(t, broker.Config{})
	hub, gw := h.hub(t), h.gateway(t, "gw-1")
	if !hub.subscribe(wire.BatchTopic(community, "+")) || !gw.subscribe(wire.ReceiptTopic(community, "gw-1")) {
		t.Fatal("subscription refused")
	}
	h.keys.strike("gw-1")
	hub.publish(wire.ReceiptTopic(community, "gw-1"), false, "not for you")
	gw.Publish(wire.BatchTopic(community, "gw-1"), 1, false, "still me")
	gw.isCutOff()
	if len(gw.got) > 0 {
		t.Error("it still reads")
	}
	if _, err := h.knock(t, "gw-1", password(t, "gw-1"), nil); err == nil {
		t.Error("it comes in again")
	}
}

func TestTooLargeAPacketEndsTheConnectionOnly(t *testing.T) {
	h := open(t, broker.Config{})
	hub := h.hub(t)
	hub.subscribe(wire.BatchTopic(community, "+"))
	gw := h.gateway(t, "gw-1")
	gw.publish(wire.BatchTopic(community, "gw-1"), false, strings.Repeat("x", wire.MaxSealedBytes))
	if m := hub.receive(); len(m.Payload()) != wire.MaxSealedBytes {
		t.Errorf("the largest batch arrives with %d bytes", len(m.Payload()))
	}
	gw.Publish(wire.BatchTopic(community, "gw-1"), 1, false, strings.Repeat("x", 600<<10))
	gw.isCutOff()
	h.gateway(t, "gw-1").publish(wire.BatchTopic(community, "gw-1"), false, "next")
	if m := hub.receive(); string(m.Payload()) != "next" {
		t.Errorf("then came %d bytes", len(m.Payload()))
	}
}

// connectPacket is a CONNECT for raw connections.
func connectPacket(level byte, keepAlive uint16, user, password string) []byte {
	field := func(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }
	body := append(field("MQTT"), level, 0b1100_0010)
	body = binary.BigEndian.AppendUint16(body, keepAlive)
	if level == 5 {
		body = append(body, 0)
	}
	for _, s := range []string{user, user, password} {
		body = append(body, field(s)...)
	}
	return append(binary.AppendUvarint([]byte{0x10}, uint64(len(body))), body...)
}

func TestMQTT5IsRefusedInWords(t *testing.T) {
	h := open(t, broker.Config{})
	c := h.dial(t)
	defer c.Close()
	c.Write(connectPacket(5, 30, "gw-1", password(t, "gw-1")))
	c.SetReadDeadline(time.Now().Add(soon))
	answer := make([]byte, 4)
	if _, err := io.ReadFull(c, answer); err != nil || answer[0] != 0x20 || answer[3] != 0x84 {
		t.Errorf("the answer is %x, %v; want a CONNACK with 0x84, unsupported protocol version", answer, err)
	}
	mustEnd(t, c, soon)
}

func TestBeforeTheFirstWordOnlyLittleIsGiven(t *testing.T) {
	patient := open(t, broker.Config{HelloTime: config.Duration(time.Hour)})
	for name, first := range map[string][]byte{
		"no CONNECT":         {0x30, 5, 0, 1, 'a', 'b', 'c'},
		"a huge CONNECT":     {0x10, 0xff, 0xff, 0x1f},
		"a large CONNECT":    {0x10, 0x81, 0x40},
		"a length of no end": {0x10, 0xff, 0xff, 0xff, 0xff, 0xff},
		"http":               []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			c := patient.dial(t)
			defer c.Close()
			c.Write(first)
			mustEnd(t, c, soon)
		})
	}
	h := open(t, broker.Config{HelloTime: config.Duration(100 * time.Millisecond)})
	for name, first := range map[string][]byte{
		"silence":        nil,
		"a byte":         {0x10},
		"half a CONNECT": connectPacket(4, 0, "gw-1", "password")[:20],
	} {
		t.Run(name, func(t *testing.T) {
			c := h.dial(t)
			defer c.Close()
			c.Write(first)
			mustEnd(t, c, soon)
		})
	}
	// Whoever is slow but reasonable comes in.
	c := patient.dial(t)
	defer c.Close()
	for _, b := range connectPacket(4, 30, "gw-1", password(t, "gw-1")) {
		c.Write([]byte{b})
	}
	answer := make([]byte, 4)
	c.SetReadDeadline(time.Now().Add(soon))
	if _, err := io.ReadFull(c, answer); err != nil || answer[3] != 0 {
		t.Errorf("a CONNECT in single bytes is answered %x, %v", answer, err)
	}
}

func TestSilenceHasAnEndThoughTheClientAskedForNone(t *testing.T) {
	h := open(t, broker.Config{MaxSilence: config.Duration(time.Second)})
	c := h.dial(t)
	defer c.Close()
	c.Write(connectPacket(4, 0, "gw-1", password(t, "gw-1")))
	mustEnd(t, c, soon)
}

func TestASecondHelloDoesNotPutThePasswordIntoTheLog(t *testing.T) {
	h := open(t, broker.Config{})
	password := password(t, "gw-1")
	c := h.dial(t)
	defer c.Close()
	c.Write(connectPacket(4, 30, "gw-1", password))
	c.Write(connectPacket(4, 30, "gw-1", password))
	mustEnd(t, c, soon)
	for _, secret := range []string{password, h.access.HubPassword, fmt.Sprintf("%v", []byte(password))[1:40]} {
		if strings.Contains(h.log.String(), secret) {
			t.Fatalf("the log holds a password:\n%s", h.log)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s", h.access, h.access, h.access, h.access); strings.Contains(s, h.access.HubPassword) {
		t.Errorf("printed, the access holds the hub's password: %s", s)
	}
}

func TestAClientThatReadsNothingIsCutOffAndHoldsUpNobody(t *testing.T) {
	h := open(t, broker.Config{MaxUnwritten: 1 << 20})
	hub := h.hub(t)
	deaf := h.dial(t)
	defer deaf.Close()
	deaf.Write(connectPacket(4, 300, "gw-1", password(t, "gw-1")))
	subscribe := append([]byte{0, 1, 0, byte(len(wire.ConfigTopic(community, "gw-1")))}, wire.ConfigTopic(community, "gw-1")...)
	subscribe = append(subscribe, 1)
	deaf.Write(append([]byte{0x82, byte(len(subscribe))}, subscribe...))
	answers := make([]byte, 9)
	deaf.SetReadDeadline(time.Now().Add(soon))
	if _, err := io.ReadFull(deaf, answers); err != nil || answers[8] != 1 {
		t.Fatalf("answers %x, %v", answers, err)
	}
	// From here on it reads nothing. Sending far more than any buffer holds must not stop the hub.
	began := time.Now()
	for range 250 {
		hub.publish(wire.ConfigTopic(community, "gw-1"), false, strings.Repeat("x", 100<<10))
	}
	other := h.gateway(t, "gw-2")
	other.subscribe(wire.ReceiptTopic(community, "gw-2"))
	hub.publish(wire.ReceiptTopic(community, "gw-2"), false, "hello")
	if m := other.receive(); string(m.Payload()) != "hello" {
		t.Errorf("came %q", m.Payload())
	}
	if took := time.Since(began); took > 2*soon {
		t.Errorf("the hub was held up for %s", took)
	}
	deaf.SetReadDeadline(time.Now().Add(soon))
	if n, err := io.Copy(io.Discard, deaf); errors.Is(err, os.ErrDeadlineExceeded) || n > 20<<20 {
		t.Errorf("it is not cut off: %d bytes were kept for it, %v", n, err)
	}
	h.gateway(t, "gw-1") // and it may come again
}

func TestAFullHouseRefusesAndRecovers(t *testing.T) {
	h := open(t, broker.Config{MaxClients: 2, HelloTime: config.Duration(time.Hour)})
	h.hub(t)
	first := h.gateway(t, "gw-1")
	if _, err := h.knock(t, "gw-2", password(t, "gw-2"), nil); err == nil {
		t.Fatal("a third is let in")
	}
	var silent []net.Conn
	for range 50 { // more than the house has room for altogether
		silent = append(silent, h.dial(t))
	}
	first.publish(wire.BatchTopic(community, "gw-1"), false, "still here")
	mustEnd(t, silent[len(silent)-1], soon) // turned away at the door
	if n := strings.Count(h.log.String(), "broker is full"); n != 1 {
		t.Errorf("%d lines in the log about as many strangers as like to knock", n)
	}
	for _, c := range silent {
		c.Close()
	}
	first.Disconnect(100)
	deadline := time.Now().Add(soon)
	for {
		if _, err := h.knock(t, "gw-2", password(t, "gw-2"), nil); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody is let in although there is room again")
		}
		time.Sleep(time.Millisecond)
	}
}
