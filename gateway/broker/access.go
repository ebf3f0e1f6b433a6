package broker

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"fmt"

	"loam/gateway/identity"
	"loam/gateway/wire"
)

// Keys knows the public key that a gateway signs with.
type Keys interface {
	Key(gateway string) (ed25519.PublicKey, bool)
}

// HubUser is the hub's own user name. No gateway can have it: names have no "@".
const HubUser = "@hub"

// GatewayAccess is the rule of a community. A gateway proves with a signature that it has the key it is registered with,
// publishes on its own batch and status topics and reads its own receipts and configuration. The hub reads every
// gateway's batches and status and writes to each gateway's receipt and config topics. Nobody may do anything else.
//
// The registry is asked each time, so a gateway that is struck off can do nothing from that moment on.
type GatewayAccess struct {
	Community   string
	Keys        Keys
	HubUser     string
	HubPassword string
}

// NewGatewayAccess returns the rule of a community, with a fresh password for the hub.
func NewGatewayAccess(community string, keys Keys) GatewayAccess {
	return GatewayAccess{Community: community, Keys: keys, HubUser: HubUser, HubPassword: rand.Text()}
}

// String names the community and nothing secret.
func (a GatewayAccess) String() string { return fmt.Sprintf("access to community %s", a.Community) }

// GoString is [GatewayAccess.String].
func (a GatewayAccess) GoString() string { return a.String() }

// Authenticate implements [Access].
func (a GatewayAccess) Authenticate(user, password string) bool {
	if user == a.HubUser {
		return a.HubPassword != "" && subtle.ConstantTimeCompare([]byte(password), []byte(a.HubPassword)) == 1
	}
	key, known := a.Keys.Key(user)
	return known && identity.CheckBrokerPassword(key, a.Community, user, password)
}

// MayPublish implements [Access].
func (a GatewayAccess) MayPublish(user, topic string) bool {
	community, gateway, leaf, err := wire.ParseTopic(topic)
	if err != nil || community != a.Community {
		return false
	}
	if user == a.HubUser {
		return leaf == wire.LeafReceipt || leaf == wire.LeafConfig
	}
	return a.own(user, gateway) && (leaf == wire.LeafBatch || leaf == wire.LeafStatus)
}

// MaySubscribe implements [Access].
func (a GatewayAccess) MaySubscribe(user, filter string) bool {
	if user == a.HubUser && (filter == wire.BatchTopic(a.Community, "+") || filter == wire.StatusTopic(a.Community, "+")) {
		return true
	}
	community, gateway, leaf, err := wire.ParseTopic(filter)
	if err != nil || community != a.Community {
		return false
	}
	if user == a.HubUser {
		return leaf == wire.LeafBatch || leaf == wire.LeafStatus
	}
	return a.own(user, gateway) && (leaf == wire.LeafReceipt || leaf == wire.LeafConfig)
}

func (a GatewayAccess) own(user, gateway string) bool {
	_, known := a.Keys.Key(user)
	return known && user == gateway
}
