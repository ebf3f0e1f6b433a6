// Package chiptest helps to test drivers of chips: published vectors, and transcripts of what goes over the bus.
package chiptest

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors"
	"loam/sensors/clock"
)

// Vector is a published value of testdata/vectors.json.
type Vector struct {
	ID, Sensor, Kind string
	Hex              string `json:"bytes_hex"`
	Inputs           json.RawMessage
	Expected         map[string]struct {
		Value     any
		Hex       string
		Tolerance float64
	}
}

// Bytes returns the bytes of the vector.
func (v Vector) Bytes(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatalf("%s: %v", v.ID, err)
	}
	return b
}

// Into reads the inputs of the vector into a struct.
func (v Vector) Into(t testing.TB, inputs any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(v.Inputs)))
	d.DisallowUnknownFields()
	if err := d.Decode(inputs); err != nil {
		t.Fatalf("%s: %v", v.ID, err)
	}
}

// Answer is what the code under test makes of a vector: a float64, bytes or text, for everything the vector expects.
type Answer map[string]any

// Run runs every vector of testdata/vectors.json. answers has a function for each "sensor kind"; a vector without one
// fails.
func Run(t *testing.T, answers map[string]func(Vector) (Answer, error)) {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []Vector }
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		answer := answers[v.Sensor+" "+v.Kind]
		if answer == nil {
			t.Errorf("%s: nothing runs a vector of %s %s", v.ID, v.Sensor, v.Kind)
			continue
		}
		got, err := answer(v)
		v.compare(t, got, err)
	}
}

func (v Vector) compare(t *testing.T, got Answer, err error) {
	t.Helper()
	if want, refused := v.Expected["error"]; refused {
		if err == nil || len(got) > 0 {
			t.Errorf("%s: %v, %v; want an error: %v", v.ID, got, err, want.Value)
		}
		return
	}
	if err != nil || len(got) != len(v.Expected) {
		t.Errorf("%s: %v, %v; want %v", v.ID, got, err, v.Expected)
		return
	}
	for name, want := range v.Expected {
		switch g := got[name].(type) {
		case []byte:
			if hex.EncodeToString(g) != want.Hex {
				t.Errorf("%s: %s % x, want %s", v.ID, name, g, want.Hex)
			}
		case string:
			if g != want.Value {
				t.Errorf("%s: %s %q, want %v", v.ID, name, g, want.Value)
			}
		case float64:
			if w, ok := want.Value.(float64); !ok || !(math.Abs(g-w) <= want.Tolerance+1e-9) {
				t.Errorf("%s: %s %v, want %v ± %v", v.ID, name, g, want.Value, want.Tolerance)
			}
		default:
			t.Errorf("%s: no answer for %s", v.ID, name)
		}
	}
}

// Values returns samples as an answer, under the vectors' names.
func Values(samples []sensors.Sample, names map[sensors.Quantity]string) Answer {
	a := Answer{}
	for _, s := range samples {
		a[names[s.Quantity]] = s.Value.Float64()
	}
	return a
}

// Wire returns a wiring to a bus of its own, on a clock on which time passes by waiting only.
func Wire(t testing.TB, bus i2c.BusCloser, address uint64) (sensors.Wiring, *clock.Virtual) {
	t.Helper()
	name := "TEST-" + strings.ReplaceAll(t.Name(), ":", "-")
	if err := i2creg.Register(name, nil, -1, func() (i2c.BusCloser, error) { return bus, nil }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i2creg.Unregister(name); err != nil {
			t.Error(err)
		}
	})
	c := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{})
	return sensors.Wiring{Probe: "probe", Bus: name, Address: address, Clock: c}, c
}

// Play opens the probe on a bus that answers as transcribed, and fails the test where more or less is said than that.
func Play(t testing.TB, m sensors.Model, settings map[string]string, transcript ...i2ctest.IO) (sensors.Driver, error) {
	t.Helper()
	w, _ := Wire(t, &i2ctest.Playback{Ops: transcript, DontPanic: true}, uint64(transcript[0].Addr))
	w.Settings = settings
	d, err := m.Open(t.Context(), w)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("not everything was said: %v", err)
		}
	})
	return d, nil
}

// Text returns samples as people read them: "25.00 37.00 500".
func Text(samples []sensors.Sample) string {
	var words []string
	for _, s := range samples {
		words = append(words, fmt.Sprint(s.Value))
	}
	return strings.Join(words, " ")
}
