package kit

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// errEdit says that a configuration is written in a way the pages cannot change.
var errEdit = errors.New("the configuration is written in a way these pages cannot change: change it by hand")

// header is a line that begins a table.
var header = regexp.MustCompile(`^\s*\[(\[?)\s*([A-Za-z0-9_.-]+)\s*\]`)

// remark is what a person noted behind a text.
var remark = regexp.MustCompile(`[ \t]*#[^"']*$`)

// quote writes a TOML string. What is not plain is refused: nothing else is a name, an address or a key.
func quote(s string) (string, error) {
	for _, r := range s {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return "", fmt.Errorf("%q: use plain letters, digits and signs", s)
		}
	}
	return `"` + s + `"`, nil
}

// set gives a key of a table ("" is the file's own) a text, and leaves every other line as a person wrote it. Lines are
// not TOML: so what came of it is read, and must be what was there with this one key changed.
func set(raw []byte, table, key, value string) ([]byte, error) {
	before, err := tree(raw)
	if err != nil {
		return nil, err
	}
	quoted, err := quote(value)
	if err != nil {
		return nil, err
	}
	after := []byte(strings.Join(setLine(strings.SplitAfter(string(raw), "\n"), table, key, key+" = "+quoted+"\n"), ""))
	got, err := tree(after)
	if err != nil {
		return nil, errEdit
	}
	into := before
	if table != "" {
		sub, ok := before[table].(map[string]any)
		if !ok && before[table] != nil {
			return nil, errEdit
		}
		if sub == nil {
			sub = map[string]any{}
			before[table] = sub
		}
		into = sub
	}
	into[key] = value
	if !reflect.DeepEqual(before, got) {
		return nil, errEdit
	}
	return after, nil
}

func setLine(lines []string, table, key, line string) []string {
	mine := regexp.MustCompile(`^(\s*)` + regexp.QuoteMeta(key) + `\s*=`)
	current, at := "", -1 // where the table begins
	if table == "" {
		at = 0
	}
	for i, l := range lines {
		if h := header.FindStringSubmatch(l); h != nil {
			current = h[2]
			if current == table && h[1] == "" {
				at = i + 1
			}
			continue
		}
		if current == table && mine.MatchString(l) {
			lines[i] = mine.FindStringSubmatch(l)[1] + strings.TrimSuffix(line, "\n") + strings.TrimRight(remark.FindString(l), "\r\n") + "\n"
			return lines
		}
	}
	if at >= 0 {
		return append(lines[:at:at], append([]string{line}, lines[at:]...)...)
	}
	return append(lines, "\n["+table+"]\n"+line)
}

// without takes a probe out: the lines from its [[probe]] to the next table that is not its own.
func without(raw []byte, probe string) ([]byte, error) {
	before, err := tree(raw)
	if err != nil {
		return nil, err
	}
	var kept []any
	probes, _ := before["probe"].([]any)
	for _, p := range probes {
		if t, ok := p.(map[string]any); !ok || t["name"] != probe {
			kept = append(kept, p)
		}
	}
	if len(kept) == len(probes) {
		return nil, fmt.Errorf("there is no probe %q", probe)
	}
	if before["probe"] = kept; kept == nil {
		delete(before, "probe")
	}
	lines := strings.SplitAfter(string(raw), "\n")
	for _, span := range probeSpans(lines) {
		after := strings.Join(lines[:span[0]], "") + strings.Join(lines[span[1]:], "")
		if got, err := tree([]byte(after)); err == nil && reflect.DeepEqual(before, got) {
			return []byte(after), nil
		}
	}
	return nil, errEdit
}

// probeSpans finds the lines of each [[probe]]; comments before a header belong to what it begins.
func probeSpans(lines []string) (spans [][2]int) {
	open := -1
	for i, l := range lines {
		h := header.FindStringSubmatch(l)
		if h == nil || strings.HasPrefix(h[2], "probe.") {
			continue
		}
		start := i
		for start > 0 && strings.HasPrefix(lines[start-1], "#") {
			start--
		}
		if open >= 0 {
			spans = append(spans, [2]int{open, start})
		}
		if open = -1; h[1] == "[" && h[2] == "probe" {
			open = start
		}
	}
	if open >= 0 {
		spans = append(spans, [2]int{open, len(lines)})
	}
	return spans
}

func tree(raw []byte) (map[string]any, error) {
	t := map[string]any{}
	if err := toml.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	return t, nil
}
