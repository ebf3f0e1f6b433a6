package scd4x

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors"
	"loam/sensors/chip/chiptest"
	"loam/sensors/clock"
	"loam/sensors/sensirion"
)

func TestVectors(t *testing.T) {
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"SCD4x frame":   func(v chiptest.Vector) (chiptest.Answer, error) { return frame(v, v.Bytes(t)) },
		"SCD4x command": func(v chiptest.Vector) (chiptest.Answer, error) { return command(t, v) },
	})
}

// frame decodes an answer as what the vector expects it to be.
func frame(v chiptest.Vector, b []byte) (chiptest.Answer, error) {
	words, err := sensirion.Words(b)
	if err != nil {
		return nil, err
	}
	switch {
	case has(v, "serial"):
		return chiptest.Answer{"serial": float64(uint64(words[0])<<32 | uint64(words[1])<<16 | uint64(words[2]))}, nil
	case has(v, "temperature_offset"):
		return chiptest.Answer{"temperature_offset": float64(sensirion.Steps(words[0], 17500, 0)) / 100}, nil
	case has(v, "altitude"):
		return chiptest.Answer{"altitude": float64(words[0])}, nil
	}
	s, err := samples(words, clock.Instant{})
	return chiptest.Values(s, map[sensors.Quantity]string{
		sensors.CarbonDioxide: "co2", sensors.AirTemperature: "temperature", sensors.RelativeHumidity: "relative_humidity",
	}), err
}

func has(v chiptest.Vector, name string) bool { _, ok := v.Expected[name]; return ok }

func command(t *testing.T, v chiptest.Vector) (chiptest.Answer, error) {
	var in struct {
		Command  string
		Code     string
		Offset   *float64 `json:"offset_Cel"`
		Altitude *uint16  `json:"altitude_m"`
		Target   *uint16  `json:"target_ppm"`
	}
	v.Into(t, &in)
	var code uint16
	if _, err := fmt.Sscanf(in.Code, "%04x", &code); err != nil {
		return nil, err
	}
	switch {
	case in.Offset != nil:
		celsius, err := sensors.DecimalFromFloat(*in.Offset, 3)
		return chiptest.Answer{"bytes": sensirion.Command(code, offset(celsius))}, err
	case in.Altitude != nil:
		return chiptest.Answer{"bytes": sensirion.Command(code, *in.Altitude)}, nil
	case in.Target != nil:
		return chiptest.Answer{"bytes": sensirion.Command(code, *in.Target)}, nil
	}
	return chiptest.Answer{"bytes": sensirion.Command(code)}, nil
}

// TestCaptures are answers of a real chip that periph's test suite recorded.
func TestCaptures(t *testing.T) {
	for _, c := range []struct {
		frame []byte
		want  string
	}{
		{[]byte{0x2, 0x2c, 0xa3, 0x67, 0xd, 0x36, 0x4d, 0x8, 0xf1}, "556 25.45 30.09"},
		{[]byte{0x2, 0x1f, 0x35, 0x65, 0x82, 0xbb, 0x53, 0x5e, 0x2a}, "543 24.39 32.57"},
		{[]byte{0x2, 0x22, 0xbc, 0x65, 0x39, 0xee, 0x55, 0x4b, 0xc6}, "546 24.20 33.32"},
	} {
		words, err := sensirion.Words(c.frame)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := samples(words, clock.Instant{}); err != nil || chiptest.Text(s) != c.want {
			t.Errorf("% x: %s, %v; want %s", c.frame, chiptest.Text(s), err, c.want)
		}
	}
	if s, err := samples([]uint16{0, 0x6667, 0x5EB9}, clock.Instant{}); !errors.Is(err, ErrNoCO2) || s != nil {
		t.Errorf("0 ppm: %v, %v", s, err)
	}
}

func say(words ...byte) i2ctest.IO  { return i2ctest.IO{Addr: 0x62, W: words} }
func hear(words ...byte) i2ctest.IO { return i2ctest.IO{Addr: 0x62, R: words} }

// begin is what is said to a chip when it is opened, up to its start.
func begin(altitude, offset []byte) []i2ctest.IO {
	return []i2ctest.IO{
		say(0x36, 0xF6), say(0x3F, 0x86), say(0x36, 0x82), hear(0xF8, 0x96, 0x31, 0x9F, 0x07, 0xC2, 0x3B, 0xBE, 0x89),
		say(append([]byte{0x24, 0x27}, altitude...)...), say(append([]byte{0x24, 0x1D}, offset...)...),
	}
}

