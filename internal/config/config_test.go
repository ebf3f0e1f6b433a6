package config

import (
	"errors"
	"strings"
	"testing"
	"time"
)

type sample struct {
	Name  string   `toml:"name"`
	Every Duration `toml:"every"`
	Table struct {
		N int `toml:"n"`
	} `toml:"table"`
}

func TestDecodeReadsWhatItKnows(t *testing.T) {
	var s sample
	if err := Decode("x.toml", []byte("name = 'a'\nevery = '90s'\n[table]\nn = 3\n"), &s); err != nil {
		t.Fatal(err)
	}
	if s.Name != "a" || time.Duration(s.Every) != 90*time.Second || s.Table.N != 3 {
		t.Fatalf("read %+v", s)
	}
}

func TestDecodeSaysWhereAMistakeIs(t *testing.T) {
	for _, c := range []struct{ name, text, at string }{
		{"unknown key", "name = 'a'\nnmae = 'b'\n", "x.toml:2:1"},
		{"unknown key in a table", "[table]\nm = 1\n", "x.toml:2:1"},
		{"wrong type", "name = 'a'\n[table]\nn = 'three'\n", "x.toml:3:5"},
		{"not a duration", "every = 'soon'\n", "soon"},
		{"broken syntax", "name = \n", "x.toml:1:8"},
		{"key twice", "name = 'a'\nname = 'b'\n", "x.toml:2"},
	} {
		var s sample
		err := Decode("x.toml", []byte(c.text), &s)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.at) {
			t.Errorf("%s: error %v does not point at %s", c.name, err, c.at)
		}
	}
}
