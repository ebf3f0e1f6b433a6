package servertest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// FreeAddress returns a loopback address that nobody listened on a moment ago.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("servertest: no free port: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}

// lookup finds a program, also where it is not on a plain user's path, or fails the test.
func lookup(t testing.TB, program, debianPackage string) string {
	t.Helper()
	for _, p := range []string{program, "/usr/sbin/" + program, "/usr/local/sbin/" + program} {
		if found, err := exec.LookPath(p); err == nil {
			return found
		}
	}
	t.Fatalf("servertest: %s is not installed: on Debian `apt-get install %s`, or run `make test-deps`", program, debianPackage)
	return ""
}

// process is a server under test, with what it said.
type process struct {
	cmd    *exec.Cmd
	output *tail
	exited chan struct{}
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, output: &tail{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // how it ended is in the output
		close(p.exited)
	}()
	return p, nil
}

// accepts waits until somebody listens on addr.
func (p *process) accepts(addr string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended at once: %s", p.output)
		case <-ctx.Done():
			return fmt.Errorf("it does not accept connections on %s within %s: %s", addr, within, p.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended by itself
	select {
	case <-p.exited:
	case <-time.After(5 * time.Second):
		p.kill()
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.exited
}

// tail keeps the last of what a server said.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailSize = 8 << 10

// Write implements io.Writer.
func (o *tail) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, p...)
	if over := len(o.kept) - tailSize; over > 0 {
		o.kept = append(o.kept[:0], o.kept[over:]...)
	}
	return len(p), nil
}

// String returns what was said last.
func (o *tail) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.kept)
}
