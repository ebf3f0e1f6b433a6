package feed

import (
	"fmt"
	"slices"
	"strings"
)

// table reads the lines of a file under its header line.
type table struct {
	cfg   Config
	times times
	names []string
	at    int // column of the time
}

// newTable reads the header line.
func newTable(c Config, header string) (table, error) {
	t := table{cfg: c}
	var err error
	if t.times, err = newTimes(c); err != nil {
		return t, err
	}
	cells, err := split(strings.TrimPrefix(header, "\ufeff"), c.separator()[0])
	if err != nil {
		return t, err
	}
	for _, cell := range cells {
		t.names = append(t.names, strings.TrimSpace(cell.text))
	}
	wanted := []string{c.Time}
	for _, ch := range c.Channels {
		wanted = append(wanted, ch.Field)
	}
	for _, name := range wanted {
		if n := slices.Index(t.names, name); n < 0 || slices.Contains(t.names[n+1:], name) {
			return t, fmt.Errorf("%w: the header line must have column %q once; it has %.512q: check field, time and separator", ErrMessage, name, t.names)
		}
	}
	t.at = slices.Index(t.names, c.Time)
	return t, nil
}

// cellError says in which column of a line something is wrong.
type cellError struct {
	column int // of characters, from 1
	err    error
}

func (e cellError) Error() string { return fmt.Sprintf("%d: %v", e.column, e.err) }
func (e cellError) Unwrap() error { return e.err }

// record reads a line. An empty cell is a quantity that was not measured.
func (t table) record(line string) (Record, error) {
	cells, err := split(line, t.cfg.separator()[0])
	if err != nil {
		return Record{}, err
	}
	if len(cells) != len(t.names) {
		return Record{}, cellError{1, fmt.Errorf("%w: %d columns under a header of %d", ErrMessage, len(cells), len(t.names))}
	}
	r := Record{Fields: make(map[string]string, len(t.cfg.Channels))}
	at := cells[t.at]
	if r.At, err = t.times.parse(strings.TrimSpace(at.text)); err != nil {
		return Record{}, cellError{at.column, err}
	}
	for _, ch := range t.cfg.Channels {
		cell := cells[slices.Index(t.names, ch.Field)]
		text := strings.TrimSpace(cell.text)
		if text == "" {
			continue
		}
		if t.cfg.DecimalComma {
			if strings.Contains(text, ".") {
				return Record{}, cellError{cell.column, fmt.Errorf("%w: %.64q has a point, where decimal_comma says comma", ErrMessage, text)}
			}
			text = strings.Replace(text, ",", ".", 1)
		}
		if _, err := convert(text, nil, nil); err != nil {
			return Record{}, cellError{cell.column, err}
		}
		r.Fields[ch.Field] = text
	}
	return r, nil
}

// cell is what stands between two separators.
type cell struct {
	text   string
	column int
}

// split cuts a line as RFC 4180 has it, save that a quoted cell ends on its line.
func split(line string, separator byte) ([]cell, error) {
	var cells []cell
	for at := 0; ; {
		c := cell{column: at + 1}
		if at < len(line) && line[at] == '"' {
			text, n, ok := quoted(line[at:])
			if !ok {
				return nil, cellError{at + 1, fmt.Errorf("%w: the quote is not closed on its line", ErrMessage)}
			}
			c.text, at = text, at+n
		} else {
			n := strings.IndexByte(line[at:], separator)
			if n < 0 {
				n = len(line) - at
			}
			c.text, at = line[at:at+n], at+n
		}
		cells = append(cells, c)
		switch {
		case len(cells) > maxFields:
			return nil, cellError{at + 1, fmt.Errorf("%w: more than %d columns", ErrMessage, maxFields)}
		case at == len(line):
			return cells, nil
		case line[at] != separator:
			return nil, cellError{at + 1, fmt.Errorf("%w: %.8q follows a closing quote", ErrMessage, line[at:])}
		}
		at++
	}
}

// quoted reads a cell in quotes, in which two of them stand for one, and returns how long it is.
func quoted(s string) (text string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '"':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '"':
			b.WriteByte('"')
			i++
		default:
			return b.String(), i + 1, true
		}
	}
	return "", 0, false
}
