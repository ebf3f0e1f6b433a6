package feed

import "fmt"

// jsonParser reads a JSON object by what the configuration says of it.
func jsonParser(c Config) (func([]byte) (Message, error), error) {
	t, err := newTimes(c)
	if err != nil {
		return nil, err
	}
	return func(payload []byte) (Message, error) {
		var object map[string]any
		if err := decodeJSON(payload, &object); err != nil {
			return Message{}, err
		}
		l, err := flatten(object)
		if err != nil {
			return Message{}, err
		}
		var key string
		r := Record{Fields: l.numbers}
		if c.Key != "" {
			var ok bool
			if key, ok = l.text(c.Key); !ok || key == "" || len(key) > maxKey {
				return Message{}, fmt.Errorf("%w: its key, field %q, is missing or longer than %d", ErrMessage, c.Key, maxKey)
			}
		}
		if c.Time != "" {
			text, ok := l.text(c.Time)
			if !ok {
				return Message{}, fmt.Errorf("%w: its time, field %q, is missing", ErrMessage, c.Time)
			}
			if r.At, err = t.parse(text); err != nil {
				return Message{}, err
			}
			if key == "" {
				key = digest(payload)
			}
		}
		return Message{Key: key, Records: []Record{r}}, nil
	}, nil
}
