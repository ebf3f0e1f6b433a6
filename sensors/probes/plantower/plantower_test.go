package plantower

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/serial"
	"loam/sensors/uart"
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

// example is the captured frame of the first vector.
const example = "424d001c00000008000800000008000800d20046002d001e00000000970002c5"

// whole decodes one frame as it comes over the line.
func whole(t testing.TB, length int, b []byte) (air, error) {
	t.Helper()
	p := &uarttest.Port{Unread: b}
	w, _ := uarttest.Wire(p, nil)
	port, err := uart.Open(t.Context(), sensors.Model{Name: "test", Bus: sensors.UART}, w, mode)
	if err != nil {
		t.Fatal(err)
	}
	d := probe{Port: port, length: length}
	var a air
	err = port.Transact(t.Context(), func(ctx context.Context, c serial.Conn) (err error) {
		a, err = d.data(ctx, c)
		return err
	})
	return a, err
}

func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Sensor, Kind string
			Bytes            string `json:"bytes_hex"`
			Inputs           struct{ Command string }
			Expected         map[string]struct {
				Value, Tolerance float64
				Hex              string
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) < 6 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	commands := map[string][]byte{
		"passive": command(cmdMode, passive), "active": command(cmdMode, active), "read": command(cmdRead, 0),
		"sleep": command(cmdSleep, sleep), "wake": command(cmdSleep, wake),
	}
	for _, v := range file.Vectors {
		switch v.Kind {
		case "command":
			if got := hex.EncodeToString(commands[v.Inputs.Command]); got != v.Expected["bytes"].Hex {
				t.Errorf("%s: %s, want %s", v.ID, got, v.Expected["bytes"].Hex)
			}
		case "frame":
			length := map[string]int{"PMS3003": length3003, "PMS5003": length5003, "PMS7003": length5003}[v.Sensor]
			a, err := whole(t, length, bytesOf(t, v.Bytes))
			if err != nil {
				t.Errorf("%s: %v", v.ID, err)
				continue
			}
			got := said(a)
			if len(got) != len(v.Expected) {
				t.Errorf("%s expects %v, decoded %v", v.ID, v.Expected, got)
			}
			for name, want := range v.Expected {
				if d := got[name] - want.Value; d > want.Tolerance || -d > want.Tolerance {
					t.Errorf("%s: %s is %v, want %v", v.ID, name, got[name], want.Value)
				}
			}
		default:
			t.Errorf("%s has kind %q, which no test looks at", v.ID, v.Kind)
		}
	}
}

// said names everything in a frame as the vectors do.
func said(a air) map[string]float64 {
	all := map[string]float64{}
	for i, size := range []string{"pm1", "pm25", "pm10"} {
		all[size+"_cf1"], all[size] = float64(a.standard[i]), float64(a.atmospheric[i])
	}
	for i, n := range a.counts {
		all[[]string{"n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10"}[i]] = float64(n)
	}
	return all
}

// TestCapturedFramesAreOfOneAir holds what is true of any air: smaller particles are part of what larger limits let in.
func TestCapturedFramesAreOfOneAir(t *testing.T) {
	raw, err := os.ReadFile("testdata/captured.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")[1:]
	if len(lines) < 9 {
		t.Fatalf("%d frames", len(lines))
	}
	for _, line := range lines {
		frame := bytesOf(t, line)
		a, err := whole(t, len(frame), frame)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if v, err := a.values(); err != nil || v[0].Cmp(v[1]) > 0 || v[1].Cmp(v[2]) > 0 {
			t.Errorf("%s: %v, %v", line, v, err)
		}
		for i := 1; i < len(a.counts); i++ {
			if a.counts[i] > a.counts[i-1] {
				t.Errorf("%s: %v", line, a.counts)
			}
		}
	}
}

// device is a PMS5003 made of the captured frame.
type device struct {
	frame   []byte
	active  bool
	deaf    bool
	answers int // commands heard
}