var (
	sea     = []byte{0x00, 0x00, 0x81}
	factory = []byte{0x05, 0xDA, 0x29} // 4 °C, as periph's capture of a new chip has it
)

func TestAChipThatLostItsPowerIsFoundOut(t *testing.T) {
	script := append(begin(sea, factory), say(0x21, 0xB1),
		say(0xE4, 0xB8), hear(0x80, 0x06, 0x04), say(0xEC, 0x05), hear(0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C),
		say(0xE4, 0xB8), hear(0x80, 0x00, 0xA2), // not yet
		say(0xE4, 0xB8), hear(0x80, 0x00, 0xA2)) // it should have been long ago
	w, c := chiptest.Wire(t, &i2ctest.Playback{Ops: script, DontPanic: true}, 0x62)
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	pass := func(d time.Duration) { c.Set(c.Now().Wall.Add(d)) }
	for _, want := range []struct {
		after time.Duration
		err   error
		text  string
	}{
		{0, sensors.ErrNotReady, ""}, {4990 * time.Millisecond, sensors.ErrNotReady, ""}, {20 * time.Millisecond, nil, "500 25.00 37.00"},
		{5 * time.Second, sensors.ErrNotReady, ""}, {3 * time.Second, ErrNotMeasuring, ""},
	} {
		pass(want.after)
		if s, err := d.Sense(t.Context()); !errors.Is(err, want.err) || chiptest.Text(s) != want.text {
			t.Errorf("at %s: %s, %v", c.Now().Uptime, chiptest.Text(s), err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestSettingsAreToldBeforeEveryShot(t *testing.T) {
	place, housing := []byte{0x07, 0x9E, 0x09}, []byte{0x07, 0xE6, 0x48} // 1950 m and 5.4 °C, from the vectors
	tell := begin(place, housing)[4:]
	script := append(begin(place, housing), say(0x21, 0x9D))
	script = append(script, tell...)
	script = append(script, say(0x21, 0x9D), say(0xE4, 0xB8), hear(0x80, 0x06, 0x04), say(0xEC, 0x05), hear(0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C))
	w, c := chiptest.Wire(t, &i2ctest.Playback{Ops: script, DontPanic: true}, 0x62)
	w.Settings = map[string]string{"mode": "single-shot", "altitude": "1950", "temperature_offset": "5.4"}
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) || s != nil {
		t.Errorf("while the first shot is taken: %v, %v", s, err)
	}
	c.Set(c.Now().Wall.Add(6 * time.Second))
	if s, err := d.Sense(t.Context()); err != nil || chiptest.Text(s) != "500 25.00 37.00" {
		t.Errorf("%v, %v", s, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheIntervalDecidesTheWarmUp(t *testing.T) {
	for mode, want := range map[string]time.Duration{"periodic": 5 * time.Second, "low-power": 30 * time.Second, "single-shot": 5 * time.Second} {
		m, err := Model().For(sensors.Wiring{Settings: map[string]string{"mode": mode}})
		if err != nil || m.WarmUp != want {
			t.Errorf("%s: %s, %v", mode, m.WarmUp, err)
		}
	}
	_, err := Model().For(sensors.Wiring{Settings: map[string]string{"altitude": "4810"}})
	if err == nil || !strings.Contains(err.Error(), "0 to 3000") {
		t.Error(err)
	}
}

func FuzzSamples(f *testing.F) {
	f.Add([]byte{0x01, 0xF4, 0x33, 0x66, 0x67, 0xA2, 0x5E, 0xB9, 0x3C})
	f.Add([]byte{0, 0, 0x81, 0, 0, 0x81, 0, 0, 0x81})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 9 {
			return
		}
		words := []uint16{uint16(b[0])<<8 | uint16(b[1]), uint16(b[3])<<8 | uint16(b[4]), uint16(b[6])<<8 | uint16(b[7])}
		s, err := samples(words, clock.Instant{})
		if (err == nil) != (len(s) == 3) || err == nil && s[0].Value.Mantissa != int64(words[0]) {
			t.Errorf("%x: %v, %v", words, s, err)
		}
	})
}
