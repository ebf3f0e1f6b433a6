package sps30

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

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

type vector struct {
	ID, Kind string
	Bytes    string `json:"bytes_hex"`
	Inputs   struct {
		Command string
		Stuffed string `json:"stuffed_hex"`
	}
	Expected map[string]struct {
		Value     any
		Tolerance float64
		Hex       string
	}
}

func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) < 6 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	commands := map[string][]byte{
		"stop measurement": request(cmdStop), "start measurement": request(cmdStart, 1, formatFloat),
		"read measured values": request(cmdRead), "wake up": request(cmdWake),
	}
	for _, v := range file.Vectors {
		switch v.Kind {
		case "command":
			if got := hex.EncodeToString(commands[v.Inputs.Command]); got != v.Expected["bytes"].Hex {
				t.Errorf("%s: %s, want %s", v.ID, got, v.Expected["bytes"].Hex)
			}
		case "conversion":
			b, err := unstuff(bytesOf(t, v.Inputs.Stuffed))
			if got := hex.EncodeToString(b); err != nil || got != v.Expected["bytes"].Hex {
				t.Errorf("%s: %s, %v, want %s", v.ID, got, err, v.Expected["bytes"].Hex)
			}
			if got := hex.EncodeToString(stuff(b)); got != v.Inputs.Stuffed {
				t.Errorf("%s: stuffed again %s", v.ID, got)
			}
		case "frame":
			frameSays(t, v)
		default:
			t.Errorf("%s has kind %q, which no test looks at", v.ID, v.Kind)
		}
	}
}

