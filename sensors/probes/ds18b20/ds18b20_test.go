package ds18b20

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewirereg"

	"loam/sensors"
	"loam/sensors/clock"
)

func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Kind string
			Bytes    string `json:"bytes_hex"`
			Expected struct {
				CRC         struct{ Hex string }
				Temperature *struct{ Value, Tolerance float64 }
				Error       *struct{ Value string }
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for _, v := range file.Vectors {
		b, err := hex.DecodeString(v.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		ran[v.Kind]++
		switch v.Kind {
		case "crc":
			if got := hex.EncodeToString([]byte{onewire.CalcCRC(b)}); got != v.Expected.CRC.Hex {
				t.Errorf("%s: checksum %s, want %s", v.ID, got, v.Expected.CRC.Hex)
			}
		case "conversion":
			got, err := pad(b[0], b[1], 0x7F, 0x10).temperature()
			if err != nil || math.Abs(got.Float64()-v.Expected.Temperature.Value) > v.Expected.Temperature.Tolerance {
				t.Errorf("%s: %s, %v; want %v", v.ID, got, err, v.Expected.Temperature.Value)
			}
		case "frame":
			got, err := scratchpad(b).temperature()
			if v.Expected.Error == nil || !errors.Is(err, ErrNotConverted) {
				t.Errorf("%s: %s, %v; want %+v", v.ID, got, err, v.Expected)
			}
		default:
			t.Errorf("%s: no test for kind %q", v.ID, v.Kind)
		}
	}
	if ran["crc"] == 0 || ran["conversion"] < 4 || ran["frame"] == 0 {
		t.Errorf("vectors ran: %v", ran)
	}
}

// pad makes a scratchpad with a right checksum.
func pad(low, high, config, six byte) scratchpad {
	s := scratchpad{low, high, 0x4B, 0x46, config, 0xFF, six, 0x10}
	s[8] = onewire.CalcCRC(s[:8])
	return s
}

func TestTemperature(t *testing.T) {
	for name, c := range map[string]struct {
		pad  scratchpad
		want string
		err  error
	}{
		"table 1, 125":                 {pad(0xD0, 0x07, 0x7F, 0x10), "125.0000", nil},
		"table 1, 10.125":              {pad(0xA2, 0x00, 0x7F, 0x0E), "10.1250", nil},
		"table 1, −10.125":             {pad(0x5E, 0xFF, 0x7F, 0x02), "-10.1250", nil},
		"table 1, −55":                 {pad(0x90, 0xFC, 0x7F, 0x10), "-55.0000", nil},
		"a true 85":                    {pad(0x50, 0x05, 0x7F, 0x10), "85.0000", nil},
		"a clone's 0Ch in good times":  {pad(0x91, 0x01, 0x7F, 0x0C), "25.0625", nil},
		"9 bits leave three undefined": {pad(0x97, 0x01, 0x1F, 0x09), "25.0000", nil},
		"10 bits, below zero":          {pad(0x5F, 0xFF, 0x3F, 0x01), "-10.2500", nil},
		"power-on":                     {pad(0x50, 0x05, 0x7F, 0x0C), "", ErrNotConverted},
		"nobody":                       {scratchpad{255, 255, 255, 255, 255, 255, 255, 255, 255}, "", ErrAbsent},
		"shorted":                      {scratchpad{}, "", ErrShorted},
		"too hot":                      {pad(0xE0, 0x07, 0x7F, 0x10), "", ErrImplausible},
		"too cold":                     {pad(0x80, 0xFC, 0x7F, 0x10), "", ErrImplausible},
		"checksum":                     {scratchpad{0x91, 0x01, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10, 0x00}, "", ErrChecksum},
	} {
		got, err := c.pad.temperature()
		if !errors.Is(err, c.err) || c.err == nil && (err != nil || got.String() != c.want) {
			t.Errorf("%s: %s, %v; want %s, %v", name, got, err, c.want, c.err)
		}
	}
}

func FuzzScratchpad(f *testing.F) {
	for _, s := range []scratchpad{pad(0x91, 1, 0x7F, 0x0C), pad(0x50, 5, 0x7F, 0x0C), pad(0xE0, 7, 0x1F, 1), {}} {
		f.Add(s[:], true)
	}
	f.Fuzz(func(t *testing.T, b []byte, mend bool) {
		var s scratchpad
		copy(s[:], b)
		if mend { // or no random bytes would ever get past the checksum
			s[8] = onewire.CalcCRC(s[:8])
		}
		v, err := s.temperature()
		if err != nil {
			return
		}
		o := Model().Outputs[0]
		if v.Cmp(o.Min) < 0 || v.Cmp(o.Max) > 0 || v.Mantissa%625 != 0 || v.Exponent != o.Min.Exponent || !onewire.CheckCRC(s[:]) {
			t.Errorf("% x became %s", s[:], v)
		}
	})
}

// line is a bus with given devices; each answer is the next scratchpad, the last one for ever.
type line struct {
	found  []onewire.Address
	pads   []scratchpad
	reads  int
	others []byte // function commands that neither convert nor read
	strong int
}

func (l *line) String() string                         { return "LINE" }
func (l *line) Close() error                           { return nil }
func (l *line) Search(bool) ([]onewire.Address, error) { return l.found, nil }
func (l *line) open() (onewire.BusCloser, error)       { return l, nil }
func (l *line) Tx(w, r []byte, power onewire.Pullup) error {
	switch w[9] {
	case convert:
		if power == onewire.StrongPullup {
			l.strong++
		}
	case readScratchpad:
		copy(r, l.pads[min(l.reads, len(l.pads)-1)][:])
		l.reads++
	default:
		l.others = append(l.others, w[9])
	}
	return nil
}

const rom = 0x7A00000131825228 // periph's example

func (l *line) sense(t *testing.T, address uint64) ([]sensors.Sample, time.Duration, error) {
	t.Helper()
	if err := onewirereg.Register("LINE", nil, -1, l.open); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := onewirereg.Unregister("LINE"); err != nil {
			t.Error(err)
		}
	}()
	c := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{})
	d, err := Model().Open(t.Context(), sensors.Wiring{Probe: "brook", Bus: "LINE", Address: address, Medium: "water", Clock: c})
	if err != nil {
		return nil, 0, err
	}
	samples, err := d.Sense(t.Context())
	return samples, c.Now().Uptime, err
}