func (d *device) port() *uarttest.Port {
	return &uarttest.Port{
		Answer: func(sent []byte) []byte {
			d.answers++
			switch {
			case d.deaf:
				return nil
			case bytes.Equal(sent, command(cmdMode, passive)):
				d.active = false
				return answerTo(cmdMode, passive)
			case bytes.Equal(sent, command(cmdRead, 0)) && !d.active:
				return d.frame
			}
			return nil
		},
		Speak: func() []byte {
			if d.active {
				return d.frame
			}
			return nil
		},
	}
}

func answerTo(cmd, argument byte) []byte {
	b := []byte{0x42, 0x4D, 0, 4, cmd, argument}
	s := sum(b)
	return append(b, byte(s>>8), byte(s))
}

func openModel(t *testing.T, name string, p *uarttest.Port, settings map[string]string) (sensors.Driver, func(time.Duration), error) {
	t.Helper()
	w, c := uarttest.Wire(p, settings)
	for _, m := range Models() {
		if m.Name == name {
			d, err := m.Open(t.Context(), w)
			return d, func(d time.Duration) { c.Set(c.Now().Wall.Add(d)) }, err
		}
	}
	t.Fatal(name)
	return nil, nil, nil
}

func TestAtmosphericValuesArePassedOn(t *testing.T) {
	frame := bytesOf(t, "424d001c000b001600210001000200030123004500060007000800099700")
	frame = append(frame, byte(sum(frame)>>8), byte(sum(frame)))
	dev := &device{frame: frame, active: true}
	d, pass, err := openModel(t, "pms7003", dev.port(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) || s != nil || !strings.Contains(err.Error(), "30s") {
		t.Errorf("cold: %v, %v", s, err)
	}
	pass(warmUp)
	s, err := d.Sense(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := uarttest.Values(t, s); got[sensors.PM1] != "1" || got[sensors.PM25] != "2" || got[sensors.PM10] != "3" {
		t.Errorf("%v", got)
	}
}

func TestGarbageIsSteppedOver(t *testing.T) {
	good := bytesOf(t, example)
	bad := bytes.Clone(good)
	bad[9] ^= 0x10
	long := append([]byte{0x42, 0x4D, 0xFF, 0xFF}, good...)
	for name, in := range map[string][]byte{
		"nothing": nil, "noise": bytes.Repeat([]byte{0x42}, 40), "header only": {0x42, 0x4D}, "half a frame": good[17:],
		"another family's frame": bytesOf(t, "424d001400000000000000000000000000000000005100f4"), "an absurd length": long, "a damaged one": bad,
		"an answer": answerTo(cmdSleep, 0),
	} {
		for _, piece := range []int{0, 1, 7} {
			p := &uarttest.Port{Unread: append(bytes.Clone(in), good...), Piece: piece}
			frame := next(t, p)
			if want := decode(good); len(frame) != length5003 || fmt.Sprint(decode(frame)) != fmt.Sprint(want) {
				t.Errorf("%s in pieces of %d: % x", name, piece, frame)
			}
		}
	}
}

// next reads frames until one has data.
func next(t *testing.T, p *uarttest.Port) (frame []byte) {
	t.Helper()
	w, _ := uarttest.Wire(p, nil)
	port, err := w.Serial(t.Context(), "PORT", mode)
	if err != nil {
		t.Fatal(err)
	}
	err = port.Transact(t.Context(), func(ctx context.Context, c serial.Conn) (err error) {
		for range 3 {
			if frame, err = reader(length5003, time.Second).Next(ctx, c); err != nil || len(frame) == length5003 {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return frame
}

func TestDamagedFramesAreErrors(t *testing.T) {
	good := bytesOf(t, example)
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			if a, err := whole(t, length5003, bad); err == nil {
				t.Fatalf("byte %d, bit %d: % x became %+v", i, bit, bad, a)
			} else if i > 3 && i < 30 && !errors.Is(err, ErrChecksum) {
				t.Errorf("byte %d: %v does not say that the sum is wrong", i, err)
			}
		}
		if a, err := whole(t, length5003, good[:i]); !errors.Is(err, serial.ErrSilent) {
			t.Errorf("%d bytes became %+v, %v", i, a, err)
		}
	}
}

func TestWhatIsNoMeasurementIsAnError(t *testing.T) {
	good := decode(bytesOf(t, example))
	for name, c := range map[string]struct {
		spoil func(*air)
		want  error
	}{
		"error code":   {func(a *air) { a.fault = 2 }, ErrFault},
		"blind":        {func(a *air) { a.counts = make([]uint16, 6) }, ErrBlind},
		"beyond range": {func(a *air) { a.atmospheric[1] = 1001 }, ErrRange},
	} {
		a := good
		c.spoil(&a)
		if v, err := a.values(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

func TestAProbeThatLostItsPowerWarmsUpAgain(t *testing.T) {
	dev := &device{frame: bytesOf(t, example)}
	p := dev.port()
	d, pass, err := openModel(t, "pms5003", p, nil)
	if err != nil {
		t.Fatal(err)
	}
	pass(warmUp)
	if _, err := d.Sense(t.Context()); err != nil {
		t.Fatal(err)
	}
	dev.active = true // as after power-up
	if s, err := d.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) || s != nil {
		t.Errorf("%v, %v", s, err)
	}
	if dev.active {
		t.Error("it was not set to passive mode again")
	}
	pass(warmUp - time.Second)
	if _, err := d.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) {
		t.Error(err)
	}
	pass(time.Second)
	if _, err := d.Sense(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAProbeThatDoesNotObeyIsSaidToBeDeaf(t *testing.T) {
	dev := &device{frame: bytesOf(t, example), active: true, deaf: true}
	p := dev.port()
	if _, _, err := openModel(t, "pms5003", p, nil); !errors.Is(err, errDeaf) || !strings.Contains(err.Error(), `mode = "active"`) {
		t.Error(err)
	}
	if p.Open != 0 {
		t.Errorf("%d handles are left", p.Open)
	}
	d, pass, err := openModel(t, "pms5003", p, map[string]string{"mode": "active"})
	if err != nil {
		t.Fatal(err)
	}
	pass(warmUp)
	if s, err := d.Sense(t.Context()); err != nil || len(s) != 4 {
		t.Errorf("%v, %v", s, err)
	}
}

func TestItRestsBetweenReadings(t *testing.T) {
	dev := &device{frame: bytesOf(t, example)}
	p := dev.port()
	d, pass, err := openModel(t, "pms5003", p, map[string]string{"rest": "2.5"})
	if err != nil {
		t.Fatal(err)
	}
	pass(warmUp)
	if _, err := d.Sense(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last := p.Sent[len(p.Sent)-1]; !bytes.Equal(last, command(cmdSleep, sleep)) {
		t.Errorf("after a reading it was sent % x", last)
	}
	heard := dev.answers
	for _, left := range []string{"2m30s", "1s"} {
		if _, err := d.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) || !strings.Contains(err.Error(), "resting for another "+left) {
			t.Errorf("resting: %v, want %s", err, left)
		}
		pass(149 * time.Second)
	}
	if dev.answers != heard {
		t.Error("its rest was disturbed")
	}
	if _, err := d.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) || !strings.Contains(err.Error(), "warming up") {
		t.Errorf("woken: %v", err)
	}
	if !bytes.Equal(p.Sent[heard], command(cmdSleep, wake)) {
		t.Errorf("it was woken with % x", p.Sent[heard])
	}
	pass(warmUp)
	if _, err := d.Sense(t.Context()); err != nil {
		t.Error(err)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(bytesOf(f, example))
	f.Add(bytesOf(f, "424d001400000000000000000000000000000000005100f4"))
	f.Add([]byte{0x42, 0x4D, 0x42, 0x4D, 0, 0x1C})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, length := range []int{length3003, length5003} {
			a, err := whole(t, length, bytes.Clone(b))
			if err != nil {
				continue
			}
			if v, err := a.values(); err == nil {
				for _, d := range v {
					if d.Mantissa < 0 || d.Mantissa > limit {
						t.Errorf("% x became %s", b, d)
					}
				}
			}
		}
	})
}
