package modbusprobe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/modbus"
	"loam/sensors/serial"
)

// text is a map; each word that is given is replaced by the one after it.
func text(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(`name = "pond-probe"
title = "pH and temperature of the pond"
source = "its manual"
address = 17
mode = "9600 8E1"
function = 4
calibration = "two-point"

[[group]]
first = 2
count = 4

[[output]]
quantity = "water_ph"
register = 2
type = "u16"
scale = 0.01
none = [0xFFFF]
min = 0.00
max = 14.00
accuracy = "±0.1 pH"

[[output]]
quantity = "water_temperature"
register = 4
type = "f32"
words = "low-first"
scale = 1
min = -5.00
max = 50.00
accuracy = "±0.5 °C"

[[check]]
register = 3
mask = 0x0003
says = "the electrode is broken"
`)
}

func TestAMistakeInAMapIsSaidWithItsPlace(t *testing.T) {
	if _, err := parse("pond.toml", []byte(text())); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, says string }{
		{`title =`, `titel =`, "pond.toml:2:1: nobody knows the key"},
		{`words =`, `word =`, "pond.toml:27:1: nobody knows the key"},
		{`"9600 8E1"`, `"9600"`, "pond.toml:5:8"},
		{`scale = 0.01`, `scale = "much"`, "pond.toml:17:9"},
		{`count = 4`, `count = 70000`, "pond.toml:11:9"},
		{`count = 4`, `count = `, "pond.toml:11:9"},
		{`"pond-probe"`, `"Pond probe"`, `name "Pond probe"`},
		{`"its manual"`, `""`, "source is missing"},
		{`address = 17`, `address = 0`, "address 0"},
		{`function = 4`, `function = 6`, "function 6"},
		{`"two-point"`, `"weekly"`, `calibration "weekly"`},
		{`count = 4`, `count = 126`, "126 registers"},
		{`count = 4`, `count = 3`, "[[output]] 2 (water_temperature): register 0x4 is in no [[group]]"},
		{`count = 4`, "count = 4\n[[group]]\nfirst = 20\ncount = 4", "[[group]] 2: another one has 4 registers"},
		{`"water_ph"`, `"pond_ph"`, `unknown quantity "pond_ph"`},
		{`"water_temperature"`, `"water_ph"`, "given twice"},
		{`"u16"`, `"u8"`, `pond.toml:16:8: type "u8"`},
		{`type = "u16"`, ``, "type is missing"},
		{`"low-first"`, `"middle"`, `pond.toml:27:9: words "middle"`},
		{`type = "u16"`, "type = \"u16\"\nwords = \"low-first\"", "words are for the types of two registers"},
		{`scale = 0.01`, ``, "scale is missing"},
		{`scale = 0.01`, `scale = 0.1`, "min and max have 2 digits after the point, scale and offset 1"},
		{`max = 14.00`, `max = 14.0`, "give a range"},
		{`max = 14.00`, `max = -1.00`, "give a range"},
		{`"±0.1 pH"`, `""`, "accuracy is missing"},
		{`mask = 0x0003`, `mask = 0`, "[[check]] 1"},
		{`register = 3`, `register = 30`, "[[check]] 1: register 0x1e"},
	} {
		_, err := parse("pond.toml", []byte(text(c.old, c.new)))
		if !errors.Is(err, ErrMap) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s → %s: %v, want %q", c.old, c.new, err, c.says)
		}
	}
	if _, err := parse("pond.toml", []byte(text("address = 17", "address = 0", "count = 4", "count = 3"))); !strings.Contains(err.Error(), "address 0") || !strings.Contains(err.Error(), "is in no [[group]]") {
		t.Errorf("two mistakes: %v", err)
	}
	if _, err := parse("pond.toml", make([]byte, maxMapBytes+1)); !errors.Is(err, ErrMap) {
		t.Errorf("a long file: %v", err)
	}
	for _, c := range []struct{ golden, says string }{
		{`request = "11 04 00 02 00 04 52 99"` + "\n" + `reply = "11 04"` + "\n", "wrong checksum"},
		{`request = "11 04 00 03 00 04 53 59"` + "\n" + `reply = "11 04"` + "\n", "reads none of the groups"},
		{`request = "11 zz"` + "\n", "pond.toml:39:11"},
	} {
		if _, err := parse("pond.toml", []byte(text()+"\n[[golden]]\n"+c.golden)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.golden, err, c.says)
		}
	}
}

