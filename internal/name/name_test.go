package name_test

import (
	"strings"
	"testing"

	"loam/internal/name"
)

func TestNames(t *testing.T) {
	for _, s := range []string{"a", "7", "willow-creek", "soil-10cm", "a-", "a--b", strings.Repeat("a", 63)} {
		if !name.Valid(s) {
			t.Errorf("%q was refused", s)
		}
	}
	for _, s := range []string{"", "-a", "-", "A", "aB", "a_b", "a.b", "a b", "ä", "a\x00", "a\n", "\na", "a/b", "a:b", "a+", "#", strings.Repeat("a", 64)} {
		if name.Valid(s) {
			t.Errorf("%q was accepted", s)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"bme280", "bme280", 0}, {"bme28", "bme280", 1}, {"bmp280", "bme280", 1}, {"kitten", "sitting", 3}, {"", "abc", 3}} {
		if got := name.Distance(c.a, c.b); got != c.want || name.Distance(c.b, c.a) != c.want {
			t.Errorf("%q and %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
