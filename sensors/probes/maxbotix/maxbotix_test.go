package maxbotix

import (
	"errors"
	"testing"

	"loam/sensors"
	"loam/sensors/serial"
	"loam/sensors/uart"
	"loam/sensors/uart/uarttest"
)

// said is what an opened probe of a series says when text comes from then on.
func said(t testing.TB, name, text string) ([]sensors.Sample, error) {
	t.Helper()
	s, err := find(name)
	if err != nil {
		t.Fatal(err)
	}
	next := "\rR0600\r\rR100\r"
	if s.digits == 3 {
		next = "\rR100\r"
	}
	p := &uarttest.Port{Speak: func() []byte { b := []byte(next); next = ""; return b }}
	w, _ := uarttest.Wire(p, map[string]string{"series": name})
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	p.Unread, next = []byte("\rR0777\r\rR077\r"), text // the former from before the question
	samples, err := d.Sense(t.Context())
	if (err == nil) != (len(samples) == 1) {
		t.Fatalf("%v, %v", samples, err)
	}
	return samples, err
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		series, text, mm string
		err              error
	}{
		{"hrxl-5m", "234\rR1234\rR1300\r", "1234", nil},
		{"hrxl-5m", "\rR1234 \r", "1234", nil}, // HRUSB
		{"hrxl-5m", "\rR0301\r", "301", nil},
		{"hrxl-5m", "\rR4998\r", "4998", nil},
		{"hrxl-5m", "\rR5000\r", "", ErrNoTarget},
		{"hrxl-5m", "\rR4999\r", "", ErrNoTarget},
		{"hrxl-5m", "\rR9999\r", "", ErrNoTarget},
		{"hrxl-5m", "\rR0300\r", "", ErrTooNear},
		{"hrxl-5m", "\rR0000\r", "", ErrTooNear},
		{"hrxl-10m", "\rR5000\r", "5000", nil},
		{"hrxl-10m", "\rR9998\r", "9998", nil},
		{"hrxl-10m", "\rR9999\r", "", ErrNoTarget},
		{"hrxl-10m", "\rR0500\r", "", ErrTooNear},
		{"xl", "\rR123\r", "1230", nil},
		{"xl", "\rR764\r", "7640", nil},
		{"xl", "\rR765\r", "", ErrNoTarget},
		{"xl", "\rR020\r", "", ErrTooNear},
		{"lv", "\rR010\r", "254", nil},
		{"lv", "\rR055\r", "1397", nil},
		{"lv", "\rR253\r", "6426", nil},
		{"lv", "\rR254\r", "", ErrNoTarget},
		{"lv", "\rR255\r", "", ErrNoTarget},
		{"lv", "\rR006\r", "", ErrTooNear},
		{"hrxl-5m", "", "", serial.ErrSilent},
		{"hrxl-5m", "R1234\r", "", serial.ErrSilent}, // whether it began here nobody can say
		{"hrxl-5m", "\rR123\r", "", errDigits},       // another series
		{"xl", "\rR1234\r", "", serial.ErrSilent},
		{"hrxl-5m", "\rR12\x003\rR1.34\r\rR-123\r\rRR1234\r\r1234\r", "", errDigits},
		{"hrxl-5m", "\rHRXL-MaxSonar-WRL\rPN:MB7386\rRoHS 1.8b090  0713\rTempI\rR1800\r", "1800", nil},
	} {
		s, err := said(t, c.series, c.text)
		if !errors.Is(err, c.err) {
			t.Errorf("%s %q: %v, %v, want %v", c.series, c.text, s, err, c.err)
		} else if err == nil && s[0].Value.String() != c.mm {
			t.Errorf("%s %q: %s, want %s", c.series, c.text, s[0].Value, c.mm)
		}
	}
}

func TestNoiseWithoutEndIsGivenUp(t *testing.T) {
	p := &uarttest.Port{Speak: func() []byte { return []byte("R R R R") }}
	w, _ := uarttest.Wire(p, nil)
	if _, err := Model().Open(t.Context(), w); !errors.Is(err, uart.ErrNoFrame) {
		t.Error(err)
	}
	if p.Open != 0 {
		t.Errorf("%d handles are left", p.Open)
	}
}

func TestEachSeriesHasARangeOfItsOwn(t *testing.T) {
	for name, want := range map[string][2]string{"hrxl-5m": {"301", "4998"}, "hrxl-10m": {"501", "9998"}, "xl": {"210", "7640"}, "lv": {"178", "6426"}} {
		m, err := Model().For(sensors.Wiring{Settings: map[string]string{"series": name}})
		if err != nil || m.Outputs[0].Min.String() != want[0] || m.Outputs[0].Max.String() != want[1] {
			t.Errorf("%s: %+v, %v", name, m.Outputs, err)
		}
	}
	if _, err := Model().For(sensors.Wiring{Settings: map[string]string{"series": "mb9999"}}); err == nil {
		t.Error("an unknown series was fine")
	}
}

func FuzzLine(f *testing.F) {
	f.Add("\rR1234\r")
	f.Add("RR1\r\rR000000000000000000000000000000\r")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range known {
			samples, err := said(t, s.name, text)
			if o := s.output(); err == nil && (samples[0].Value.Cmp(o.Min) < 0 || samples[0].Value.Cmp(o.Max) > 0) {
				t.Errorf("%q became %s", text, samples[0].Value)
			}
		}
	})
}
