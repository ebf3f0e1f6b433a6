package recompute

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// differences says field by field where two statements in canonical form differ; at least one does.
func differences(stated, recomputed []byte) error {
	s, err := leaves(stated)
	if err != nil {
		return err
	}
	r, err := leaves(recomputed)
	if err != nil {
		return err
	}
	paths := map[string]bool{}
	for path := range s {
		paths[path] = true
	}
	for path := range r {
		paths[path] = true
	}
	var lines []string
	for path := range paths {
		a, inStated := s[path]
		b, inRecomputed := r[path]
		switch {
		case !inStated:
			lines = append(lines, fmt.Sprintf("%s: not stated, recomputed %s", path, b))
		case !inRecomputed:
			lines = append(lines, fmt.Sprintf("%s: stated %s, recomputed nothing", path, a))
		case a != b:
			lines = append(lines, fmt.Sprintf("%s: stated %s, recomputed %s", path, a, b))
		}
	}
	slices.Sort(lines)
	return fmt.Errorf("%w: %s", ErrDiffers, strings.Join(lines, "; "))
}

// leaves flattens JSON: "credit.split[0].amount" to its text. Empty lists and objects are leaves too.
func leaves(raw []byte) (map[string]string, error) {
	found := map[string]string{}
	var walk func(path string, raw json.RawMessage) error
	walk = func(path string, raw json.RawMessage) error {
		var object map[string]json.RawMessage
		var list []json.RawMessage
		switch {
		case len(raw) > 2 && raw[0] == '{':
			if err := json.Unmarshal(raw, &object); err != nil {
				return err
			}
			for name, value := range object {
				if err := walk(strings.TrimPrefix(path+"."+name, "."), value); err != nil {
					return err
				}
			}
		case len(raw) > 2 && raw[0] == '[':
			if err := json.Unmarshal(raw, &list); err != nil {
				return err
			}
			for n, value := range list {
				if err := walk(path+"["+strconv.Itoa(n)+"]", value); err != nil {
					return err
				}
			}
		default:
			found[path] = string(raw)
		}
		return nil
	}
	if err := walk("", raw); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	return found, nil
}
