package evidence_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
)

// crashFile in the environment makes this test binary the program that is killed.
const crashFile = "LOAM_TEST_EVIDENCE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		appendForEver(path)
	}
	os.Exit(m.Run())
}

const crashGateways = 4

// appendForEver appends to four chains at once and says on standard output what was acknowledged.
func appendForEver(path string) {
	l, err := evidence.Open(context.Background(), path, identitytest.NewSigner("hub"), origin)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	var out sync.Mutex
	for g := range crashGateways {
		wg.Go(func() {
			sequence, previous := uint64(1), wire.Digest{}
			gateway := fmt.Sprint("g", g)
			for { // past what earlier lives kept
				s := crashBatch(gateway, sequence, previous)
				index, err := l.Append(context.Background(), s, start)
				out.Lock()
				if err != nil && !strings.Contains(err.Error(), "in evidence already") {
					fmt.Println("error", err)
					os.Exit(1)
				}
				fmt.Println("kept", gateway, sequence, index)
				out.Unlock()
				sequence, previous = sequence+1, s.Digest
			}
		})
	}
	wg.Wait()
}

// crashBatch is the same in every life.
func crashBatch(gateway string, sequence uint64, previous wire.Digest) wire.Sealed {
	body := fmt.Appendf(nil, "%s %d %s %s", gateway, sequence, previous, strings.Repeat("x", 600))
	return loose(gateway, sequence, previous, body, start.Add(time.Duration(sequence)*time.Second))
}

// Killed at any moment, a log holds everything it has acknowledged, under the index it gave, in a sound tree.
func TestKillNine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.db")
	acknowledged := map[string]uint64{} // "gateway sequence": index
	for life := range 4 {
		before := len(acknowledged)
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashFile+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			f := strings.Fields(lines.Text())
			if f[0] != "kept" || len(f) != 4 {
				if f[0] == "kept" {
					continue // the last line, cut short
				}
				t.Fatalf("life %d: %s", life, lines.Text())
			}
			index, err := strconv.ParseUint(f[3], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			key := f[1] + " " + f[2]
			if earlier, ok := acknowledged[key]; ok && earlier != index {
				t.Fatalf("life %d: %s was at %d, now at %d", life, key, earlier, index)
			}
			acknowledged[key] = index
			if len(acknowledged) == before+150+37*life { // not always at the same place in a group
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		if len(acknowledged) < before+150 {
			t.Fatalf("life %d acknowledged only %d", life, len(acknowledged)-before)
		}

		l := open(t, path)
		leaves := all(t, l)
		kept := map[string]uint64{}
		var raw [][]byte
		previous := map[string]wire.Digest{}
		for _, leaf := range leaves {
			s := crashBatch(leaf.Gateway, leaf.Sequence, previous[leaf.Gateway])
			if !sameLeaf(leaf, s) {
				t.Fatalf("life %d: leaf %d is not what was appended", life, leaf.Index)
			}
			previous[leaf.Gateway] = s.Digest
			kept[fmt.Sprintf("%s %d", leaf.Gateway, leaf.Sequence)] = leaf.Index
			raw = append(raw, leaf.Bytes)
		}
		for key, index := range acknowledged {
			if at, ok := kept[key]; !ok || at != index {
				t.Errorf("life %d: %s was acknowledged at %d, it is there: %v, at %d", life, key, index, ok, at)
			}
		}
		root, err := l.Root(t.Context(), uint64(len(raw)))
		if err != nil || root != evidence.MerkleRoot(raw) {
			t.Errorf("life %d: root %s, %v", life, root, err)
		}
		findings, err := l.Audit(t.Context(), evidence.Trust{Origin: origin})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Problem != evidence.Label { // the bytes of this test are no batches
				t.Errorf("life %d: %s", life, f)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
