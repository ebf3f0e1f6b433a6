package influxstore

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// record is a row of a Flux result: the columns we ask for, each of the type the server says it has.
type record struct {
	time  time.Time // _time
	field string    // _field
	value any       // _value: float64, int64 or string; nil where it is null
	text  map[string]string
}

// errAnswer is what a server says in the place of a result it cannot give.
var errAnswer = errors.New("the query failed")

// eachRecord reads annotated CSV (docs.influxdata.com, "Annotated CSV"): tables, each with its annotations, its header and
// its rows; an empty line or an annotation begins the next. The client's own reader comes with an API for all that InfluxDB
// can do, a megabyte of it, which a gateway's small card would carry for nothing.
func eachRecord(r io.Reader, row func(record) error) error {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord = -1
	lines.ReuseRecord = true
	var types, defaults, header []string
	for {
		line, err := lines.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the result: %w", err)
		case len(line) < 2:
			continue
		}
		switch line[0] {
		case "#datatype":
			types, defaults, header = slices.Clone(line), nil, nil
			continue
		case "#default":
			defaults = slices.Clone(line)
			continue
		case "#group":
			continue
		}
		if header == nil {
			header = slices.Clone(line)
			continue
		}
		if slices.Contains(header, "error") && slices.Contains(header, "reference") {
			return fmt.Errorf("%w: %s", errAnswer, line[slices.Index(header, "error")])
		}
		rec, err := parseRecord(types, defaults, header, line)
		if err != nil {
			return err
		}
		if err := row(rec); err != nil {
			return err
		}
	}
}

func parseRecord(types, defaults, header, line []string) (record, error) {
	rec := record{text: map[string]string{}}
	if len(line) != len(header) || len(types) != len(header) {
		return rec, fmt.Errorf("read the result: a row of %d columns under %d, of which %d have a type", len(line), len(header), len(types))
	}
	for i, name := range header {
		text := line[i]
		if text == "" && i < len(defaults) {
			text = defaults[i]
		}
		var err error
		switch name {
		case "_time":
			rec.time, err = time.Parse(time.RFC3339Nano, text)
		case "_field":
			rec.field = text
		case "_value":
			rec.value, err = parseValue(types[i], text)
		default:
			rec.text[name] = text
		}
		if err != nil {
			return rec, fmt.Errorf("read the result: column %s: %w", name, err)
		}
	}
	return rec, nil
}

// parseValue reads a value of the types that loam writes, and of counts.
func parseValue(kind, text string) (any, error) {
	switch kind {
	case "string":
		return text, nil
	case "double":
		if text == "" {
			return nil, nil
		}
		return strconv.ParseFloat(text, 64)
	case "long":
		if text == "" {
			return nil, nil
		}
		return strconv.ParseInt(text, 10, 64)
	}
	return text, nil // of another type than loam writes: whoever uses it says so
}
