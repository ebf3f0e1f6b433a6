package spool_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/gateway/identity/identitytest"
	"loam/gateway/spool"
	"loam/sensors"
	"loam/sensors/clock"
)

// The tests below run this binary again, as the victim that the variable names.
const victimVariable = "LOAM_SPOOL_VICTIM"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(victimVariable) {
	case "":
		flag.Parse()
		limitChecks()
		os.Exit(m.Run())
	case "killed":
		err = appendForEver(os.Args[1], os.Args[2], spool.Config{})
	case "killed while gathering":
		err = appendForEver(os.Args[1], os.Args[2], spool.Config{Sync: spool.Sync(3 * time.Millisecond)})
	case "full":
		err = fillDisk(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// limitChecks keeps the model test short, unless the command line says how thorough it shall be: each of its steps ends
// with a sync to disk.
func limitChecks() {
	const name = "rapid.checks"
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if !given {
		_ = flag.Set(name, "9")
	}
}

// appendForEver appends one to five readings at a time, numbered from first, and writes the number that follows the last
// one that was acknowledged: by the append, or, where appends are gathered, by sealing all there is. In between it seals.
func appendForEver(path, first string, cfg spool.Config) error {
	ctx := context.Background()
	s, err := spool.Open(ctx, path, cfg, quiet)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return err
	}
	fmt.Println(n)
	for {
		var rs []sensors.Reading
		for range 1 + n%5 {
			rs = append(rs, reading(n, byte(n/50), clock.Synced))
			n++
		}
		if err := s.Append(ctx, rs); err != nil {
			return err
		}
		if cfg.Sync == 0 {
			fmt.Println(n)
		}
		if n%3 == 0 {
			if _, err := s.Seal(ctx, identitytest.NewSigner("creek-1"), spool.Batching{Max: 7, Partial: n%2 == 0}); err != nil {
				return err
			}
			if n%2 == 0 {
				fmt.Println(n)
			}
		}
	}
}

func victim(t *testing.T, kind string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), victimVariable+"="+kind)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestKill: a process that appends and seals is killed with SIGKILL at random moments, many times over the same file.
// Each time every reading it acknowledged is there exactly once, in one sound chain; what it had not acknowledged is
// there once or not at all.
func TestKill(t *testing.T) {
	for _, kind := range []string{"killed", "killed while gathering"} {
		t.Run(kind, func(t *testing.T) { testKill(t, kind) })
	}
}

func testKill(t *testing.T, kind string) {
	const kills = 12
	path := filepath.Join(t.TempDir(), "spool.db")
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	seen := map[int64]bool{} // settled so far
	first, batches := int64(0), 0
	for kill := range kills {
		acknowledged := killOne(t, kind, path, first, time.Duration(rng.Int64N(int64(50*time.Millisecond))))
		s := open(t, path)
		if kill%2 == 1 { // let the unsealed ones survive a restart as well
			first = highest(t, s, len(seen), acknowledged)
			_ = s.Close()
			continue
		}
		seal(t, s, 100, true)
		waiting := pending(t, s)
		for i, b := range waiting {
			if i > 0 && (b.Sequence != waiting[i-1].Sequence+1 || b.Previous != waiting[i-1].Digest) {
				t.Fatalf("kill %d: the chain breaks at batch %d", kill, b.Sequence)
			}
			for _, r := range b.Readings {
				if seen[r.Value.Mantissa] {
					t.Fatalf("kill %d: reading %d is there twice", kill, r.Value.Mantissa)
				}
				seen[r.Value.Mantissa] = true
			}
			if forgot, err := s.Settle(context.Background(), receipt(b)); err != nil || !forgot {
				t.Fatalf("kill %d: settle: %v, %v", kill, forgot, err)
			}
		}
		for n := range acknowledged {
			if !seen[n] {
				t.Fatalf("kill %d: reading %d was acknowledged and is lost", kill, n)
			}
		}
		batches += len(waiting)
		first = int64(len(seen)) // without gaps, so this is the next free number
		_ = s.Close()
	}
	t.Logf("%d kills, %d readings in %d batches", kills, len(seen), batches)
	if len(seen) < kills {
		t.Fatalf("only %d readings in %d kills: the test tests nothing", len(seen), kills)
	}
}

// killOne starts a victim that appends from first on, kills it a while after it began, and returns the number below
// which everything was acknowledged.
func killOne(t *testing.T, kind, path string, first int64, after time.Duration) int64 {
	t.Helper()
	cmd := victim(t, kind, path, strconv.FormatInt(first, 10))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	begun, err := lines.ReadString('\n')
	if err != nil || strings.TrimSpace(begun) != strconv.FormatInt(first, 10) {
		_ = cmd.Process.Kill()
		t.Fatalf("the victim said %q (%v)", begun, err)
	}
	time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the victim was not killed: %v", err)
	}
	acknowledged := first
	whole := string(rest[:strings.LastIndexByte(string(rest), '\n')+1]) // the last line may be cut
	for line := range strings.Lines(whole) {
		if acknowledged, err = strconv.ParseInt(strings.TrimSpace(line), 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return acknowledged
}

// highest returns the number after the highest reading that was kept, of which the first settled ones are settled: at
// least what was acknowledged, and more where the kill came between the commit and the word about it.
func highest(t *testing.T, s *spool.Spool, settled int, acknowledged int64) int64 {
	t.Helper()
	st, err := s.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	total := int64(settled + st.Readings) // there are no gaps
	if total < acknowledged {
		t.Fatalf("%d readings were acknowledged, %d are there", acknowledged, total)
	}
	return total
}

// fillDisk appends while its files may not grow, until that fails; then with room again. It checks itself.
func fillDisk(path string) error {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	s, err := spool.Open(ctx, path, spool.Config{}, quiet)
	if err != nil {
		return err
	}
	defer s.Close()
	var room syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
		return err
	}
	full := room
	full.Cur = 300 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		return err
	}
	n, refused := int64(0), 0
	for refused < 5 {
		if n > 1_000_000 {
			return fmt.Errorf("the disk never got full")
		}
		if err := s.Append(ctx, synced(n, n+20)); err != nil {
			refused++
			continue // the same readings again
		}
		n += 20
		refused = 0
	}
	if _, err := s.Seal(ctx, identitytest.NewSigner("creek-1"), spool.Batching{Max: 100, Partial: true}); err == nil {
		return fmt.Errorf("sealed onto a full disk")
	}
	st, err := s.Stats(ctx)
	if err != nil || int64(st.Readings) != n || st.Batches != 0 {
		return fmt.Errorf("full: %+v, %v, want %d readings and no batch", st, err, n)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &room); err != nil {
		return err
	}
	if err := s.Append(ctx, synced(n, n+20)); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	fmt.Println(n + 20)
	return nil
}

// TestFullDisk: on a full disk an append fails as a whole and nothing kept before is harmed; with room again it goes on,
// and a restart finds everything once.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool.db")
	out, err := victim(t, "full", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	total, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	seal(t, s, 100, true)
	if got := numbers(pending(t, s)); int64(len(got)) != total || total < 100 {
		t.Errorf("%d readings, want %d", len(got), total)
	} else {
		for i, n := range got {
			if n != int64(i) {
				t.Fatalf("reading %d at place %d", n, i)
			}
		}
	}
}
