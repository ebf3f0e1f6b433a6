package a02yyuw

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"

	"loam/sensors"
	"loam/sensors/serial"
	"loam/sensors/uart/uarttest"
)

func frame(mm int) []byte {
	b := []byte{header, byte(mm >> 8), byte(mm)}
	return append(b, b[0]+b[1]+b[2])
}

// said is what an opened probe says when it sends b from then on.
func said(t testing.TB, b []byte, settings map[string]string) ([]sensors.Sample, error) {
	t.Helper()
	good := append(frame(1000), frame(1000)...)
	speak := func() []byte { return good }
	p := &uarttest.Port{Speak: speak}
	if settings["output"] == "controlled" {
		p = &uarttest.Port{Answer: func(sent []byte) []byte {
			if !bytes.Equal(sent, []byte{0xFF}) {
				t.Errorf("asked with % x", sent)
			}
			return good
		}}
	}
	w, _ := uarttest.Wire(p, settings)
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	p.Unread = append(frame(77), frame(77)...) // from before the question
	good = b
	s, err := d.Sense(t.Context())
	if (err == nil) != (len(s) == 1) {
		t.Fatalf("%v, %v", s, err)
	}
	return s, err
}

func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Kind string
			Bytes    string `json:"bytes_hex"`
			Expected map[string]struct{ Value, Tolerance float64 }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) < 1 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		b, err := hex.DecodeString(v.Bytes)
		if err != nil || v.Kind != "frame" {
			t.Errorf("%s of kind %q: %v", v.ID, v.Kind, err)
			continue
		}
		want := v.Expected["distance"]
		for _, settings := range []map[string]string{nil, {"output": "controlled"}} {
			s, err := said(t, append(bytes.Clone(b), b...), settings)
			if err != nil || math.Abs(s[0].Value.Float64()-want.Value) > want.Tolerance {
				t.Errorf("%s: %v, %v, want %v", v.ID, s, err, want.Value)
			}
		}
	}
}

func TestTheSecondOfTwoFramesCounts(t *testing.T) {
	s, err := said(t, bytes.Join([][]byte{frame(1500)[2:], frame(1600), frame(1700)}, nil), nil)
	if err != nil || s[0].Value.String() != "1700" {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := said(t, frame(1600), nil); err != nil || s[0].Value.String() != "1600" { // and again, and again
		t.Errorf("%v, %v", s, err)
	}
	if s, err := said(t, nil, nil); !errors.Is(err, serial.ErrSilent) {
		t.Errorf("%v, %v", s, err)
	}
}

// TestNoCutThroughFramesIsADistance reads rows of frames from every byte on: no wrong distance may come out.
func TestNoCutThroughFramesIsADistance(t *testing.T) {
	for mm := nearest; mm <= farthest; mm++ {
		row := bytes.Repeat(frame(mm), 4)
		for cut := range length {
			if s, err := said(t, row[cut:], nil); err != nil || s[0].Value.Mantissa != int64(mm) {
				t.Fatalf("%d mm from byte %d on: %v, %v", mm, cut, s, err)
			}
		}
	}
}

func TestWhatIsOutOfReachIsAnError(t *testing.T) {
	for _, mm := range []int{0, 1, nearest - 1, farthest + 1, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF} {
		if s, err := said(t, append(frame(mm), frame(mm)...), nil); !errors.Is(err, ErrNoTarget) {
			t.Errorf("%d: %v, %v", mm, s, err)
		}
	}
	bad := frame(1000)
	bad[3]++
	if s, err := said(t, bad, nil); !errors.Is(err, ErrChecksum) {
		t.Errorf("%v, %v", s, err)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(append(frame(1953), frame(1953)...))
	f.Add(bytes.Repeat([]byte{header}, 9))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := said(t, b, nil); err == nil && (s[0].Value.Mantissa < nearest || s[0].Value.Mantissa > farthest) {
			t.Errorf("% x became %s", b, s[0].Value)
		}
	})
}
