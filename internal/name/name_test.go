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
