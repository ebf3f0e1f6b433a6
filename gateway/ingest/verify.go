package ingest

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"loam/gateway/quarantine"
	"loam/gateway/wire"
)

// opener is [wire.Open].
type opener func(raw []byte, key ed25519.PublicKey) (wire.Sealed, error)

// verdict is what is known of a batch before anything is kept.
type verdict struct {
	gateway  string // who it is said to be from; proven where verified
	sequence uint64
	sealed   wire.Sealed       // the batch, where nothing speaks against it
	reason   quarantine.Reason // what speaks against it; "": nothing
	detail   string
	verified bool // its signature fits the gateway's key
	// undecided is why it could not be judged.
	undecided error
}

func (v verdict) because(r quarantine.Reason, err error) verdict {
	v.reason, v.detail = r, err.Error()
	return v
}

// verify makes every check that needs no memory of earlier batches. The cheap ones come first, and nothing is believed
// before the signature.
func (in *Ingest) verify(topic string, payload []byte) (v verdict) {
	v.gateway = topic
	defer func() {
		if p := recover(); p != nil {
			v = v.because(quarantine.Unreadable, fmt.Errorf("reading it failed: %v", p))
		}
	}()
	if len(payload) > wire.MaxSealedBytes {
		return v.because(quarantine.TooLarge, fmt.Errorf("%d bytes, at most %d", len(payload), wire.MaxSealedBytes))
	}
	h, err := wire.Peek(payload)
	if err != nil {
		return v.because(reasonFor(err), err)
	}
	v.gateway, v.sequence = h.Gateway, h.Sequence
	key, enrolled := in.Keys.Key(h.Gateway)
	if !enrolled {
		return v.because(quarantine.UnknownGateway, fmt.Errorf("it came on the topic of gateway %q", topic))
	}
	if h.Gateway != topic {
		// Whoever owns the topic sent it; the other only has its name misused.
		v.gateway = topic
		return v.because(quarantine.WrongTopic, fmt.Errorf("it is signed in the name of gateway %q", h.Gateway))
	}
	sealed, err := in.open(payload, key)
	if errors.Is(err, wire.ErrSignature) {
		return v.because(quarantine.Signature, err)
	}
	// Peek has passed, and Open looks at the signature before the content: it held.
	v.verified = true
	if err != nil {
		return v.because(reasonFor(err), err)
	}
	v.sealed = sealed
	return in.verifyTimes(v)
}

// verifyTimes refuses a batch with a reading from before there was loam, or from the future.
func (in *Ingest) verifyTimes(v verdict) verdict {
	now := in.Now()
	if now.Before(in.Earliest) {
		v.undecided = fmt.Errorf("ingest: batch %d of gateway %q: it is %s here: %w", v.sequence, v.gateway, now.Format(time.RFC3339), ErrHubClock)
		return v
	}
	first, last := v.sealed.Span()
	if len(v.sealed.Readings) == 0 {
		return v
	}
	if first.Before(in.Earliest) {
		return v.because(quarantine.TimeImpossible, fmt.Errorf("a reading of %s, before %s", first.Format(time.RFC3339), in.Earliest.Format(time.RFC3339)))
	}
	if latest := now.Add(in.MaxFuture); last.After(latest) {
		if in.Synced != nil && !in.Synced() {
			v.undecided = fmt.Errorf("ingest: batch %d of gateway %q: a reading of %s, while it is %s here: %w",
				v.sequence, v.gateway, last.Format(time.RFC3339), now.Format(time.RFC3339), ErrHubClock)
			return v
		}
		return v.because(quarantine.TimeImpossible, fmt.Errorf("a reading of %s, while it was %s here", last.Format(time.RFC3339), now.UTC().Format(time.RFC3339)))
	}
	return v
}

// reasonFor names what wire has against bytes.
func reasonFor(err error) quarantine.Reason {
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return quarantine.TooLarge
	case errors.Is(err, wire.ErrNotCanonical):
		return quarantine.NotCanonical
	}
	return quarantine.Malformed
}
