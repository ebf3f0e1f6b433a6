// Package feed takes over what other systems measured: uplinks of a LoRaWAN network, SenML and JSON from firmware, files of
// a logger. A message becomes readings that go the way of all others: kept in the spool, signed, receipted.
//
// Each reading carries [sensors.ForeignCertificate]: the gateway vouches for what it received and from which kind of
// system, not for probe, calibration or time. It earns nothing until a method accepts that system by name.
//
// A reading's time is the message's own. It belongs to no boot of the gateway, so that it is never dated by the gateway's
// uptime, nor dates anything itself. Its clock state says whether the gateway's clock was set when it took it over, and could
// tell that the time is not in the future.
//
// Read in this order: feed.go (the nouns), config.go, chirpstack.go, senml.go, jsonfeed.go and csvfeed.go (one format each,
// pure functions), readings.go (a record becomes readings), run.go, broker.go and file.go (where records come from).
package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"loam/sensors"
)

// Message is what came at once. Its records are kept together or not at all.
type Message struct {
	Key     string // the same for the same message, however often it comes; "": nobody can say
	Records []Record
}

// Record is what a message, or a line, says about one moment.
type Record struct {
	At     time.Time         // its own time; zero: it has none
	Device string            // what sent it, where the format says so
	Fields map[string]string // numbers as they were written, by their path: "object.temperature"
	Units  map[string]string // SenML units by field, where the format has them
}

// Sink keeps readings, each of its calls whole or not at all.
type Sink interface {
	// Append keeps readings whose message has no key.
	Append(ctx context.Context, readings []sensors.Reading) error
	// AppendOnce keeps the readings of a message, unless it did before.
	AppendOnce(ctx context.Context, source, key string, readings []sensors.Reading) (kept bool, err error)
	// AppendAt keeps readings, and that source was read up to position.
	AppendAt(ctx context.Context, source, position string, readings []sensors.Reading) error
	// Position returns up to where source was read; "": not at all.
	Position(ctx context.Context, source string) (string, error)
}

// ErrMessage is wrapped by everything that is said against a message.
var ErrMessage = errors.New("message cannot be taken over")

// Bounds of what a message can be.
const (
	maxMessage = 64 << 10 // bytes; a LoRaWAN uplink has some 2000
	maxFields  = 512
	maxDepth   = 8
	maxKey     = 256
	maxLine    = 64 << 10
)

// digest is the key of a message that has a time and no key: the same content of the same time is the same message.
func digest(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}
