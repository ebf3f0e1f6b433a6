package wire

import (
	"fmt"
	"strings"

	"loam/internal/name"
)

// The leaves under a gateway's prefix.
const (
	LeafBatch   = "batch"   // gateway to hub, QoS 1: a sealed batch
	LeafReceipt = "receipt" // hub to gateway, QoS 1: a sealed receipt
	LeafStatus  = "status"  // gateway, retained, with a last will
	LeafConfig  = "config"  // hub to gateway, retained
)

const topicRoot = "loam/1/" // the second level is the version of the format

// BatchTopic is where a gateway publishes its batches.
func BatchTopic(community, gateway string) string { return topic(community, gateway, LeafBatch) }

// ReceiptTopic is where the hub answers a gateway's batches.
func ReceiptTopic(community, gateway string) string { return topic(community, gateway, LeafReceipt) }

// StatusTopic is where a gateway says that it is there.
func StatusTopic(community, gateway string) string { return topic(community, gateway, LeafStatus) }

// ConfigTopic is where the hub leaves a gateway's configuration.
func ConfigTopic(community, gateway string) string { return topic(community, gateway, LeafConfig) }

func topic(community, gateway, leaf string) string {
	return topicRoot + community + "/" + gateway + "/" + leaf
}

// ParseTopic takes a topic apart. It accepts exactly what the functions above build from well-formed names; its error
// wraps [ErrMalformed].
func ParseTopic(topic string) (community, gateway, leaf string, err error) {
	rest, ours := strings.CutPrefix(topic, topicRoot)
	parts := strings.Split(rest, "/")
	if !ours || len(parts) != 3 || !name.Valid(parts[0]) || !name.Valid(parts[1]) {
		return "", "", "", fmt.Errorf("wire: %w: topic %q is not %s<community>/<gateway>/<leaf>", ErrMalformed, topic, topicRoot)
	}
	switch parts[2] {
	case LeafBatch, LeafReceipt, LeafStatus, LeafConfig:
		return parts[0], parts[1], parts[2], nil
	}
	return "", "", "", fmt.Errorf("wire: %w: topic %q ends in none of batch, receipt, status and config", ErrMalformed, topic)
}