func TestAWrongChecksumIsReadOnceMore(t *testing.T) {
	good, bad := pad(0x91, 1, 0x7F, 0x0F), scratchpad{1, 2, 3}
	l := &line{pads: []scratchpad{good, bad, good}}
	if samples, _, err := l.sense(t, rom); err != nil || samples[0].Value.String() != "25.0625" {
		t.Errorf("one bad read: %v, %v", samples, err)
	}
	l = &line{pads: []scratchpad{good, bad, bad, good}}
	if samples, _, err := l.sense(t, rom); !errors.Is(err, ErrChecksum) || samples != nil {
		t.Errorf("two bad reads: %v, %v", samples, err)
	}
}

func TestTheProbeIsOnlyReadAndTheWaitFitsItsResolution(t *testing.T) {
	for config, wait := range map[byte]time.Duration{0x1F: 93750 * time.Microsecond, 0x3F: 187500 * time.Microsecond, 0x5F: 375 * time.Millisecond, 0x7F: 750 * time.Millisecond} {
		l := &line{pads: []scratchpad{pad(0x90, 1, config, 0x10)}}
		_, waited, err := l.sense(t, rom)
		if err != nil || waited != wait || l.strong != 1 || len(l.others) != 0 {
			t.Errorf("configuration %#x: waited %s, %d strong pull-ups, other commands % x, %v", config, waited, l.strong, l.others, err)
		}
	}
}

func TestAddressZeroIsTheOnlyOne(t *testing.T) {
	const other, clockChip = 0x2D000001318DE628, 0x5A00000131825226
	pads := []scratchpad{pad(0x91, 1, 0x7F, 0x0F)}
	if _, _, err := (&line{found: []onewire.Address{clockChip, rom}, pads: pads}).sense(t, 0); err != nil {
		t.Error(err)
	}
	_, _, err := (&line{found: []onewire.Address{rom, other}, pads: pads}).sense(t, 0)
	if !errors.Is(err, ErrChoice) || !strings.Contains(err.Error(), "0x7a00000131825228, 0x2d000001318de628") {
		t.Errorf("two: %v", err)
	}
	if _, _, err = (&line{found: []onewire.Address{clockChip}, pads: pads}).sense(t, 0); !errors.Is(err, ErrChoice) {
		t.Errorf("none: %v", err)
	}
}

func TestOpenRefusesWhatCannotBe(t *testing.T) {
	c := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{})
	for _, w := range []sensors.Wiring{
		{Clock: c, Address: rom}, {Clock: c, Address: rom, Medium: "Water"}, {Clock: c, Address: rom, Medium: "air"},
	} {
		if _, err := Model().Open(context.Background(), w); !errors.Is(err, ErrMedium) {
			t.Errorf("medium %q: %v", w.Medium, err)
		}
	}
	for _, address := range []uint64{rom + 1<<8, rom&^0xFF | 0x10, 0x76} {
		if _, err := Model().Open(context.Background(), sensors.Wiring{Clock: c, Address: address, Medium: "soil"}); !errors.Is(err, ErrROMCode) {
			t.Errorf("address %#x: %v", address, err)
		}
	}
}
