package uplink

import (
	"cmp"
	"slices"
	"time"

	"loam/gateway/wire"
)

// flight is a batch under way: sent, or about to be, and not receipted.
type flight struct {
	sequence uint64
	digest   wire.Digest
	bytes    []byte
	sent     int       // how often
	due      time.Time // when to send it (again)
}

// window is what is under way. It does nothing by itself and knows no clock.
type window struct {
	size        int
	first, most time.Duration  // wait for a receipt: at first, and at most
	jitter      func() float64 // from 0 to 1
	flights     map[uint64]*flight
}

func newWindow(size int, first, most time.Duration, jitter func() float64) *window {
	return &window{size: size, first: first, most: most, jitter: jitter, flights: make(map[uint64]*flight, size)}
}

// free returns how many more batches fit.
func (w *window) free() int { return w.size - len(w.flights) }

// has reports whether the batch is under way.
func (w *window) has(sequence uint64) bool { return w.flights[sequence] != nil }

// add puts a batch under way, due at once. One that is under way already stays as it is.
func (w *window) add(b wire.Sealed) {
	if !w.has(b.Sequence) {
		w.flights[b.Sequence] = &flight{sequence: b.Sequence, digest: b.Digest, bytes: b.Bytes}
	}
}

// due returns what is to be sent at now, in sequence order.
func (w *window) due(now time.Time) []*flight {
	var due []*flight
	for _, f := range w.flights {
		if !f.due.After(now) {
			due = append(due, f)
		}
	}
	slices.SortFunc(due, func(a, b *flight) int { return cmp.Compare(a.sequence, b.sequence) })
	return due
}

// hasSent notes that f went out at now, and says when it has to go again: after the first wait, doubled each time, spread
// by a fifth either way so that a hub's absence does not bring everything at the same moment.
func (w *window) hasSent(f *flight, now time.Time) {
	wait := w.most
	if f.sent < 30 {
		wait = min(w.first<<f.sent, w.most)
	}
	f.sent++
	f.due = now.Add(time.Duration(float64(wait) * (0.8 + 0.4*w.jitter())))
}

// next returns when something is due, and false where nothing is under way.
func (w *window) next() (time.Time, bool) {
	var next time.Time
	for _, f := range w.flights {
		if next.IsZero() || f.due.Before(next) {
			next = f.due
		}
	}
	return next, len(w.flights) > 0
}

// allDue makes everything due at once, as after a lost connection.
func (w *window) allDue() {
	for _, f := range w.flights {
		f.due = time.Time{}
		f.sent = min(f.sent, 1)
	}
}

// find returns the batch under way that a receipt is about. A hub that could not read so much as the header of what it
// put aside names sequence 0: then the digest says which batch it was.
func (w *window) find(r wire.Receipt) *flight {
	if f := w.flights[r.Sequence]; f != nil || r.Sequence != 0 || r.Outcome != wire.Quarantined {
		return f
	}
	for _, f := range w.flights {
		if f.digest == r.Digest {
			return f
		}
	}
	return nil
}

// remove takes a batch out.
func (w *window) remove(f *flight) { delete(w.flights, f.sequence) }
