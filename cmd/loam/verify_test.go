package main

import (
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a hub shows and pays has to be what the bundle beside it proves: each may be genuine, and not belong together.
func TestVerifyComparesWhatIsShownWithWhatIsProven(t *testing.T) {
	for name, change := range map[string]string{
		"an amount":        `UPDATE statement SET statement = CAST(replace(CAST(statement AS TEXT), '"net":"', '"net":"9') AS BLOB) WHERE sequence = 2`,
		"another's bundle": `UPDATE statement SET bundle = (SELECT bundle FROM statement WHERE sequence = 1) WHERE sequence = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			lastLife(t, demoOptions{data: dir, days: 2, exit: true, json: true})
			verify := func() error {
				cmd := verifyCommand()
				cmd.SetArgs([]string{"--data", dir})
				cmd.SetOut(io.Discard)
				cmd.SetErr(io.Discard)
				return cmd.ExecuteContext(t.Context())
			}
			if err := verify(); err != nil {
				t.Fatal(err)
			}
			db, err := sql.Open("sqlite", filepath.Join(dir, "hub", "statements.db"))
			if err == nil {
				_, err = db.ExecContext(t.Context(), change)
			}
			if err != nil {
				t.Fatal(err)
			}
			db.Close()
			if err := verify(); err == nil || !strings.Contains(err.Error(), "NOT verified") {
				t.Errorf("verify --data = %v", err)
			}
			settle := func() error { // as if nothing had been paid yet
				for _, name := range []string{"challenges.db", "ledger.db"} {
					files, err := filepath.Glob(filepath.Join(dir, "hub", name+"*"))
					if err != nil || len(files) == 0 {
						t.Fatal(name, err)
					}
					for _, f := range files {
						if err := os.Remove(f); err != nil {
							t.Fatal(err)
						}
					}
				}
				cmd := valueCommand()
				cmd.SetArgs([]string{"--data", dir})
				cmd.SetOut(io.Discard)
				cmd.SetErr(io.Discard)
				return cmd.ExecuteContext(t.Context())
			}
			if err := settle(); err == nil || !strings.Contains(err.Error(), "not what this hub published") {
				t.Errorf("settled from an altered statement: %v", err)
			}
		})
	}
}
