// Package recording keeps what was said on a bus, so that a probe which misbehaves in a field can be replayed on a desk:
// a line of JSON for each exchange, in the order they happened. A [Recorder] stands between the drivers and the buses,
// a [Player] in the place of the buses.
package recording

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"loam/sensors/serial"
)

// What can be done on a bus.
const (
	doTx      = "tx"      // I2C and 1-wire: written, then read
	doSearch  = "search"  // 1-wire: who is there
	doWrite   = "write"   // serial
	doRead    = "read"    // serial
	doDiscard = "discard" // serial
	doBreak   = "break"   // serial
)

// line is one exchange.
type line struct {
	Bus     string   `json:"bus"`
	Do      string   `json:"do"`
	Address uint16   `json:"address,omitempty"`
	Write   octets   `json:"write,omitempty"`
	Read    octets   `json:"read,omitempty"`
	Power   bool     `json:"power,omitempty"`   // 1-wire: a strong pull-up follows
	Found   []uint64 `json:"found,omitempty"`   // 1-wire: ROM codes
	Mode    string   `json:"mode,omitempty"`    // serial
	Silence bool     `json:"silence,omitempty"` // serial: nothing came in time
	Error   string   `json:"error,omitempty"`
}

// octets is bytes, written in hexadecimal.
type octets []byte

// MarshalText implements encoding.TextMarshaler.
func (o octets) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(o)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *octets) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*o = b
	return err
}

// failed notes an error of the bus.
func (l *line) failed(err error) {
	if err == nil {
		return
	}
	l.Error = err.Error()
	l.Silence = errors.Is(err, serial.ErrSilent)
}

// said is an error as it was, as far as drivers look at it.
func (l line) said() error {
	switch {
	case l.Error == "":
		return nil
	case l.Silence:
		return fmt.Errorf("%s: %w", l.Error, serial.ErrSilent)
	}
	return errors.New(l.Error)
}

// Recorder writes exchanges as they happen. It is safe for concurrent use.
type Recorder struct {
	mu  sync.Mutex
	out *json.Encoder
	err error
}

// NewRecorder returns a recorder that writes to w.
func NewRecorder(w io.Writer) *Recorder { return &Recorder{out: json.NewEncoder(w)} }

// Err returns why the recording is not complete, if it is not.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *Recorder) note(l line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.out.Encode(l); err != nil && r.err == nil {
		r.err = fmt.Errorf("recording: %w", err)
	}
}

// Limits of a recording.
const (
	maxLineBytes = 1 << 20
	maxLines     = 1_000_000
)

// ErrDiffers says that something else is asked than was when the recording was made.
var ErrDiffers = errors.New("the recording has something else here")

// Player answers as the buses did. It is safe for concurrent use.
type Player struct {
	mu    sync.Mutex
	lines map[string][]line // what is still to come, by bus
	kinds map[string]string // i2c, 1-wire or serial, by bus
}

// Load reads a recording.
func Load(r io.Reader) (*Player, error) {
	p := &Player{lines: map[string][]line{}, kinds: map[string]string{}}
	d := json.NewDecoder(io.LimitReader(r, maxLines*256))
	d.DisallowUnknownFields()
	for n := 1; ; n++ {
		var l line
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err == nil {
			err = l.validate()
		}
		if err == nil && n > maxLines {
			err = fmt.Errorf("more than %d exchanges", maxLines)
		}
		if err == nil {
			err = p.kind(l)
		}
		if err != nil {
			return nil, fmt.Errorf("recording: exchange %d: %w", n, err)
		}
		p.lines[l.Bus] = append(p.lines[l.Bus], l)
	}
}

func (l line) validate() error {
	switch l.Do {
	case doTx, doSearch, doWrite, doRead, doDiscard, doBreak:
	default:
		return fmt.Errorf("%q is nothing that is done on a bus", l.Do)
	}
	if l.Bus == "" || len(l.Write) > maxLineBytes || len(l.Read) > maxLineBytes {
		return errors.New("no bus is named, or more was said than fits")
	}
	return nil
}

// The kinds of buses a recording knows.
const (
	kindI2C     = "i2c"
	kindOneWire = "1-wire"
	kindSerial  = "serial"
)

// kind settles what kind of bus a line's is.
func (p *Player) kind(l line) error {
	k := kindI2C
	switch {
	case l.Do == doSearch || l.Do == doTx && l.Mode == kindOneWire:
		k = kindOneWire
	case l.Do != doTx:
		k = kindSerial
	}
	if was, known := p.kinds[l.Bus]; known && was != k {
		return fmt.Errorf("%s is a bus of kind %s, not %s", l.Bus, was, k)
	}
	p.kinds[l.Bus] = k
	return nil
}

// next takes the next exchange of a bus, which has to be the one that is asked for.
func (p *Player) next(asked line) (line, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest := p.lines[asked.Bus]
	if len(rest) == 0 {
		return line{}, fmt.Errorf("recording: %s: %w: it ends, and %s %x is asked", asked.Bus, ErrDiffers, asked.Do, asked.Write)
	}
	l := rest[0]
	if l.Do != asked.Do || l.Address != asked.Address || string(l.Write) != string(asked.Write) {
		return line{}, fmt.Errorf("recording: %s: %w: %s %#x %x, and %s %#x %x is asked", asked.Bus, ErrDiffers, l.Do, l.Address, l.Write, asked.Do, asked.Address, asked.Write)
	}
	p.lines[asked.Bus] = rest[1:]
	return l, nil
}

// Left returns how many exchanges were not asked for.
func (p *Player) Left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, rest := range p.lines {
		n += len(rest)
	}
	return n
}