// published are frames printed in the drivers of others: a wake-up that was refused (its state is stuffed), and requests.
// The data sheet's own examples of requests are the same (section 5.3).
func TestPublishedFrames(t *testing.T) {
	for want, got := range map[string][]byte{
		"7e0000020103f97e": request(cmdStart, 1, formatFloat), "7e000300fc7e": request(cmdRead),
		"7e007d3100ee7e": request(cmdWake), // 11 has to be stuffed
		"7e00d201002c7e": request(cmdStatus, 0),
	} {
		if s := hex.EncodeToString(got); s != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
	r, err := decode(bytesOf(t, "7e007d314300ab7e"))
	if err != nil || r.command != cmdWake || r.state != stateNotAllowed || len(r.data) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

var names = []string{"pm1", "pm25", "pm4", "pm10", "n0_5", "n1_0", "n2_5", "n4_0", "n10", "typical_size"}

func frameSays(t *testing.T, v vector) {
	r, err := decode(bytesOf(t, v.Bytes))
	if err != nil {
		t.Errorf("%s: %v", v.ID, err)
		return
	}
	got, err := measured(r)
	if e, ok := v.Expected["error"]; ok {
		if err == nil || !strings.Contains(err.Error(), e.Value.(string)) {
			t.Errorf("%s: %v, %v, want %q", v.ID, got, err, e.Value)
		}
		return
	}
	if err != nil || len(v.Expected) != len(names) {
		t.Errorf("%s: %v, with %d expected", v.ID, err, len(v.Expected))
	}
	for i, name := range names {
		want := v.Expected[name]
		if d := math.Abs(float64(got[i]) - want.Value.(float64)); d > want.Tolerance {
			t.Errorf("%s: %s is %v, want %v", v.ID, name, got[i], want.Value)
		}
	}
	s, err := samples(got, clock.Instant{})
	if err != nil {
		t.Fatalf("%s: %v", v.ID, err)
	}
	for i, sample := range s {
		if d := math.Abs(sample.Value.Float64() - float64(got[i])); d > 0.005 {
			t.Errorf("%s: %s is %s, not %v", v.ID, sample.Quantity, sample.Value, got[i])
		}
	}
}

func TestStuffingIsUndone(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	s := stuff(all)
	if bytes.ContainsAny(s, "\x7E\x11\x13") || len(s) != 256+4 {
		t.Errorf("% x", s)
	}
	if b, err := unstuff(s); err != nil || !bytes.Equal(b, all) {
		t.Errorf("% x, %v", b, err)
	}
	for _, bad := range [][]byte{{escape}, {1, escape}, {escape, 0x00}, {escape, escape}, {escape, 0x5F}} {
		if b, err := unstuff(bad); !errors.Is(err, ErrFraming) {
			t.Errorf("% x became % x, %v", bad, b, err)
		}
	}
}

// TestCapturedFramesAreOfOneAir holds what is true of any air: smaller particles are part of what larger limits let in.
func TestCapturedFramesAreOfOneAir(t *testing.T) {
	raw, err := os.ReadFile("testdata/captured.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")[1:]
	if len(lines) < 10 {
		t.Fatalf("%d frames", len(lines))
	}
	for _, line := range lines {
		r, err := decode(bytesOf(t, line))
		if err != nil || r.command != cmdRead || r.state != 0 {
			t.Errorf("%s: %+v, %v", line, r, err)
			continue
		}
		v, err := measured(r)
		if err != nil || !slices.IsSorted(v[:4]) || !slices.IsSorted(v[4:9]) {
			t.Errorf("%s: %v, %v", line, v, err)
		}
		if s, err := samples(v, clock.Instant{}); err != nil || len(s) != 4 {
			t.Errorf("%s: %v, %v", line, s, err)
		}
	}
}

// TestDamagedFramesAreErrors turns over every bit between the marks, one at a time.
func TestDamagedFramesAreErrors(t *testing.T) {
	good := bytesOf(t, "7e0003002840a78320411777bb414a5f8341548ddd41d2833e427d33fc85422617224229a4d9422a29bc3f55b7e79e7e")
	sums := 0
	for i := 1; i < len(good)-1; i++ {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			r, err := decode(bad)
			if err == nil {
				t.Fatalf("byte %d, bit %d: %+v", i, bit, r)
			}
			if errors.Is(err, ErrChecksum) {
				sums++
			}
		}
	}
	if sums < 300 {
		t.Errorf("only %d of the errors were found by the checksum", sums)
	}
}

// device answers as an SPS30 does, from a table.
type device struct {
	replies map[byte][][]byte // by command: state and data; the last one for ever
	heard   []byte            // commands
}

func (d *device) port() *uarttest.Port {
	return &uarttest.Port{Answer: func(sent []byte) []byte {
		if len(sent) < 6 {
			return nil
		}
		c := commandOf(sent)
		d.heard = append(d.heard, c)
		r := d.replies[c]
		if len(r) == 0 {
			return nil
		}
		if len(r) > 1 {
			d.replies[c] = r[1:]
		}
		return frame(c, r[0][0], r[0][1:]...)
	}}
}

func frame(command, state byte, data ...byte) []byte {
	b := append([]byte{0, command, state, byte(len(data))}, data...)
	return append(append([]byte{mark}, stuff(append(b, checksum(b)))...), mark)
}

func air(v ...float32) []byte {
	b := []byte{0}
	for i := range values {
		f := float32(1)
		if i < len(v) {
			f = v[i]
		}
		b = binary.BigEndian.AppendUint32(b, math.Float32bits(f))
	}
	return b
}

func newDevice() *device {
	return &device{replies: map[byte][][]byte{
		cmdWake: {{stateNotAllowed}}, cmdStop: {{stateNotAllowed}}, cmdStart: {{0}},
		cmdRead: {air(1.005, 2.5, 4, 10.125)}, cmdStatus: {{0, 0, 0, 0, 0, 0}},
	}}
}

func (d *device) open(t *testing.T) (sensors.Driver, *clock.Virtual, error) {
	t.Helper()
	w, c := uarttest.Wire(d.port(), nil)
	probe, err := Models()[0].Open(t.Context(), w)
	return probe, c, err
}

func TestStartsAndReads(t *testing.T) {
	d := newDevice()
	p, c, err := d.open(t)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.heard, []byte{cmdWake, cmdStop, cmdStart}) {
		t.Errorf("opened with % x", d.heard)
	}
	if s, err := p.Sense(t.Context()); !errors.Is(err, sensors.ErrNotReady) || s != nil {
		t.Errorf("cold: %v, %v", s, err)
	}
	c.Set(c.Now().Wall.Add(warmUp))
	s, err := p.Sense(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := uarttest.Values(t, s)
	for q, want := range map[sensors.Quantity]string{sensors.PM1: "1.00", sensors.PM25: "2.50", sensors.PM4: "4.00", sensors.PM10: "10.13"} {
		if got[q] != want { // 1.005 as a float32 is below 1.005
			t.Errorf("%s is %s, want %s", q, got[q], want)
		}
	}
}

func TestNothingNewIsAskedForAgain(t *testing.T) {
	d := newDevice()
	p, c, err := d.open(t)
	if err != nil {
		t.Fatal(err)
	}
	c.Set(c.Now().Wall.Add(warmUp))
	begin := c.Now().Uptime
	d.replies[cmdRead] = [][]byte{{0}, {0}, air(1)}
	if s, err := p.Sense(t.Context()); err != nil || len(s) != 4 || c.Now().Uptime-begin != 2*period {
		t.Errorf("after %s: %v, %v", c.Now().Uptime-begin, s, err)
	}
	d.replies[cmdRead] = [][]byte{{0}}
	if s, err := p.Sense(t.Context()); !errors.Is(err, ErrNoData) || s != nil {
		t.Errorf("%v, %v", s, err)
	}
}

func TestWhatIsNoMeasurementIsAnError(t *testing.T) {
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		command byte
		reply   []byte
		want    error
	}{
		"lost power":     {cmdRead, []byte{stateNotAllowed}, ErrState},
		"fan":            {cmdStatus, []byte{stateFault, 0, 0, 0, 0x10, 0}, ErrFault},
		"laser":          {cmdStatus, []byte{0, 0, 0, 0, 0x20, 0}, ErrFault},
		"speed":          {cmdStatus, []byte{0, 0, 0x20, 0, 0, 0}, ErrFault},
		"flag only":      {cmdRead, append([]byte{stateFault}, air()[1:]...), ErrFault},
		"integers":       {cmdRead, air()[:21], ErrFraming},
		"not a number":   {cmdRead, air(1, nan), sensors.ErrNotDecimal},
		"below zero":     {cmdRead, air(-0.01), ErrRange},
		"beyond":         {cmdRead, air(1, 1, 1, 1000.01), ErrRange},
		"infinite":       {cmdRead, air(float32(math.Inf(1))), sensors.ErrNotDecimal},
		"status refused": {cmdStatus, []byte{stateNotAllowed}, ErrState},
	} {
		d := newDevice()
		p, clk, err := d.open(t)
		if err != nil {
			t.Fatal(err)
		}
		clk.Set(clk.Now().Wall.Add(warmUp))
		d.replies[c.command] = [][]byte{c.reply}
		if s, err := p.Sense(t.Context()); !errors.Is(err, c.want) || s != nil {
			t.Errorf("%s: %v, %v, want %v", name, s, err, c.want)
		}
	}
}

