package qc

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
	"time"
)

type vectorFile struct {
	Count   int      `json:"count"`
	Vectors []vector `json:"vectors"`
}

type vector struct {
	ID     string          `json:"id"`
	Test   string          `json:"test"`
	Params json.RawMessage `json:"params"`
	Inputs struct {
		Inp     []*float64 `json:"inp"`
		Vectors [][]int    `json:"vectors"`
	} `json:"inputs"`
	Times    []*time.Time `json:"times"`
	Expected []int        `json:"expected"`
}

func (v vector) values() []float64 {
	out := make([]float64, len(v.Inputs.Inp))
	for i, p := range v.Inputs.Inp {
		out[i] = math.NaN()
		if p != nil {
			out[i] = *p
		}
	}
	return out
}

func (v vector) times() []time.Time {
	out := make([]time.Time, len(v.Times))
	for i, p := range v.Times {
		if p != nil {
			out[i] = *p
		}
	}
	return out
}

func decode[T any](t *testing.T, raw []byte) (out T) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return out
}

func (v vector) flags(t *testing.T) ([]Flag, error) {
	switch v.Test {
	case "gross_range":
		return decode[GrossRangeTest](t, v.Params).Flags(v.values())
	case "spike":
		return decode[SpikeTest](t, v.Params).Flags(v.values())
	case "rate_of_change":
		return decode[RateOfChangeTest](t, v.Params).Flags(v.values(), v.times())
	case "flat_line":
		return decode[FlatLineTest](t, v.Params).Flags(v.values(), v.times())
	case "time_gap":
		return decode[TimeGapTest](t, v.Params).Flags(v.times()), nil
	case "aggregate":
		return Aggregate(flagVectors(v.Inputs.Vectors)...)
	}
	t.Fatalf("no such test %q", v.Test)
	return nil, nil
}

func flagVectors(in [][]int) [][]Flag {
	var out [][]Flag
	for _, v := range in {
		out = append(out, flagVector(v))
	}
	return out
}

func flagVector(in []int) []Flag {
	out := make([]Flag, len(in))
	for i, f := range in {
		out[i] = Flag(f)
	}
	return out
}

// The published vectors of ioos_qc, and what the program itself answers to random series, surprises included.
func TestVectors(t *testing.T) {
	for _, name := range []string{"testdata/qartod.json", "testdata/captured.json"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file vectorFile
		if err := json.Unmarshal(raw, &file); err != nil {
			t.Fatal(err)
		}
		if len(file.Vectors) != file.Count || file.Count == 0 {
			t.Fatalf("%s: %d vectors, it says %d", name, len(file.Vectors), file.Count)
		}
		for _, v := range file.Vectors {
			t.Run(v.ID, func(t *testing.T) {
				got, err := v.flags(t)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, flagVector(v.Expected)) {
					t.Errorf("%s %s\nvalues %v\n  got %v\n want %v", v.Test, v.Params, v.values(), got, v.Expected)
				}
			})
		}
	}
}
