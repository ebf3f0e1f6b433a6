//go:build servers

package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"loam/gateway/wire"
	"loam/internal/servertest"
)

// mosquitto is an Eclipse Mosquitto with the rules of a community, as docs and samples would set them.
type mosquitto struct{ *servertest.MosquittoServer }

func (mosquitto) Hub() (user, password string) { return "hub", "hub password" }

func newMosquitto(t testing.TB, gateways ...string) mosquitto {
	t.Helper()
	user, password := mosquitto{}.Hub()
	users := map[string]string{user: password}
	acl := []string{
		"user " + user,
		"topic read " + wire.BatchTopic(community, "+"), "topic read " + wire.StatusTopic(community, "+"),
		"topic write " + wire.ReceiptTopic(community, "+"), "topic write " + wire.ConfigTopic(community, "+"),
	}
	for _, id := range gateways {
		var err error
		if users[id], err = brokerPassword(id); err != nil {
			t.Fatal(err)
		}
		acl = append(acl, "user "+id,
			"topic write "+wire.BatchTopic(community, id), "topic write "+wire.StatusTopic(community, id),
			"topic read "+wire.ReceiptTopic(community, id), "topic read "+wire.ConfigTopic(community, id))
	}
	return mosquitto{servertest.Mosquitto(t, servertest.MosquittoConfig{Users: users, ACL: strings.Join(acl, "\n") + "\n"})}
}

// Restart kills: a broker that stops cleanly loses less.
func (m mosquitto) Restart() { m.Kill(); m.Start() }

func TestEverythingArrivesOnceThroughMosquitto(t *testing.T) {
	h := newHub(t)
	r := flow(t, newMosquitto(t, "gw-1", "gw-2", "gw-3"), h, []string{"gw-1", "gw-2", "gw-3"}, nil)
	r.seal(50, 3)
	r.drained()
	until(t, "all are online", func() bool {
		n := 0
		for _, s := range r.intake.Statuses() {
			if s.Online {
				n++
			}
		}
		return n == 3
	})
	r.stops[1]()
	until(t, "gw-1 has said goodbye", func() bool { return !r.intake.Statuses()["gw-1"].Online })
}

func TestNothingIsLostInChaosThroughMosquitto(t *testing.T) {
	chaos(t, newMosquitto(t, "gw-1", "gw-2", "gw-3"), 80, 4)
}

func BenchmarkMosquitto(b *testing.B) {
	for _, gateways := range []int{1, 3} {
		b.Run(fmt.Sprintf("gateways=%d", gateways), func(b *testing.B) { throughput(b, newMosquitto(b, names(gateways)...), gateways) })
	}
}
