package sds011

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
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
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) < 2 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		if v.Kind != "frame" {
			t.Errorf("%s has kind %q, which no test looks at", v.ID, v.Kind)
			continue
		}
		frame := bytesOf(t, v.Bytes)
		if err := reader.Check(frame); err != nil || reader.Length(frame) != len(frame) {
			t.Errorf("%s: %v", v.ID, err)
		}
		s, err := samples(frame, clock.Instant{})
		if err != nil || len(s) != len(v.Expected) {
			t.Errorf("%s: %v, %v", v.ID, s, err)
			continue
		}
		for i, name := range []string{"pm25", "pm10"} {
			want := v.Expected[name]
			if math.Abs(s[i].Value.Float64()-want.Value) > want.Tolerance {
				t.Errorf("%s: %s is %s, want %v", v.ID, name, s[i].Value, want.Value)
			}
		}
	}
}

// The requests are printed in the control protocol V1.3, for any device.
func TestRequestsOfTheProtocol(t *testing.T) {
	for want, got := range map[string][]byte{
		"aab404000000000000000000000000ffff02ab": request(cmdQuery, 0, 0),
		"aab402010100000000000000000000ffff02ab": request(cmdMode, set, 1),
		"aab402000000000000000000000000ffff00ab": request(cmdMode, get, 0),
		"aab406010100000000000000000000ffff06ab": request(cmdWork, set, 1),
		"aab406010000000000000000000000ffff05ab": request(cmdWork, set, 0),
		"aab408010000000000000000000000ffff07ab": request(cmdPeriod, set, 0),
	} {
		if s := hex.EncodeToString(got); s != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}

func data(fine, coarse int) []byte {
	return framed(isData, byte(fine), byte(fine>>8), byte(coarse), byte(coarse>>8), 0xA1, 0x60)
}

func framed(kind byte, b ...byte) []byte {
	return append(append([]byte{head, kind}, b...), sum(b), tail)
}

func TestWhatIsNoMeasurementIsAnError(t *testing.T) {
	for _, c := range []struct {
		fine, coarse int
		want         error
	}{
		{9990, 500, ErrFan}, {9999, 19999, ErrFan}, {500, 19990, ErrFan}, {9995, 0, ErrFan},
		{0, 0, ErrNotMeasured}, {500, 10000, ErrRange}, {10000, 500, ErrRange}, {65535, 65535, ErrRange},
		{9989, 9999, nil}, {0, 1, nil}, {3, 0, nil},
	} {
		s, err := samples(data(c.fine, c.coarse), clock.Instant{})
		if !errors.Is(err, c.want) || (err == nil) != (len(s) == 2) {
			t.Errorf("%d, %d: %v, %v, want %v", c.fine, c.coarse, s, err, c.want)
		}
	}
}

// device is an SDS011 as it comes from the factory.
type device struct {
	mode, period, work byte
	noPeriod           bool
	air                []byte
	before             []byte // sent before each answer
}

func (d *device) port() *uarttest.Port {
	return &uarttest.Port{Answer: func(sent []byte) []byte {
		var kept *byte
		switch sent[2] {
		case cmdQuery:
			return append(bytes.Clone(d.before), d.air...)
		case cmdMode:
			kept = &d.mode
		case cmdWork:
			kept = &d.work
		case cmdPeriod:
			if d.noPeriod {
				return nil
			}
			kept = &d.period
		}
		if sent[3] == set {
			*kept = sent[4]
		}
		return append(bytes.Clone(d.before), framed(isAnswer, sent[2], sent[3], *kept, 0, 0xA1, 0x60)...)
	}}
}

func (d *device) open(t *testing.T, settings map[string]string) (sensors.Driver, *uarttest.Port, func(time.Duration)) {
	t.Helper()
	p := d.port()
	w, c := uarttest.Wire(p, settings)
	probe, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return probe, p, func(d time.Duration) { c.Set(c.Now().Wall.Add(d)) }
}

func writes(sent [][]byte) (n int) {
	for _, b := range sent {
		if b[2] != cmdWork && b[2] != cmdQuery && b[3] == set {
			n++
		}
	}
	return n
}

func TestFlashIsWrittenOnlyWhereItDiffers(t *testing.T) {
	d := &device{period: 5, air: data(36, 120)}
	_, p, _ := d.open(t, nil)
	if d.mode != 1 || d.period != 0 || d.work != 1 || writes(p.Sent) != 2 {
		t.Errorf("%+v after %d writes", d, writes(p.Sent))
	}
	if _, p, _ = d.open(t, nil); writes(p.Sent) != 0 {
		t.Errorf("%d writes although all was set", writes(p.Sent))
	}
	d.noPeriod = true
	d.open(t, nil)
}

func TestAnotherDevicesAnswerIsNone(t *testing.T) {
	d := &device{air: data(36, 120)}
	probe, _, pass := d.open(t, nil)
	pass(warmUp)
	for _, late := range [][]byte{framed(isData, 1, 0, 2, 0, 0xA1, 0x61), framed(isAnswer, cmdQuery, 1, 1, 0, 0xA1, 0x60)} {
		d.before = late
		s, err := probe.Sense(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := uarttest.Values(t, s); got[sensors.PM25] != "3.6" || got[sensors.PM10] != "12.0" {
			t.Errorf("%v", got)
		}
	}
	d.air = nil
	if s, err := probe.Sense(t.Context()); err == nil {
		t.Errorf("%v", s)
	}
}

func TestItWarmsUpRestsAndSaysWhichDevice(t *testing.T) {
	d := &device{air: data(9999, 19999)}
	probe, _, pass := d.open(t, map[string]string{"rest": "5"})
	if _, err := probe.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) {
		t.Error(err)
	}
	pass(warmUp)
	if _, err := probe.Sense(t.Context()); !errors.Is(err, ErrFan) || !strings.Contains(err.Error(), "device A160") {
		t.Error(err)
	}
	d.air = data(36, 120)
	if _, err := probe.Sense(t.Context()); err != nil || d.work != 0 {
		t.Errorf("%v, work %d after a reading", err, d.work)
	}
	pass(5*time.Minute - time.Second)
	if _, err := probe.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) || d.work != 0 {
		t.Errorf("%v, work %d at rest", err, d.work)
	}
	pass(time.Second)
	if _, err := probe.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) || d.work != 1 {
		t.Errorf("%v, work %d when woken", err, d.work)
	}
	pass(warmUp)
	if s, err := probe.Sense(t.Context()); err != nil || len(s) != 2 {
		t.Errorf("%v, %v", s, err)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(data(36, 120))
	f.Add([]byte{head, head, isData, head})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &device{air: data(36, 120)}
		probe, _, pass := d.open(t, nil)
		pass(warmUp)
		d.air = b
		s, err := probe.Sense(t.Context())
		if (err == nil) != (len(s) == 2) {
			t.Fatalf("%v, %v", s, err)
		}
		for _, v := range s {
			if v.Value.Mantissa < 0 || v.Value.Mantissa > limit {
				t.Errorf("% x became %s", b, v.Value)
			}
		}
	})
}
