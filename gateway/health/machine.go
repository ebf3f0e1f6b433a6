package health

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"loam/sensors/clock"
)

// Space is what is left on a file system.
type Space struct {
	Total, Free        uint64 // bytes; Free is what this user may use
	Inodes, FreeInodes uint64 // 0 and 0 where the file system does not count them
}

// Machine is where the facts come from. Tests hand in a tree of their own.
type Machine struct {
	Files  fs.FS                       // rooted at "/"
	Space  func(string) (Space, error) // of the file system that holds an absolute path
	Access func(string) error          // whether this process may read and write the device at an absolute path
	User   string                      // whom this process runs as, for people
	Clock  clock.Clock
}

// This is the machine this process runs on.
func This(clk clock.Clock) Machine {
	name := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	return Machine{
		Files: os.DirFS("/"), Clock: clk, User: name,
		Space: func(path string) (Space, error) {
			var st unix.Statfs_t
			if err := unix.Statfs(path, &st); err != nil {
				return Space{}, err
			}
			block := uint64(st.Bsize)
			return Space{Total: st.Blocks * block, Free: st.Bavail * block, Inodes: st.Files, FreeInodes: st.Ffree}, nil
		},
		Access: func(path string) error { return unix.Access(path, unix.R_OK|unix.W_OK) },
	}
}

// Checks states what there is to know about the machine. stateDir is where the gateway keeps what it has, as an absolute
// path; empty where that is not known. needs are the buses its probes are on; none where those are not known.
func (m Machine) Checks(stateDir string, needs []Need) []Check {
	return slices.Concat(
		[]Check{m.supply(), m.temperature(), m.memory()},
		m.disk(stateDir), m.timekeeping(stateDir), m.network(), m.buses(needs),
	)
}

// longestFile bounds what is read of any file: the kernel's are short.
const longestFile = 64 << 10

// text returns a file's content without the space around it; false where it cannot be read.
func (m Machine) text(path string) (string, bool) {
	f, err := m.Files.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, longestFile))
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(raw)), true
}

// number returns a file that holds one whole number, such as "47236" or, in base 16, "0x50005".
func (m Machine) number(path string, base int) (int64, bool) {
	s, ok := m.text(path)
	if !ok {
		return 0, false
	}
	if base == 16 {
		s = strings.TrimPrefix(s, "0x")
	}
	v, err := strconv.ParseInt(s, base, 64)
	return v, err == nil
}

// glob returns the paths that match, sorted; they have no leading slash.
func (m Machine) glob(pattern string) []string {
	found, err := fs.Glob(m.Files, pattern)
	if err != nil {
		return nil
	}
	slices.Sort(found)
	return found
}

// rooted turns an absolute path into one of [Machine.Files].
func rooted(path string) string {
	p := strings.TrimPrefix(filepath.Clean(path), "/")
	if p == "" {
		return "."
	}
	return p
}

// ErrRelative is wrapped where a path is not absolute.
var ErrRelative = errors.New("path is not absolute")

// stat looks at an absolute path.
func (m Machine) stat(path string) (fs.FileInfo, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("health: %s: %w", path, ErrRelative)
	}
	return fs.Stat(m.Files, rooted(path))
}

// size writes a size as people read it.
func size(n uint64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, prefix := float64(n), ""
	for _, p := range []string{"k", "M", "G", "T", "P", "E"} {
		if v < unit {
			break
		}
		v, prefix = v/unit, p
	}
	return fmt.Sprintf("%.1f %sB", v, prefix)
}
