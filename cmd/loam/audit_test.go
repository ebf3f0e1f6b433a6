package main

import (
	"bytes"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// An evidence log that was emptied is sound in itself; the statements made from it say that it is
// not the one.
func TestAuditMissesALogThatWasReplaced(t *testing.T) {
	dir := t.TempDir()
	lastLife(t, demoOptions{data: dir, days: 2, exit: true, json: true})
	audit := func() (string, error) {
		var out bytes.Buffer
		cmd := auditCommand()
		cmd.SetArgs([]string{"--data", dir})
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	if said, err := audit(); err != nil {
		t.Fatal(said, err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "hub", "evidence.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"leaf", "head", "tree", "checkpoint"} {
		if _, err := db.ExecContext(t.Context(), "DELETE FROM "+table); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if said, err := audit(); err == nil || !strings.Contains(said, "which this log does not hold") {
		t.Errorf("audit = %v\n%s", err, said)
	}
}
