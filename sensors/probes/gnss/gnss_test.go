package gnss

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/adrianmo/go-nmea"
	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/serial"
	"loam/sensors/uart"
	"loam/sensors/uart/uarttest"
)

// line puts mark, checksum and end around a sentence.
func line(s string) string { return "$" + s + "*" + nmea.Checksum(s) + "\r\n" }

const (
	rmc = "GNRMC,120044.00,A,4717.11437,N,00833.91522,E,0.004,,090526,,,A"
	gga = "GNGGA,120044.00,4717.11437,N,00833.91522,E,1,08,1.01,499.6,M,48.0,M,,"
)

// said is what an opened receiver says that sends text over and over.
func said(t testing.TB, text string) ([]sensors.Sample, error) {
	t.Helper()
	now := line(rmc) + line(gga)
	p := &uarttest.Port{Speak: func() []byte { s := now; now = ""; return []byte(s) }}
	w, _ := uarttest.Wire(p, nil)
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if p.Mode.Baud != 9600 {
		t.Errorf("at %s", p.Mode)
	}
	p.Unread, now = []byte(line(strings.ReplaceAll(rmc, "4717", "1111"))+line(strings.ReplaceAll(gga, "4717", "1111"))), text
	s, err := d.Sense(t.Context())
	if (err == nil) != (len(s) == 3) {
		t.Fatalf("%v, %v", s, err)
	}
	return s, err
}

func TestPositions(t *testing.T) {
	for _, c := range []struct {
		lat, lon, alt string // as sent
		want          [3]string
	}{
		{"4717.11437,N", "00833.91522,E", "499.6", [3]string{"47.2852395", "8.5652537", "499.6"}},
		{"3351.6780,S", "15112.5620,E", "-12.34", [3]string{"-33.8613000", "151.2093667", "-12.3"}},
		{"0000.00000,N", "00000.00001,W", "0", [3]string{"0.0000000", "-0.0000002", "0.0"}},
		{"9000.0,S", "18000.0,W", "8848.86", [3]string{"-90.0000000", "-180.0000000", "8848.9"}},
		{"5959.99999999,N", "00059.9,E", "0.05", [3]string{"60.0000000", "0.9983333", "0.1"}},
		{"4717,N", "00833,E", "-0.05", [3]string{"47.2833333", "8.5500000", "-0.1"}},
	} {
		s, err := said(t, line("GNRMC,120045.00,A,,,,,,,090526,,,D")+line(fmt.Sprintf("GNGGA,120045.00,%s,%s,2,08,1.01,%s,M,48.0,M,,", c.lat, c.lon, c.alt)))
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		got := uarttest.Values(t, s)
		if got[sensors.Latitude] != c.want[0] || got[sensors.Longitude] != c.want[1] || got[sensors.Altitude] != c.want[2] {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// TestDegreesAgreeWithTheLibrary compares with its floats, which are right to some 10 digits.
func TestDegreesAgreeWithTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf("%03d%02d.%0*d", rapid.IntRange(0, 179).Draw(t, "degrees"), rapid.IntRange(0, 59).Draw(t, "minutes"),
			6, rapid.IntRange(0, 999999).Draw(t, "fraction"))
		side := rapid.SampledFrom([]string{"E", "W"}).Draw(t, "side")
		d, err := degrees(text, side, "E", "W", 3, 180)
		want, err2 := nmea.ParseGPS(text + " " + side)
		if err != nil || err2 != nil || math.Abs(d.Float64()-want) > 0.51e-7 {
			t.Errorf("%s %s: %s, %v, the library has %v, %v", text, side, d, err, want, err2)
		}
	})
}

func TestWhatIsNoFixIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		rmc, gga string
		want     error
	}{
		"RMC not valid":        {strings.Replace(rmc, ",A,", ",V,", 1), gga, ErrNoFix},
		"RMC mode N":           {rmc[:len(rmc)-1] + "N", gga, ErrNoFix},
		"RMC estimated":        {rmc[:len(rmc)-1] + "E", gga, ErrNoFix},
		"RMC simulated":        {rmc[:len(rmc)-1] + "S", gga, ErrNoFix},
		"GGA quality 0":        {rmc, strings.Replace(gga, ",E,1,", ",E,0,", 1), ErrNoFix},
		"GGA dead reckoning":   {rmc, strings.Replace(gga, ",E,1,", ",E,6,", 1), ErrNoFix},
		"GGA simulated":        {rmc, strings.Replace(gga, ",E,1,", ",E,8,", 1), errSentence},
		"of two moments":       {rmc, strings.Replace(gga, "120044.00", "120045.00", 1), serial.ErrSilent},
		"no position":          {rmc, "GNGGA,120044.00,,,,,1,08,1.01,499.6,M,48.0,M,,", errSentence},
		"no altitude":          {rmc, "GNGGA,120044.00,4717.1,N,00833.9,E,1,08,1.01,,M,48.0,M,,", errSentence},
		"altitude in feet":     {rmc, "GNGGA,120044.00,4717.1,N,00833.9,E,1,08,1.01,1600,f,48.0,M,,", errSentence},
		"above all mountains":  {rmc, "GNGGA,120044.00,4717.1,N,00833.9,E,1,08,1.01,9000.1,M,48.0,M,,", ErrNoFix},
		"sixty minutes":        {rmc, "GNGGA,120044.00,4760.0,N,00833.9,E,1,08,1.01,499.6,M,48.0,M,,", errSentence},
		"beyond the pole":      {rmc, "GNGGA,120044.00,9000.01,N,00833.9,E,1,08,1.01,499.6,M,48.0,M,,", errSentence},
		"too short a position": {rmc, "GNGGA,120044.00,471.1,N,00833.9,E,1,08,1.01,499.6,M,48.0,M,,", errSentence},
		"an impossible date":   {strings.Replace(rmc, "090526", "310226", 1), gga, errSentence},
		"no date":              {strings.Replace(rmc, "090526", "", 1), gga, errSentence},
		"an impossible time":   {strings.Replace(rmc, "120044", "250044", 1), strings.Replace(gga, "120044", "250044", 1), errSentence},
	} {
		if s, err := said(t, line(c.rmc)+line(c.gga)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, s, err, c.want)
		}
	}
}

func TestOnlyWholeSentencesWithRightChecksumsCount(t *testing.T) {
	whole := line(rmc) + line(gga)
	for name, text := range map[string]string{
		"the end of one before":    line(rmc)[30:] + whole,
		"one cut by another":       line(gga)[:40] + whole,
		"a damaged one before":     strings.Replace(line(gga), "499.6", "199.6", 1) + whole,
		"noise":                    "$\x00\xFF$$$,,*\r\n" + whole,
		"a line without end":       "$" + strings.Repeat("A", 3*longest) + whole,
		"others":                   line("GPGSV,1,1,02,05,40,083,46,13,32,270,38") + line("PUBX,00") + line("XXYYY,1,2") + whole,
		"in the other order":       line(gga) + line(rmc),
		"after one of last second": line(strings.Replace(gga, "120044", "120043", 1)) + whole,
	} {
		s, err := said(t, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := uarttest.Values(t, s); got[sensors.Latitude] != "47.2852395" || got[sensors.Altitude] != "499.6" {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, text := range []string{"", "$GNGGA", strings.TrimSuffix(whole, "\r\n"), strings.ReplaceAll(whole, "*", "")} {
		if s, err := said(t, text); !errors.Is(err, serial.ErrSilent) {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	if s, err := said(t, strings.Repeat(line("GPGSV,1,1,02,05,40,083,46,13,32,270,38"), 200)); !errors.Is(err, uart.ErrNoFrame) {
		t.Errorf("no position among many: %v, %v", s, err)
	}
}

func TestAReceiverThatRepeatsItselfIsStale(t *testing.T) {
	p := &uarttest.Port{Speak: func() []byte { return []byte(line(rmc) + line(gga)) }}
	w, c := uarttest.Wire(p, map[string]string{"baud": "38400"})
	d, err := Model().Open(t.Context(), w)
	if err != nil || p.Mode.Baud != 38400 {
		t.Fatal(err, p.Mode)
	}
	for i, want := range []error{nil, nil, ErrStale, ErrStale} {
		if s, err := d.Sense(t.Context()); !errors.Is(err, want) || (err == nil) != (len(s) == 3) {
			t.Errorf("%d: %v, %v, want %v", i, s, err, want)
		}
		c.Set(c.Now().Wall.Add(time.Second))
	}
}

func FuzzSentences(f *testing.F) {
	f.Add(line(rmc) + line(gga))
	f.Add("GNGGA,120044.00,4717.11437,N,00833.91522,E,1,08,1.01,499.6,M,48.0,M,,")
	f.Add("GNRMC,,V,,,,,,,,,,N")
	f.Fuzz(func(t *testing.T, text string) {
		for _, sent := range []string{text, line(rmc) + line(text), line(text) + line(gga)} {
			s, err := said(t, sent)
			if err != nil {
				continue
			}
			for i, o := range Model().Outputs {
				if v := s[i].Value; v.Cmp(o.Min) < 0 || v.Cmp(o.Max) > 0 || v.Exponent != o.Min.Exponent {
					t.Errorf("%q became %s %s", sent, s[i].Quantity, v)
				}
			}
		}
	})
}
