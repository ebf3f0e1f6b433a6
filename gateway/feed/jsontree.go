package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// decodeJSON reads exactly one JSON value, keeping the digits of its numbers.
func decodeJSON(payload []byte, into any) error {
	if len(payload) > maxMessage {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrMessage, len(payload), maxMessage)
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: it is not the JSON expected: %w", ErrMessage, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the JSON", ErrMessage)
	}
	return nil
}

// leaves are the numbers and texts of a JSON value, by their path.
type leaves struct{ numbers, texts map[string]string }

// flatten lists the leaves of an object. An element of an array goes by its number: "rxInfo.0.rssi".
func flatten(object map[string]any) (leaves, error) {
	l := leaves{numbers: map[string]string{}, texts: map[string]string{}}
	return l, l.add("", object, 0)
}

func (l leaves) add(path string, value any, depth int) error {
	if depth > maxDepth || len(l.numbers)+len(l.texts) > maxFields {
		return fmt.Errorf("%w: more than %d fields, or deeper than %d", ErrMessage, maxFields, maxDepth)
	}
	below := func(key string) string {
		if path == "" {
			return key
		}
		return path + "." + key
	}
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			if err := l.add(below(key), child, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for i, child := range v {
			if err := l.add(below(strconv.Itoa(i)), child, depth+1); err != nil {
				return err
			}
		}
	case json.Number:
		l.numbers[path] = v.String()
	case string:
		l.texts[path] = v
	}
	return nil
}

// text returns a leaf of either kind.
func (l leaves) text(path string) (string, bool) {
	if v, ok := l.numbers[path]; ok {
		return v, true
	}
	v, ok := l.texts[path]
	return v, ok
}
