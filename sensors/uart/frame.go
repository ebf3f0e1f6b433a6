package uart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"loam/sensors/serial"
)

// ErrNoFrame says that what came was no frame of the probe, however it was looked at.
var ErrNoFrame = errors.New("what came is no frame of this probe")

// Format is how a probe's frames look.
type Format struct {
	Header []byte // what every frame begins with
	// Length returns how long the frame is that b begins with, 0 where b is too short to tell, and less than 0 where it is
	// no frame.
	Length func(b []byte) int
	// Check says what is wrong with a whole frame, if anything: its checksum above all.
	Check func(frame []byte) error
}

// Fixed is a Length for frames that are all n bytes long.
func Fixed(n int) func([]byte) int { return func([]byte) int { return n } }

// Reader finds frames in what comes. A damaged or cut frame is stepped over byte by byte, so that a header within it is
// found. It reads no further than the end of the frame, so that the next one is there for the next reader.
type Reader struct {
	Format
	Wait  time.Duration // for the first byte
	Gap   time.Duration // for each further one
	Limit int           // bytes to look at before giving up; longer frames are none
}

// Next returns the next frame. The error of a line that fell silent wraps [serial.ErrSilent]; it says how much came
// before, and what was wrong with it.
func (r Reader) Next(ctx context.Context, c serial.Conn) ([]byte, error) {
	var came []byte
	var bad error
	begin, wait := 0, r.Wait
	for {
		found := r.find(came[begin:])
		begin += found.skip
		if found.bad != nil {
			bad = found.bad
		}
		if found.missing == 0 {
			return came[begin : begin+found.length], nil
		}
		if len(came) >= r.Limit {
			return nil, fmt.Errorf("%w: %d bytes, % x…%w", ErrNoFrame, len(came), came[:min(len(came), 12)], because(bad))
		}
		chunk := make([]byte, min(found.missing, r.Limit-len(came)))
		n, err := c.Read(ctx, chunk, wait)
		if err != nil {
			if frame := r.within(came[begin:]); frame != nil && errors.Is(err, serial.ErrSilent) {
				return frame, nil
			}
			if len(came) > 0 {
				err = fmt.Errorf("no whole frame in %d bytes: %w%w", len(came), err, because(bad))
			}
			return nil, err
		}
		came = append(came, chunk[:n]...)
		wait = r.Gap
	}
}

// within returns a whole frame that stands behind the beginning of one that never came to its end.
func (r Reader) within(b []byte) []byte {
	for len(b) > 0 {
		f := r.find(b[1:])
		b = b[1+f.skip:]
		if f.missing == 0 {
			return b[:f.length]
		}
	}
	return nil
}

// found is what there is of the next frame.
type found struct {
	skip    int   // bytes in front that belong to none
	length  int   // of the frame behind them, where nothing is missing
	missing int   // bytes to read before more can be told
	bad     error // what was wrong with a frame that was skipped
}

// find looks for the first frame in b.
func (r Reader) find(b []byte) (f found) {
	for {
		i := bytes.Index(b[f.skip:], r.Header)
		if i < 0 {
			f.skip = max(f.skip, len(b)-len(r.Header)+1)
			f.missing = 1
			return f
		}
		f.skip += i
		n, have := r.Length(b[f.skip:]), len(b)-f.skip
		switch {
		case n == 0:
			f.missing = 1
			return f
		case n > have && n <= r.Limit:
			f.missing = n - have
			return f
		case n > 0 && n <= have:
			err := r.Check(b[f.skip : f.skip+n])
			if err == nil {
				f.length = n
				return f
			}
			f.bad = err
		}
		f.skip++
	}
}

// reason is what was wrong with a frame, at the end of another error.
type reason struct{ error }

// Error implements error.
func (r reason) Error() string {
	if r.error == nil {
		return ""
	}
	return " (" + r.error.Error() + ")"
}

// Unwrap returns the cause.
func (r reason) Unwrap() error { return r.error }

func because(err error) error { return reason{err} }
