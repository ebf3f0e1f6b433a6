package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// code is what a page says in grey: fenced blocks and spans.
var code = regexp.MustCompile("(?s)```.*?```|`[^`\n]+`")

// TestPagesNameRealCommands: every loam command that a page tells people to type is there, with every flag.
func TestPagesNameRealCommands(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range append(pages, "../../README.md", "../../firmware-notes/README.md", "../../firmware-notes/boards.md") {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range code.FindAllString(string(raw), -1) {
			for line := range strings.Lines(strings.Trim(span, "`")) {
				line, _, _ = strings.Cut(line, "#")
				for _, words := range commandsIn(line) {
					found++
					if err := realCommand(words); err != "" {
						t.Errorf("%s: `loam %s`: %s", filepath.Base(page), strings.Join(words, " "), err)
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d commands found: the test has lost its pages", found)
	}
}

// commandsIn returns what follows each call of loam in a line.
func commandsIn(line string) (all [][]string) {
	words := strings.Fields(line)
	for i, w := range words {
		called := slices.Contains([]string{"loam", "./bin/loam", "bin/loam"}, w) && i+1 < len(words) && words[i+1] != "loam"
		if called && (i == 0 || !slices.Contains([]string{"-u", "remove", "purge", "-o", "-g"}, words[i-1])) {
			rest := words[i+1:]
			if end := slices.IndexFunc(rest, func(w string) bool { return strings.ContainsAny(w, "|;&>") }); end >= 0 {
				rest = rest[:end]
			}
			all = append(all, rest)
		}
	}
	return all
}

// realCommand says what is wrong with a command line, if anything.
func realCommand(words []string) string {
	cmd, rest, err := command().Find(words)
	switch {
	case err != nil:
		return err.Error()
	case cmd.HasSubCommands() && len(rest) > 0:
		return cmd.CommandPath() + " knows no " + rest[0]
	}
	for _, w := range rest {
		name, isFlag := strings.CutPrefix(w, "--")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && cmd.Flag(strings.TrimRight(name, ",.")) == nil {
			return "no flag --" + name
		}
	}
	return ""
}
