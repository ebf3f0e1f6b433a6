package ledger_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"loam/payouts/internal/memdir"
	"loam/payouts/ledger"
)

// crashFile, when set, makes the test program a ledger's user that pays until it is killed.
const crashFile = "LOAM_TEST_LEDGER"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		payUntilKilled(path)
		return
	}
	os.Exit(m.Run())
}

const crashPayers = 8

// payUntilKilled pays in one and two phases from several goroutines, each from its first payment on, and prints the id
// of each payment after the ledger's answer. Payments made by an earlier life are simply asked for again.
func payUntilKilled(path string) {
	ctx := context.Background()
	l, err := ledger.Open(ctx, path, time.Now)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var payers sync.WaitGroup
	for p := range crashPayers {
		payers.Go(func() {
			for i := 0; ; i++ {
				t := ledger.Transfer{
					ID: fmt.Sprintf("p%d-%d", p, i), Debit: "creek:mint:soil", Credit: member(p), Asset: "SOIL/2", Amount: 1, Origin: fmt.Sprintf("p%d-%d", p, i),
				}
				var err error
				if i%3 == 0 {
					t.Deadline = time.UnixMilli(4_000_000_000_000)
					_, err = l.Reserve(ctx, t)
					if err == nil {
						_, err = l.PostPending(ctx, t.ID)
					}
				} else {
					_, err = l.Post(ctx, t)
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(2)
				}
				fmt.Println(t.ID) // one write system call: whole lines reach the pipe
			}
		})
	}
	payers.Wait()
}

// TestKill kills the paying program again and again with SIGKILL. Every payment it was told of is there exactly once,
// nothing is half done, and the books are right.
func TestKill(t *testing.T) {
	path := filepath.Join(memdir.New(t), "ledger.db")
	told := map[string]bool{}
	for life := range 4 {
		before := len(told)
		for _, id := range liveAndDie(t, path, before+150*(life+1)) {
			told[id] = true
		}
		if len(told) <= before {
			t.Fatalf("life %d paid nothing new", life)
		}
		survived(t, path, told)
	}
}

// liveAndDie starts the program, kills it once it has told of so many payments, and returns them.
func liveAndDie(t *testing.T, path string, payments int) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashFile+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var told []string
	lines := bufio.NewScanner(out)
	for lines.Scan() { // what was printed before the kill still comes
		told = append(told, lines.Text())
		if len(told) == payments {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(told) < payments {
		t.Fatalf("the program ended by itself after %d payments", len(told))
	}
	return told
}

func survived(t *testing.T, path string, told map[string]bool) {
	t.Helper()
	l, err := ledger.Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	report, err := l.Check(t.Context())
	if err != nil || !report.OK() {
		t.Fatalf("check: %v %v", err, report.Problems)
	}
	all, err := l.Transfers(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	count, posted := map[string]int{}, int64(0)
	for _, transfer := range all {
		if transfer.State == ledger.Posted {
			count[transfer.ID]++
			posted += transfer.Amount
		}
	}
	for id := range told {
		if count[id] != 1 {
			t.Errorf("%s was acknowledged and is there %d times", id, count[id])
		}
	}
	mint, err := l.Balance(t.Context(), "creek:mint:soil", "SOIL/2")
	if err != nil || mint.Posted != -posted {
		t.Errorf("%d posted, but the mint stands at %+v (%v)", posted, mint, err)
	}
	if extra := len(count) - len(told); extra > crashPayers*4 { // under way at each of up to four kills, at most
		t.Errorf("%d payments are there that nobody was told of", extra)
	}
}
