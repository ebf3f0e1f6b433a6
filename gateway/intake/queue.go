package intake

import (
	"context"
	"crypto/sha256"
	"sync"
)

// queue holds what waits for the handler: a line for each gateway, so that its order is kept, one gateway's backlog does
// not stand before another's, and no gateway takes all the room.
type queue struct {
	perLine  int
	maxBytes int

	mu    sync.Mutex
	more  *sync.Cond
	bytes int // of all that waits or is being handled
	lines map[string]*line
	ready []*line // lines with something waiting and nobody at work, in the order they are served
}

type line struct {
	gateway string
	waiting [][]byte
	known   map[[sha256.Size]byte]struct{} // what waits or is being handled
	busy    bool
}

func newQueue(perLine, maxBytes int) *queue {
	q := &queue{perLine: perLine, maxBytes: maxBytes, lines: map[string]*line{}}
	q.more = sync.NewCond(&q.mu)
	return q
}

// put appends to a gateway's line and never waits. It returns why it did not, or "": "dropped" where there is no room,
// "repeated" where the same bytes are in line already, as happens when a gateway is more impatient than the handler fast.
func (q *queue) put(gateway string, payload []byte) string {
	digest := sha256.Sum256(payload)
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[gateway]
	if l == nil {
		l = &line{gateway: gateway, known: map[[sha256.Size]byte]struct{}{}}
	}
	if _, known := l.known[digest]; known {
		return "repeated"
	}
	// An empty queue takes anything: what is too large is for the handler to say.
	if len(l.waiting) >= q.perLine || (q.bytes > 0 && q.bytes+len(payload) > q.maxBytes) {
		return "dropped"
	}
	q.lines[gateway] = l
	l.known[digest] = struct{}{}
	l.waiting = append(l.waiting, payload)
	q.bytes += len(payload)
	if !l.busy && len(l.waiting) == 1 {
		q.ready = append(q.ready, l)
		q.more.Signal()
	}
	return ""
}

// wakeAll makes everybody who waits in next look at the end of their context.
func (q *queue) wakeAll() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.more.Broadcast()
}

// next waits for a batch whose gateway nobody is at work for. The caller owes [queue.done]. False: ctx has ended; whoever
// ends it calls wakeAll.
func (q *queue) next(ctx context.Context) (*line, []byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) == 0 && ctx.Err() == nil {
		q.more.Wait()
	}
	if ctx.Err() != nil {
		return nil, nil, false
	}
	l := q.ready[0]
	q.ready = q.ready[1:]
	payload := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	l.busy = true
	return l, payload, true
}

// done ends the work on a batch; the line goes to the end of those that are served.
func (q *queue) done(l *line, payload []byte) {
	digest := sha256.Sum256(payload)
	q.mu.Lock()
	defer q.mu.Unlock()
	l.busy = false
	delete(l.known, digest)
	q.bytes -= len(payload)
	if len(l.waiting) == 0 {
		delete(q.lines, l.gateway)
		return
	}
	q.ready = append(q.ready, l)
	q.more.Signal()
}

// waitingBytes returns how much waits or is being handled.
func (q *queue) waitingBytes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}