func TestEveryTypeOfNumber(t *testing.T) {
	scale := func(s string) *sensors.Decimal {
		d, err := sensors.ParseDecimal(s)
		if err != nil {
			t.Fatal(err)
		}
		return &d
	}
	wide := func(places int8) (sensors.Decimal, sensors.Decimal) {
		return sensors.Decimal{Mantissa: -1e15, Exponent: -places}, sensors.Decimal{Mantissa: 1e15, Exponent: -places}
	}
	f := math.Float32bits
	for _, c := range []struct {
		kind      kind
		words     order
		scale     string
		offset    string
		places    int8
		registers []uint16
		want      string
	}{
		{u16, 0, "0.1", "0", 1, []uint16{0xFF9B}, "6543.5"},
		{s16, 0, "0.1", "0", 1, []uint16{0xFF9B}, "-10.1"},
		{s16, 0, "0.1", "0", 1, []uint16{0x8000}, "-3276.8"},
		{u16, 0, "0.01", "-100", 2, []uint16{0x31FD}, "27.97"},
		{u16, 0, "2.5", "0", 1, []uint16{3}, "7.5"},
		{u32, highFirst, "1", "0", 0, []uint16{0xFFFF, 0xFFFE}, "4294967294"},
		{s32, 0, "0.001", "0", 3, []uint16{0xFFFF, 0xFFFE}, "-0.002"},
		{s32, lowFirst, "1", "0", 0, []uint16{0xFFFE, 0xFFFF}, "-2"},
		{u32, lowFirst, "1", "0", 0, []uint16{0x0001, 0x0002}, "131073"},
		{f32, highFirst, "1", "0", 2, []uint16{uint16(f(8.54) >> 16), uint16(f(8.54) & 0xFFFF)}, "8.54"},
		{f32, lowFirst, "1", "0", 1, []uint16{uint16(f(-0.25) & 0xFFFF), uint16(f(-0.25) >> 16)}, "-0.3"},
		{f32, 0, "100", "0", 0, []uint16{0x3F80, 0}, "100"},
	} {
		low, high := wide(c.places)
		o := output{Quantity: "x", Register: 7, Type: c.kind, Words: c.words, Scale: scale(c.scale), Offset: *scale(c.offset), Min: low, Max: high}
		if got, err := o.value(o.bits(7, c.registers)); err != nil || got.String() != c.want {
			t.Errorf("type %d %d × %s + %s of %x: %s, %v; want %s", c.kind, c.words, c.scale, c.offset, c.registers, got, err, c.want)
		}
	}
	o := output{Quantity: "x", Type: f32, Scale: scale("1"), Min: sensors.Decimal{}, Max: sensors.Decimal{Mantissa: 100}}
	o.None = []uint32{f(50)}
	for _, bits := range []uint32{f(50), f(float32(math.NaN())), f(float32(math.Inf(1))), f(float32(math.Inf(-1)))} {
		if got, err := o.value(bits); !errors.Is(err, ErrNone) {
			t.Errorf("%#x: %s, %v", bits, got, err)
		}
	}
	for _, bits := range []uint32{f(math.MaxFloat32), f(-1), f(101)} {
		if got, err := o.value(bits); !errors.Is(err, ErrOutside) {
			t.Errorf("%#x: %s, %v", bits, got, err)
		}
	}
}

// line is a probe at address 17 that holds registers from 2 on, for function 4.
type line struct {
	registers []uint16
	unread    []byte
	mode      serial.Mode
}

func (l *line) open(_ context.Context, _ string, m serial.Mode) (serial.Port, error) {
	l.mode = m
	return l, nil
}
func (l *line) Close() error { return nil }
func (l *line) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	return do(ctx, l)
}
func (l *line) Discard(context.Context) error              { l.unread = nil; return nil }
func (l *line) Break(context.Context, time.Duration) error { return errors.ErrUnsupported }
func (l *line) Write(_ context.Context, b []byte) error {
	if string(b) != string(modbus.Seal([]byte{17, 4, 0, 2, 0, 4})) {
		return fmt.Errorf("asked % x", b)
	}
	reply := []byte{17, 4, 8}
	for _, r := range l.registers {
		reply = append(reply, byte(r>>8), byte(r))
	}
	l.unread = modbus.Seal(reply)
	return nil
}
func (l *line) Read(_ context.Context, b []byte, _ time.Duration) (int, error) {
	if len(l.unread) == 0 {
		return 0, serial.ErrSilent
	}
	n := copy(b, l.unread)
	l.unread = l.unread[n:]
	return n, nil
}

