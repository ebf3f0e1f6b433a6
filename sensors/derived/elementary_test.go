package derived

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The functions are correctly rounded: not the last bit differs from a computation with 60 digits.
func TestElementary(t *testing.T) {
	raw, err := os.ReadFile("testdata/elementary.txt")
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]func(x, y float64) float64{
		"exp": func(x, _ float64) float64 { return exp(x) }, "ln": func(x, _ float64) float64 { return ln(x) }, "pow": pow,
		"sin": func(x, _ float64) float64 { return sin(x) }, "cos": func(x, _ float64) float64 { return cos(x) },
		"tan": func(x, _ float64) float64 { return tan(x) }, "acos": func(x, _ float64) float64 { return acos(x) },
	}
	checked := map[string]int{}
	for line := range strings.Lines(string(raw)) {
		words := strings.Fields(line)
		x := make([]float64, len(words))
		for i, w := range words[1:] {
			if x[i], err = strconv.ParseFloat(w, 64); err != nil {
				t.Fatal(err)
			}
		}
		want := x[len(words)-2]
		if got := functions[words[0]](x[0], x[1]); got != want {
			t.Errorf("%s(%v): %x, want %x", words[0], x[:len(words)-2], got, want)
		}
		checked[words[0]]++
	}
	for name := range functions {
		if checked[name] < 50 {
			t.Errorf("%s: only %d arguments", name, checked[name])
		}
	}
}

// At the ends they keep what mathematics says of them.
func TestElementaryEnds(t *testing.T) {
	for name, c := range map[string][2]float64{
		"exp huge": {exp(1000), math.Inf(1)}, "exp tiny": {exp(-1000), 0}, "acos 1": {acos(1), 0}, "acos -1": {acos(-1), math.Pi},
		"sin 0": {sin(0), 0}, "pow 1": {pow(1, 5.26), 1}, "ln subnormal": {ln(5e-324), -744.4400719213812},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %v, want %v", name, c[0], c[1])
		}
	}
}

// BenchmarkElementary says what exactness costs.
func BenchmarkElementary(b *testing.B) {
	for name, f := range map[string]func(float64) float64{"exp": exp, "ln": ln, "sin": sin, "acos": acos} {
		b.Run(name, func(b *testing.B) {
			x := 0.0
			for b.Loop() {
				x += f(0.7)
			}
			if math.IsNaN(x) {
				b.Fatal(fmt.Sprint(x))
			}
		})
	}
}
