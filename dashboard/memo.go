package dashboard

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// loadTimeout ends a load whose source hangs.
const loadTimeout = 20 * time.Second

// memo remembers for a moment what a load returned, so that a crowd costs as much as one visitor. For each key at most
// one load is under way. A value younger than fresh is returned as it is; one younger than usable is returned at once
// while a new one is loaded; otherwise the caller waits.
//
// Its ages are the machine's own time, not the hub's: it spares work, and means nothing to people.
type memo[V any] struct {
	fresh, usable time.Duration
	limit         int // keys kept; the oldest goes

	mu    sync.Mutex
	slots map[string]*slot[V]
}

type slot[V any] struct {
	value  V
	at     time.Time     // when value was loaded; zero: never
	err    error         // of the last load
	flight chan struct{} // closed when the load under way ends; nil: none is
}

func newMemo[V any](fresh, usable time.Duration, limit int) *memo[V] {
	return &memo[V]{fresh: fresh, usable: usable, limit: limit, slots: map[string]*slot[V]{}}
}

// get returns the value of key. When the load fails, the last value that was loaded comes back beside the error, so a
// caller may show what was true before.
func (m *memo[V]) get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	m.mu.Lock()
	s := m.slots[key]
	if s == nil {
		s = &slot[V]{}
		m.evict()
		m.slots[key] = s
	}
	age := time.Since(s.at)
	if s.err == nil && !s.at.IsZero() && age < m.fresh {
		defer m.mu.Unlock()
		return s.value, nil
	}
	if s.flight == nil {
		s.flight = make(chan struct{})
		// A load outlives the request that asked for it: others wait for the same one.
		go m.fill(context.WithoutCancel(ctx), key, s, load)
	}
	if s.err == nil && !s.at.IsZero() && age < m.usable {
		defer m.mu.Unlock()
		return s.value, nil
	}
	flight := s.flight
	m.mu.Unlock()
	select {
	case <-flight:
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.value, s.err
}

func (m *memo[V]) fill(ctx context.Context, key string, s *slot[V], load func(context.Context) (V, error)) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	v, err := contained(ctx, load)
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.err = err; err == nil {
		s.value, s.at = v, time.Now()
	} else if s.at.IsZero() {
		delete(m.slots, key) // nothing worth keeping: names that do not exist take no room
	}
	close(s.flight)
	s.flight = nil
}

// contained runs load and turns a panic into an error: it happens outside any request that could recover it.
func contained[V any](ctx context.Context, load func(context.Context) (V, error)) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("dashboard: a load gave up: %v", p)
		}
	}()
	return load(ctx)
}

// evict makes room for one more key. The caller holds the lock.
func (m *memo[V]) evict() {
	if len(m.slots) < m.limit {
		return
	}
	oldest, found := "", false
	for key, s := range m.slots {
		if s.flight == nil && (!found || s.at.Before(m.slots[oldest].at)) {
			oldest, found = key, true
		}
	}
	if found {
		delete(m.slots, oldest)
	}
}
