package main

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata/script are the commands as people use them.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"loam": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TOMORROW", time.Now().UTC().AddDate(0, 0, 1).Format(time.RFC3339))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"flipbyte":  flipByte,
			"summary":   checkSummary,
			"onebundle": oneBundle,
			"freeport":  freePort,
			"fetch":     fetch,
			"unpack":    unpack,
			"nosecret":  noSecret,
		},
	})
}

// flipByte changes the byte in the middle of a file.
func flipByte(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	raw[len(raw)/2] ^= 1
	ts.Check(os.WriteFile(path, raw, 0o600))
}

// oneBundle copies the first exported bundle of a folder to a fixed name.
func oneBundle(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	raw, err := os.ReadFile(ts.MkAbs(args[0] + "/" + entries[0].Name()))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), raw, 0o600))
}

// checkSummary reads what demo --exit --json printed and holds its numbers against each other.
func checkSummary(ts *testscript.TestScript, _ bool, _ []string) {
	var got map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &got))
	for _, key := range []string{"readings_sampled", "readings_in_evidence", "readings_in_store", "batches_quarantined",
		"statements", "credits_paid", "ledger_balanced", "elapsed_seconds"} {
		if _, ok := got[key]; !ok {
			ts.Fatalf("the summary has no %s: %v", key, got)
		}
	}
	n := got["readings_sampled"].(float64)
	if n == 0 || got["readings_in_evidence"] != n || got["readings_in_store"] != n {
		ts.Fatalf("sampled, in evidence and in store differ: %v", got)
	}
	if got["batches_quarantined"] != 0.0 || got["ledger_balanced"] != true || got["statements"].(float64) == 0 || got["credits_paid"].(float64) == 0 {
		ts.Fatalf("not the summary of a good run: %v", got)
	}
}

// Every configuration that ships is valid.
func TestSamplesAreValid(t *testing.T) {
	for file, kind := range map[string]string{
		"sample/gateway.toml": "gateway configuration",
		"sample/hub.toml":     "hub configuration",
		"sample/method.toml":  "method: one hectare at score 1 earns 10.00 MEADOW gross in a period of 24h0m0s, about 365 times that in a year",
	} {
		if got, err := checkConfig(file); err != nil || got != kind {
			t.Errorf("%s: %s, %v", file, got, err)
		}
	}
}
