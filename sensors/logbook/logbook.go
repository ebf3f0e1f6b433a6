// Package logbook keeps the calibrations of a gateway's channels: who measured which references, with what, and how far
// the probe was off before and after. An entry is a file that people can read, and no entry is ever changed: a better
// calibration is a new entry, and readings name the one they were made with.
package logbook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"loam/internal/config"
	"loam/sensors"
)

// Entry is one calibration of one channel.
type Entry struct {
	Channel   sensors.Channel `toml:"channel"`
	Probe     string          `toml:"probe"`
	Model     string          `toml:"model"`
	Operator  string          `toml:"operator"`  // who did it
	Reference string          `toml:"reference"` // against what: "buffers pH 4.01 and 7.01, lot 4711, open since May"
	Written   Written         `toml:"calibration"`
	Measured  []Measured      `toml:"measured"`
}

// Measured is what happened at one reference.
type Measured struct {
	True    sensors.Decimal `toml:"true"`
	Raw     sensors.Decimal `toml:"raw"`    // mean of the samples
	Spread  sensors.Decimal `toml:"spread"` // largest less smallest of them
	Samples int             `toml:"samples"`
	At      time.Time       `toml:"at"`
	Before  sensors.Decimal `toml:"before"` // what the calibration before would have been off
	After   sensors.Decimal `toml:"after"`  // what this one is off
}

// Book is the folder that the entries are in: a folder for each channel, a file for each entry.
type Book struct{ dir string }

// Open returns the book in a folder, which need not be there yet.
func Open(dir string) Book { return Book{dir: dir} }

// maxEntryBytes is more than any entry needs.
const maxEntryBytes = 64 << 10

// ErrNone says that a channel has no entry.
var ErrNone = errors.New("logbook: no calibration on record")

// Add gives the entry the next free id of its channel and day, keeps it for good, and returns it as it is kept.
func (b Book) Add(e Entry) (Entry, error) {
	if err := e.Channel.Validate(); err != nil {
		return Entry{}, fmt.Errorf("logbook: %w", err)
	}
	dir := filepath.Join(b.dir, string(e.Channel))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Entry{}, fmt.Errorf("logbook: %w", err)
	}
	day := midnight(e.Written.Date).Format(time.DateOnly)
	for n := 1; n < 100; n++ {
		e.Written.ID = fmt.Sprintf("%s-%s", e.Channel, day)
		if n > 1 {
			e.Written.ID = fmt.Sprintf("%s-%d", e.Written.ID, n)
		}
		if err := e.Written.Calibration().Validate(); err != nil {
			return Entry{}, fmt.Errorf("logbook: channel %s: %w", e.Channel, err)
		}
		raw, err := toml.Marshal(e)
		if err != nil {
			return Entry{}, fmt.Errorf("logbook: channel %s: %w", e.Channel, err)
		}
		switch err := writeOnce(filepath.Join(dir, fmt.Sprintf("%s-%02d.toml", day, n)), raw); {
		case errors.Is(err, fs.ErrExist):
			continue
		case err != nil:
			return Entry{}, fmt.Errorf("logbook: %w", err)
		}
		return e, nil
	}
	return Entry{}, fmt.Errorf("logbook: channel %s has 99 calibrations of %s: something is wrong", e.Channel, day)
}

// writeOnce writes a file that is not there yet, whole or not at all, and onto the disk.
func writeOnce(path string, raw []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp.Name())) }()
	_, err = tmp.Write(raw)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil { // fails where the file is there
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// History returns the entries of a channel, the oldest first.
func (b Book) History(ch sensors.Channel) ([]Entry, error) {
	if err := ch.Validate(); err != nil {
		return nil, fmt.Errorf("logbook: %w", err)
	}
	dir := filepath.Join(b.dir, string(ch))
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("logbook: %w", err)
	}
	var entries []Entry
	for _, f := range files { // by name, which is by day
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") || !strings.HasSuffix(f.Name(), ".toml") {
			continue
		}
		e, err := read(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		if e.Channel != ch {
			return nil, fmt.Errorf("logbook: %s is of channel %s: move it there", filepath.Join(dir, f.Name()), e.Channel)
		}
		entries = append(entries, e)
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return midnight(a.Written.Date).Compare(midnight(b.Written.Date)) })
	return entries, nil
}

// Latest returns the newest entry of a channel; the error wraps [ErrNone] where there is none.
func (b Book) Latest(ch sensors.Channel) (Entry, error) {
	all, err := b.History(ch)
	if err != nil {
		return Entry{}, err
	}
	if len(all) == 0 {
		return Entry{}, fmt.Errorf("%w for channel %s", ErrNone, ch)
	}
	return all[len(all)-1], nil
}

// read reads one entry. One that cannot be read stops everything that would use it: an older calibration in its place
// would be a quiet change of every value.
func read(path string) (Entry, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Entry{}, fmt.Errorf("logbook: %w", err)
	}
	if info.Size() > maxEntryBytes {
		return Entry{}, fmt.Errorf("logbook: %s has %d bytes: no entry is that long", path, info.Size())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Entry{}, fmt.Errorf("logbook: %w", err)
	}
	return parse(path, raw)
}

func parse(path string, raw []byte) (Entry, error) {
	var e Entry
	if err := config.Decode(path, raw, &e); err != nil {
		return Entry{}, fmt.Errorf("logbook: %w", err)
	}
	if err := errors.Join(e.Channel.Validate(), e.Written.Calibration().Validate()); err != nil {
		return Entry{}, fmt.Errorf("logbook: %s: %w", path, err)
	}
	if e.Written.ID == "" || midnight(e.Written.Date).IsZero() {
		return Entry{}, fmt.Errorf("logbook: %s: an entry has an id and the date it was made", path)
	}
	return e, nil
}
