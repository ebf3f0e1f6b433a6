package recompute_test

import (
	"testing"

	"loam/valuation/recompute"
	"loam/valuation/statement"
)

func BenchmarkParse(b *testing.B) {
	raw := golden(b)
	for b.Loop() {
		if _, err := statement.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	raw := golden(b)
	for b.Loop() {
		if _, err := recompute.Verify(raw); err != nil {
			b.Fatal(err)
		}
	}
}
