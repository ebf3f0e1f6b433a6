package servertest

import (
	"os/exec"
	"sync"
	"testing"
	"time"
)

// server is a program that can be ended and started again on the same address.
type server struct {
	t        testing.TB
	name     string // for messages
	command  []string
	addr     string
	patience time.Duration // within which it has to accept connections

	mu      sync.Mutex
	process *process // nil while it is not running
}

// Start starts it again after Stop or Kill, and returns when it accepts connections.
func (s *server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.t.Fatalf("servertest: %s is already running", s.name)
	}
	p, err := start(exec.Command(s.command[0], s.command[1:]...))
	if err != nil {
		s.t.Fatalf("servertest: %s: %v", s.name, err)
	}
	if err := p.accepts(s.addr, s.patience); err != nil {
		p.kill()
		s.t.Fatalf("servertest: %s: %v", s.name, err)
	}
	s.process = p
}

// Stop asks it to end, and returns when it has.
func (s *server) Stop() { s.end((*process).stop) }

// Kill ends it as a power cut would. Where it is not running, nothing happens.
func (s *server) Kill() { s.end((*process).kill) }

// Restart is Stop and Start.
func (s *server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

func (s *server) end(how func(*process)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		how(s.process)
		s.process = nil
	}
}
