package feed

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

const (
	linesAtOnce = 500     // kept in one transaction
	beginning   = 1 << 10 // bytes at the start of a file by which it is known again
)

// place is how far a file was read. A file that no longer begins with the same bytes is another one, and is read from its
// start.
type place struct {
	offset int64  // of the first byte that was not read
	line   int    // lines before it
	known  int64  // bytes of the beginning that …
	digest string // … have this SHA-256
}

func (p place) String() string {
	return fmt.Sprintf("%d %d %d %s", p.offset, p.line, p.known, p.digest)
}

func parsePlace(text string) (p place, err error) {
	if text == "" {
		return p, nil
	}
	if _, err = fmt.Sscanf(text, "%d %d %d %s", &p.offset, &p.line, &p.known, &p.digest); err != nil {
		return place{}, fmt.Errorf("feed: position %q: %w", text, err)
	}
	return p, nil
}

// patience is how long a file waits for the gateway's clock to be set: its lines do not run away, and taken over before,
// they would say for ever that nobody could check their times.
const patience = time.Hour

// readFile takes over the lines that were added since the last look, again and again.
func (f *Feed) readFile(ctx context.Context) error {
	began := f.clock.Now().Uptime
	for {
		if now := f.clock.Now(); !now.State.Dated() && now.Uptime-began < patience {
			f.log.Debug("the clock is not set: the file waits", "path", f.cfg.Path, "clock", now.State)
		} else if err := f.catchUp(ctx); err != nil && ctx.Err() == nil {
			f.log.Warn("the file cannot be read; trying again", "path", f.cfg.Path, "error", err)
		}
		if err := f.clock.Sleep(ctx, f.cfg.Every.Or(time.Minute)); err != nil {
			return err
		}
	}
}

// catchUp reads from where it stopped to the last whole line.
func (f *Feed) catchUp(ctx context.Context) error {
	text, err := f.sink.Position(ctx, f.source())
	if err != nil {
		return err
	}
	at, err := parsePlace(text)
	if err != nil {
		return err
	}
	file, err := os.Open(f.cfg.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	if sum, err := beginningOf(file, at.known); err != nil || sum != at.digest {
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if at.offset > 0 {
			f.log.Info("it is another file than before; reading it from its start", "path", f.cfg.Path)
		}
		at = place{}
	}
	r := bufio.NewReaderSize(io.NewSectionReader(file, 0, 1<<62), maxLine)
	header, err := wholeLine(r)
	if err != nil {
		return ignoreEOF(err)
	}
	t, err := newTable(f.cfg, header.text)
	if err != nil {
		return fmt.Errorf("%s:1:%w", f.cfg.Path, err)
	}
	if at.offset == 0 {
		at.offset, at.line = header.size, 1
	}
	r.Reset(io.NewSectionReader(file, at.offset, 1<<62-at.offset))
	return f.readLines(ctx, file, r, t, at)
}

// readLines takes lines over, some hundred at a time.
func (f *Feed) readLines(ctx context.Context, file io.ReaderAt, r *bufio.Reader, t table, at place) error {
	for {
		now := f.clock.Now()
		var readings []sensors.Reading
		n := 0
		var end error
		for ; n < linesAtOnce; n++ {
			l, err := wholeLine(r)
			if err != nil {
				end = err
				break
			}
			at.offset, at.line = at.offset+l.size, at.line+1
			readings = append(readings, f.lineReadings(t, l, at.line, now)...)
		}
		if n > 0 {
			at.known = min(at.offset, beginning)
			var err error
			if at.digest, err = beginningOf(file, at.known); err != nil {
				return err
			}
			if err := f.keep(ctx, func() error { return f.sink.AppendAt(ctx, f.source(), at.String(), readings) }); err != nil {
				return err
			}
			f.meter.readings.Add(float64(len(readings)))
		}
		if end != nil {
			return ignoreEOF(end)
		}
	}
}

// lineReadings makes the readings of one line; what is wrong with it is said with line and column, and costs no other.
func (f *Feed) lineReadings(t table, l line, number int, now clock.Instant) (readings []sensors.Reading) {
	defer func() {
		if p := recover(); p != nil {
			f.refuse(fmt.Sprintf("%s:%d", f.cfg.Path, number), fmt.Errorf("%w: reading it failed: %v", ErrMessage, p))
		}
	}()
	if l.tooLong {
		f.refuse(fmt.Sprintf("%s:%d:1", f.cfg.Path, number), fmt.Errorf("%w: the line is longer than %d bytes", ErrMessage, maxLine))
		return nil
	}
	if strings.TrimSpace(l.text) == "" {
		return nil
	}
	record, err := t.record(l.text)
	if err != nil {
		f.refuse(fmt.Sprintf("%s:%d", f.cfg.Path, number), fmt.Errorf("%s:%d:%w", f.cfg.Path, number, err))
		return nil
	}
	readings, err = f.cfg.readings(record, now)
	if err != nil {
		f.refuse(fmt.Sprintf("%s:%d", f.cfg.Path, number), err)
	}
	return readings
}

// line is a line with its end, which is not part of its text.
type line struct {
	text    string
	size    int64
	tooLong bool // text is missing
}

// wholeLine reads up to the next line feed; what has none yet is being written, and io.EOF.
func wholeLine(r *bufio.Reader) (line, error) {
	var l line
	for {
		chunk, err := r.ReadSlice('\n')
		l.size += int64(len(chunk))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			l.tooLong = true
			continue
		case err != nil:
			return line{}, err
		}
		if !l.tooLong {
			l.text = string(bytes.TrimRight(chunk, "\r\n"))
		}
		return l, nil
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// beginningOf is the SHA-256 of a file's first n bytes; "" of none.
func beginningOf(file io.ReaderAt, n int64) (string, error) {
	if n == 0 {
		return "", nil
	}
	raw := make([]byte, min(n, beginning))
	if _, err := file.ReadAt(raw, 0); err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}
