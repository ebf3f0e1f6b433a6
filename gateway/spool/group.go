package spool

import (
	"context"
	"sync"
	"time"

	"loam/sensors"
)

// group is the appends of a while, in memory until their common commit.
type group struct {
	mu       sync.Mutex // also orders commits: what came first is committed first
	readings []sensors.Reading
	timer    *time.Timer
	failed   bool // the last commit failed: nothing more is taken in before one succeeds
}

// maxGroup bounds what is in memory, and lost with the power, however long [Config].Sync is.
const maxGroup = 4096

// flushTime bounds a commit that nobody waits for.
const flushTime = 30 * time.Second

// gather takes readings in, to be committed at most [Config].Sync later.
func (s *Spool) gather(ctx context.Context, readings []sensors.Reading) error {
	g := &s.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed || len(g.readings)+len(readings) > maxGroup {
		if err := s.flushLocked(ctx); err != nil {
			return err
		}
	}
	if len(readings) > maxGroup {
		return s.commit(ctx, readings)
	}
	if len(g.readings) == 0 {
		g.timer = time.AfterFunc(time.Duration(s.cfg.Sync), s.flushLater)
	}
	g.readings = append(g.readings, readings...)
	return nil
}

// flushLater commits when the time has come. On failure the readings stay, and the next append tries again and says why
// it cannot be.
func (s *Spool) flushLater() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if err := s.flush(ctx); err != nil {
		s.log.Error("readings in memory cannot be written to the spool; trying again with the next ones", "error", err)
	}
}

// flush commits what was gathered.
func (s *Spool) flush(ctx context.Context) error {
	s.group.mu.Lock()
	defer s.group.mu.Unlock()
	return s.flushLocked(ctx)
}

func (s *Spool) flushLocked(ctx context.Context) error {
	g := &s.group
	if len(g.readings) == 0 {
		return nil
	}
	err := s.commit(ctx, g.readings)
	g.committed(err)
	return err
}

// committed forgets what was gathered, unless err says that it is not on disk.
func (g *group) committed(err error) {
	if g.failed = err != nil; !g.failed {
		g.timer.Stop()
		g.readings = g.readings[:0]
	}
}

// gathered returns how many readings wait in memory, and when the oldest was taken.
func (s *Spool) gathered() (n int, oldest time.Time) {
	s.group.mu.Lock()
	defer s.group.mu.Unlock()
	for i, r := range s.group.readings {
		if i == 0 || r.At.Wall.Before(oldest) {
			oldest = r.At.Wall
		}
	}
	return len(s.group.readings), oldest
}