func TestAMapOfOnesOwn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pond.toml")
	if err := os.WriteFile(file, []byte(text()), 0o600); err != nil {
		t.Fatal(err)
	}
	model := fromSettings()
	fitted, err := model.For(sensors.Wiring{Settings: map[string]string{"map": file}})
	if err != nil || fitted.Name != "modbus-map" || fitted.Default != 17 || len(fitted.Outputs) != 2 || fitted.Calibration != sensors.CalibrationTwoPoint || fitted.Outputs[1].Source != "its manual" {
		t.Fatalf("%+v, %v", fitted, err)
	}
	warm := math.Float32bits(21.5)
	high, low := uint16(warm>>16), uint16(warm)
	for name, c := range map[string]struct {
		registers []uint16
		want      string
		err       error
	}{
		"both":               {[]uint16{712, 0xFFFC, low, high}, "water_ph=7.12 water_temperature=21.50", nil},
		"no pH":              {[]uint16{0xFFFF, 0, low, high}, "water_temperature=21.50", nil},
		"an impossible pH":   {[]uint16{1401, 0, low, high}, "water_temperature=21.50", nil},
		"pH 0 is one":        {[]uint16{0, 0, low, high}, "water_ph=0.00 water_temperature=21.50", nil},
		"nothing":            {[]uint16{0xFFFF, 0, 0xFFFF, 0xFFFF}, "", ErrNone},
		"zero":               {[]uint16{0, 0, 0, 0}, "", ErrZero},
		"a broken electrode": {[]uint16{712, 0x0002, low, high}, "", ErrState},
	} {
		for _, m := range []sensors.Model{model, fitted} {
			l := &line{registers: c.registers}
			d, err := m.Open(t.Context(), sensors.Wiring{
				Probe: "pond", Bus: "x", Clock: clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1}), Serial: l.open, Settings: map[string]string{"map": file},
			})
			if err != nil {
				t.Fatal(err)
			}
			samples, err := d.Sense(t.Context())
			var got []string
			for _, s := range samples {
				got = append(got, string(s.Quantity)+"="+s.Value.String())
			}
			if strings.Join(got, " ") != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || l.mode.String() != "9600 8E1" {
				t.Errorf("%s: %v, %v at %s; want %q, %v", name, got, err, l.mode, c.want, c.err)
			}
		}
	}
}

func TestWhereAMapIsNotToBeHad(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.toml")
	if err := os.WriteFile(bad, []byte("name = "), 0o600); err != nil {
		t.Fatal(err)
	}
	for setting, says := range map[string]string{
		"":             "setting map is missing",
		"pond.toml":    "give the whole path",
		bad + ".gone":  "no such file",
		bad:            bad + ":1:7",
		"name = 1\n":   "map:1:8",
		"\n":           "name",
		t.TempDir():    "is a directory",
		"/dev/full\n ": "map:1:1",
	} {
		w := sensors.Wiring{Probe: "pond", Bus: "x", Settings: map[string]string{"map": setting}}
		if err := fromSettings().Check(w); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", setting, err, says)
		}
		_, err := fromSettings().Open(t.Context(), w)
		var p *sensors.ProbeError
		if !errors.As(err, &p) || p.Probe != "pond" {
			t.Errorf("%q: Open says %v", setting, err)
		}
	}
}

func FuzzMap(f *testing.F) {
	f.Add(text())
	files, err := filepath.Glob("maps/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parse("map.toml", []byte(text))
		if err != nil {
			if !errors.Is(err, ErrMap) {
				t.Errorf("%v", err)
			}
			return
		}
		for i, g := range m.Groups { // whatever is accepted can read any registers
			registers := make([]uint16, g.Count)
			for _, fill := range []uint16{0, 1, 0x7F80, 0x8000, 0xFFFF} {
				for j := range registers {
					registers[j] = fill
				}
				_ = m.stop(i, registers)
				_ = m.zero(i, registers)
				samples, _ := m.values(i, registers)
				for _, s := range samples {
					for _, o := range m.Outputs {
						if o.Quantity == s.Quantity && (s.Value.Cmp(o.Min) < 0 || s.Value.Cmp(o.Max) > 0 || s.Value.Exponent != o.Min.Exponent) {
							t.Errorf("%s of %#x is %s", s.Quantity, fill, s.Value)
						}
					}
				}
			}
		}
	})
}