func TestOldFirmwareIsRead(t *testing.T) {
	for _, status := range [][]byte{{stateUnknown}, {0}} {
		d := newDevice()
		d.replies[cmdWake], d.replies[cmdStatus] = [][]byte{{stateUnknown}}, [][]byte{status}
		p, c, err := d.open(t)
		if err != nil {
			t.Fatal(err)
		}
		c.Set(c.Now().Wall.Add(warmUp))
		if s, err := p.Sense(t.Context()); err != nil || len(s) != 4 {
			t.Errorf("%v, %v", s, err)
		}
	}
}

func TestOpenFailsWhereTheProbeRefuses(t *testing.T) {
	for _, c := range []byte{cmdWake, cmdStop, cmdStart} {
		d := newDevice()
		d.replies[c] = [][]byte{{0x04}}
		if _, _, err := d.open(t); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), "0x04") {
			t.Errorf("%#02x: %v", c, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(bytesOf(f, "7e00030000fc7e"))
	f.Add(bytesOf(f, "7e0003002840a78320411777bb414a5f8341548ddd41d2833e427d33fc85422617224229a4d9422a29bc3f55b7e79e7e"))
	f.Add([]byte{mark, escape, mark})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(b)
		if err != nil {
			return
		}
		if again := frame(r.command, r.state, r.data...); !bytes.Equal(again, b) {
			// only bytes that need not be stuffed could be written in two ways, and those are refused
			t.Errorf("% x and % x mean the same", b, again)
		}
		if v, err := measured(r); err == nil {
			_, _ = samples(v, clock.Instant{})
		}
	})
}
