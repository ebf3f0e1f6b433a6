// Package config reads strict TOML: a key nobody knows is a mistake, and a mistake is reported with file, line and column.
// What is wrong with the values is reported all at once, see [Problems].
package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Duration is a length of time written as Go writes it: "30s", "5m", "24h".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a length of time: write it like \"30s\", \"5m\" or \"24h\"", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Or returns the duration, or otherwise where none is set.
func (d Duration) Or(otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return time.Duration(d)
}

// ErrInvalid is wrapped by everything [Decode] refuses.
var ErrInvalid = errors.New("configuration is not valid")

// Decode reads raw into the struct that into points to. name is the file's name, for messages.
func Decode(name string, raw []byte, into any) error {
	d := toml.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		return nil
	}
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		var keys []string
		for _, e := range unknown.Errors {
			row, column := e.Position()
			keys = append(keys, fmt.Sprintf("%s:%d:%d: nobody knows the key %q: check its spelling and the table it stands in", name, row, column, strings.Join(e.Key(), ".")))
		}
		return fmt.Errorf("%w: %s", ErrInvalid, strings.Join(keys, "; "))
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		row, column := wrong.Position()
		return fmt.Errorf("%w: %s:%d:%d: %s", ErrInvalid, name, row, column, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
}
