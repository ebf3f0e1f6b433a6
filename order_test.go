// Package loam has no code at its root. This test keeps the house in order: folders are the steps of a reading's life,
// and a folder may import those above it, never those below.
package loam

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// way lists every folder in the order of a reading's life. "*" stands for the members of a family: they may not import
// each other.
var way = []string{
	"internal/*",

	"sensors/clock",
	"sensors/serial",
	"sensors/pulse",
	"sensors",
	"sensors/derived",
	"sensors/stability",
	"sensors/curves",
	"sensors/logbook",
	"sensors/chip",
	"sensors/modbus",
	"sensors/sdi12",
	"sensors/chip/chiptest",
	"sensors/sensirion",
	"sensors/uart",
	"sensors/uart/uarttest",
	"sensors/adc",
	"sensors/ms58",
	"sensors/probes/*",
	"sensors/catalog",
	"sensors/sim",
	"sensors/recording",
	"sensors/scan",
	"sensors/sensortest",

	"gateway/identity",
	"gateway/identity/identitytest",
	"gateway/wire",
	"gateway/sampler",
	"gateway/spool",
	"gateway/feed",
	"gateway/uplink",
	"gateway/homeassistant",
	"gateway/registry",
	"gateway/broker",
	"gateway/intake",
	"gateway/quarantine",
	"gateway/ingest",
	"gateway/evidence",
	"gateway/qc",
	"gateway/health",
	"gateway/kit",
	"gateway/store",
	"gateway/store/storetest",
	"gateway/store/*",
	"gateway/store/catalog",
	"gateway/projection",
	"gateway",

	"valuation",
	"valuation/indextest",
	"valuation/*",
	"valuation/catalog",
	"valuation/series",
	"valuation/method",
	"valuation/statement",
	"valuation/assessment",
	"valuation/schedule",
	"valuation/recompute",

	"payouts/internal/*",
	"payouts/challenge",
	"payouts/ledger",
	"payouts/policy",
	"payouts/settlement",
	"payouts",

	"dashboard",
	"cmd/loam",

	"firmware-notes",
	"deploy",
}

type listed struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath != "loam" {
			all = append(all, p)
		}
	}
}

// place returns where in the way a package stands, and −1 for a folder that has no place yet.
func place(path string) int {
	path = strings.TrimPrefix(path, "loam/")
	if i := slices.Index(way, path); i >= 0 {
		return i
	}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return slices.Index(way, path[:i]+"/*")
	}
	return -1
}

func TestFoldersFollowTheWayOfAReading(t *testing.T) {
	for _, p := range packages(t) {
		at := place(p.ImportPath)
		if at < 0 {
			t.Errorf("%s has no place in the way of a reading: add it to the list in order_test.go, between the folder it needs and the folder that needs it", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, "loam/") {
				continue
			}
			if to := place(imported); to >= at {
				t.Errorf("%s imports %s: a folder may import those above it (see the list in order_test.go), never those beside or below it", p.ImportPath, imported)
			}
		}
	}
}

func TestNothingImportsACommand(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if strings.HasPrefix(imported, "loam/cmd/") && !strings.HasPrefix(p.ImportPath, "loam/cmd/") {
				t.Errorf("%s imports %s: stages never know how they are wired", p.ImportPath, imported)
			}
		}
	}
}
