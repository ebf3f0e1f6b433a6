package mhz19

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
	"loam/sensors/uart/uarttest"
)

func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// opened opens a probe that answers with frame.
func opened(t testing.TB, frame *[]byte, settings map[string]string) (sensors.Driver, *uarttest.Port, *clock.Virtual) {
	t.Helper()
	p := &uarttest.Port{Answer: func(sent []byte) []byte {
		if sent[2] == cmdRead {
			return *frame
		}
		return []byte{start, cmdABC, 1, 0, 0, 0, 0, 0, 0x86} // as some makes answer
	}}
	w, c := uarttest.Wire(p, settings)
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return d, p, c
}

func said(t testing.TB, frame []byte, settings map[string]string) ([]sensors.Sample, error) {
	t.Helper()
	good := reply(636)
	d, _, c := opened(t, &good, settings)
	c.Set(c.Now().Wall.Add(warmUp))
	good = frame
	return d.Sense(t.Context())
}

func reply(ppm int) []byte {
	b := []byte{start, cmdRead, byte(ppm >> 8), byte(ppm), 0x42, 0, 0, 0}
	return append(b, checksum(b))
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
			Inputs   struct{ Command string }
			Expected map[string]struct {
				Value, Tolerance float64
				Hex              string
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) < 2 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		switch v.Kind {
		case "command":
			got := map[string][]byte{"read CO2": request(cmdRead, 0)}[v.Inputs.Command]
			if s := hex.EncodeToString(got); s != v.Expected["bytes"].Hex {
				t.Errorf("%s: %s, want %s", v.ID, s, v.Expected["bytes"].Hex)
			}
		case "frame":
			s, err := said(t, bytesOf(t, v.Bytes), nil)
			if err != nil || math.Abs(s[0].Value.Float64()-v.Expected["co2"].Value) > v.Expected["co2"].Tolerance {
				t.Errorf("%s: %v, %v, want %v", v.ID, s, err, v.Expected["co2"].Value)
			}
		default:
			t.Errorf("%s has kind %q, which no test looks at", v.ID, v.Kind)
		}
	}
}

func TestExamplesOfTheManual(t *testing.T) {
	if s, err := said(t, bytesOf(t, "ff86022000000000"+"58"), nil); err != nil || s[0].Value.String() != "544" {
		t.Errorf("%v, %v", s, err)
	}
	for want, got := range map[string][]byte{"ff0179a000000000e6": request(cmdABC, abcOn), "ff0179000000000086": request(cmdABC, abcOff)} {
		if s := hex.EncodeToString(got); s != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}

func TestSelfCalibrationIsSaidEachTime(t *testing.T) {
	good := reply(420)
	for said, want := range map[string]byte{"": abcOn, "on": abcOn, "off": abcOff} {
		settings := map[string]string{settingABC: said}
		if said == "" {
			settings = nil
		}
		_, p, _ := opened(t, &good, settings)
		if !bytes.Equal(p.Sent[0], request(cmdABC, want)) {
			t.Errorf("%q: sent % x", said, p.Sent[0])
		}
	}
}

func TestItWarmsUpForThreeMinutes(t *testing.T) {
	good := reply(636)
	d, _, c := opened(t, &good, nil)
	for _, after := range []time.Duration{0, warmUp - time.Millisecond} {
		c.Set(c.Now().Wall.Add(after))
		if s, err := d.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) || s != nil {
			t.Errorf("%v, %v", s, err)
		}
	}
	c.Set(c.Now().Wall.Add(time.Millisecond))
	if s, err := d.Sense(t.Context()); err != nil || s[0].Value.String() != "636" {
		t.Errorf("%v, %v", s, err)
	}
}

func TestWhatIsNoMeasurementIsAnError(t *testing.T) {
	bad := reply(636)
	bad[3]++
	for _, c := range []struct {
		frame []byte
		ends  string
		want  error
	}{
		{reply(0), "5000", ErrNotMeasured}, {reply(5000), "5000", ErrRange}, {reply(2000), "2000", ErrRange}, {reply(65535), "10000", ErrRange},
		{bad, "5000", ErrChecksum}, {bad, "5000", serial.ErrSilent}, {reply(636)[:8], "5000", serial.ErrSilent},
		{reply(1999), "2000", nil}, {reply(2000), "5000", nil}, {append([]byte{start, start}, reply(700)...), "5000", nil},
	} {
		if s, err := said(t, c.frame, map[string]string{"range": c.ends}); !errors.Is(err, c.want) || (err == nil) != (len(s) == 1) {
			t.Errorf("% x: %v, %v, want %v", c.frame, s, err, c.want)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(reply(636))
	f.Add([]byte{start, start, cmdRead})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := said(t, b, nil)
		if (err == nil) != (len(s) == 1) {
			t.Fatalf("%v, %v", s, err)
		}
		if err == nil && (s[0].Value.Mantissa <= 0 || s[0].Value.Mantissa >= 5000) {
			t.Errorf("% x became %s", b, s[0].Value)
		}
	})
}
