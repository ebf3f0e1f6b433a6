package derived_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loam/sensors/derived"
)

var update = flag.Bool("update", false, "write testdata/bits.txt anew")

// Every machine computes the same bits: the file was written on one, and holds on all.
func TestBitsAreTheSameEverywhere(t *testing.T) {
	const file = "testdata/bits.txt"
	if *update {
		if err := os.WriteFile(file, []byte(someBits(t)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(raw)) {
		words := strings.Fields(line)
		name, arguments, want := words[0], words[1:len(words)-1], words[len(words)-1]
		if got := bits(t, name, arguments); got != want {
			t.Errorf("%s %v: %s, and elsewhere %s", name, arguments, got, want)
		}
		lines++
	}
	if lines < 300 {
		t.Errorf("only %d lines", lines)
	}
}

func bits(t *testing.T, name string, arguments []string) string {
	t.Helper()
	q, err := derived.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	in, err := derived.Parse(arguments)
	if err != nil {
		t.Fatal(err)
	}
	x, err := q.Compute(in)
	if err != nil {
		t.Fatalf("%s %v: %v", name, arguments, err)
	}
	return strconv.FormatFloat(x, 'x', -1, 64)
}

// someBits computes every published vector, and every form on inputs of all digits.
func someBits(t *testing.T) string {
	var out strings.Builder
	say := func(name string, arguments []string) {
		slices.Sort(arguments)
		for i := range arguments {
			arguments[i] = strings.ReplaceAll(arguments[i], " ", "")
		}
		fmt.Fprintln(&out, name, strings.Join(arguments, " "), bits(t, name, arguments))
	}
	for _, v := range read(t).Vectors {
		say(v.Quantity, v.arguments())
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, q := range derived.Quantities() {
		for _, f := range q.Forms {
			if slices.Contains(f.Inputs, "days") {
				continue
			}
			for range 8 {
				var arguments []string
				for key, x := range draw(r, f.Inputs) {
					arguments = append(arguments, key+"="+strconv.FormatFloat(x, 'g', -1, 64))
				}
				say(q.Name, arguments)
			}
		}
	}
	return out.String()
}
