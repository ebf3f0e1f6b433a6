// Package memdir gives tests of rules a folder that costs no disk time.
//
// What a test proves about rules, or about a killed process, does not depend on the disk: what a process wrote outlives
// it in memory, too. Only a power cut needs a real disk, and no test here pulls the plug.
package memdir

import (
	"os"
	"testing"
)

// New returns a folder for the length of a test: in memory where the system has such a place (Linux: /dev/shm), else an
// ordinary temporary one.
func New(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "loam-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
