package am2320

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/chip/chiptest"
	"loam/sensors/clock"
	"loam/sensors/modbus"
)

func sealed(b ...byte) [8]byte {
	return [8]byte(binary.LittleEndian.AppendUint16(b, modbus.CRC(b)))
}

func TestVectors(t *testing.T) {
	names := map[sensors.Quantity]string{sensors.AirTemperature: "temperature", sensors.RelativeHumidity: "relative_humidity"}
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"AM2320 frame": func(v chiptest.Vector) (chiptest.Answer, error) {
			s, err := parse([8]byte(v.Bytes(t)), clock.Instant{})
			return chiptest.Values(s, names), err
		},
		"DHT22 frame": func(v chiptest.Vector) (chiptest.Answer, error) {
			s, err := ParseDHT22([5]byte(v.Bytes(t)), clock.Instant{})
			return chiptest.Values(s, names), err
		},
	})
}

// TestManual has the examples of the manual, pages 17 and 22, and a capture of periph's test suite.
func TestManual(t *testing.T) {
	for _, c := range []struct {
		frame [8]byte
		want  string
	}{
		{[8]byte{0x03, 0x04, 0x03, 0x39, 0x01, 0x15, 0xE1, 0xFE}, "27.7 82.5"},
		{[8]byte{0x03, 0x04, 0x01, 0x5C, 0x00, 0xEF, 0x71, 0x8A}, "23.9 34.8"},
		{sealed(3, 4, 0x02, 0x92, 0x80, 0x65), "-10.1 65.8"},
	} {
		if s, err := parse(c.frame, clock.Instant{}); err != nil || chiptest.Text(s) != c.want {
			t.Errorf("% x: %s, %v; want %s", c.frame, chiptest.Text(s), err, c.want)
		}
	}
	s, err := ParseDHT22([5]byte{0x02, 0x92, 0x01, 0x0D, 0xA2}, clock.Instant{})
	if err != nil || chiptest.Text(s) != "26.9 65.8" {
		t.Errorf("%s, %v", chiptest.Text(s), err)
	}
	if s, err := ParseDHT22([5]byte{0x02, 0x92, 0x01, 0x0D, 0xB2}, clock.Instant{}); !errors.Is(err, ErrChecksum) || s != nil {
		t.Errorf("wrong sum: %v, %v", s, err)
	}
}

func TestAnswersThatAreNoMeasurement(t *testing.T) {
	for name, c := range map[string]struct {
		frame [8]byte
		want  error
	}{
		"refusal":    {sealed(0x83, 0x80, 0, 0, 0, 0), ErrRefused},
		"length":     {sealed(3, 2, 0x01, 0xF4, 0, 0), ErrRefused},
		"all zero":   {[8]byte{}, ErrChecksum},
		"all ones":   {[8]byte{255, 255, 255, 255, 255, 255, 255, 255}, ErrChecksum},
		"100.1 %":    {sealed(3, 4, 0x03, 0xE9, 0, 0xFA), chip.ErrImplausible},
		"-40.1 °C":   {sealed(3, 4, 0x01, 0xF4, 0x81, 0x91), chip.ErrImplausible},
		"wrong byte": {[8]byte{0x03, 0x04, 0x01, 0xF4, 0x00, 0xFB, 0x31, 0xA5}, ErrChecksum},
	} {
		if s, err := parse(c.frame, clock.Instant{}); !errors.Is(err, c.want) || s != nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// TestTheSecondAnswerCounts: the first one may be of yesterday.
func TestTheSecondAnswerCounts(t *testing.T) {
	ask := func(answer [8]byte) []i2ctest.IO {
		return []i2ctest.IO{{Addr: 0x5C, W: []byte{0}}, {Addr: 0x5C, W: []byte{3, 0, 4}}, {Addr: 0x5C, R: answer[:]}}
	}
	yesterday, now := sealed(3, 4, 0x02, 0x92, 0x80, 0x65), sealed(3, 4, 0x01, 0xF4, 0x00, 0xFA)
	script := append(append(ask(yesterday), ask(yesterday)...), ask(now)...)
	w, c := chiptest.Wire(t, &i2ctest.Playback{Ops: script, DontPanic: true}, 0x5C)
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	begin := c.Now()
	s, err := d.Sense(t.Context())
	if err != nil || chiptest.Text(s) != "25.0 50.0" || s[0].At != begin {
		t.Errorf("%v, %v", s, err)
	}
	if took := c.Now().Uptime - begin.Uptime; took < 2*time.Second || took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// sleeper is a sensor that is asleep again whenever it is asked the first time.
type sleeper struct{ asked, answered int }

func (s *sleeper) String() string                  { return "sleeper" }
func (s *sleeper) SetSpeed(physic.Frequency) error { return nil }
func (s *sleeper) Close() error                    { return nil }
func (s *sleeper) Tx(_ uint16, w, r []byte) error {
	if len(w) == 3 {
		s.asked++
	}
	if len(w) == 1 || len(w) == 3 && s.asked%2 == 1 {
		return errors.New("no acknowledge")
	}
	if len(r) > 0 {
		s.answered++
		f := sealed(3, 4, 0x01, 0xF4, 0x00, 0xFA)
		copy(r, f[:])
	}
	return nil
}

func TestASensorThatFellAsleepIsAskedAgain(t *testing.T) {
	bus := &sleeper{}
	w, _ := chiptest.Wire(t, bus, 0x5C)
	d, err := Model().Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); err != nil || chiptest.Text(s) != "25.0 50.0" || bus.answered != 3 {
		t.Errorf("%v, %v after %d answers", s, err, bus.answered)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{0x03, 0x04, 0x01, 0xF4, 0x00, 0xFA, 0x31, 0xA5})
	f.Add([]byte{0x03, 0x04, 0x02, 0x92, 0x80, 0x65, 0x00, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 8 {
			return
		}
		sum := [5]byte{b[2], b[3], b[4], b[5], b[2] + b[3] + b[4] + b[5]}
		s, err := parse(sealed(b[:6]...), clock.Instant{})
		wire, wireErr := ParseDHT22(sum, clock.Instant{})
		if b[0] == 3 && b[1] == 4 && (chiptest.Text(s) != chiptest.Text(wire) || (err == nil) != (wireErr == nil)) {
			t.Errorf("% x: %v, %v and %v, %v", b, s, err, wire, wireErr)
		}
		if (err == nil) != (len(s) == 2) {
			t.Errorf("% x: %v, %v", b, s, err)
		}
	})
}
