//go:build e2e

package firmwarenotes_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/identity"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// firmware is the C of c/ at work, with sanitizers, in a process of its own. It has no keys: it asks.
type firmware struct {
	in  io.Writer
	out *bufio.Scanner
}

func startFirmware(t *testing.T) *firmware {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "firmware")
	build := exec.Command("gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wno-sign-conversion", "-O1", "-g",
		"-fsanitize=address,undefined", "-fno-sanitize-recover", "-o", binary, "testdata/harness.c", "c/loam.c")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "ASAN_OPTIONS=detect_leaks=0") // leaks need ptrace, which sandboxes forbid
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the firmware ended with %v\n%s", err, complaints.String())
		}
	})
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	return &firmware{in: in, out: scanner}
}

// ask sends a request, signs and verifies for the firmware, and returns its answer.
func (f *firmware) ask(t testing.TB, request string) []string {
	t.Helper()
	if _, err := io.WriteString(f.in, request+"\n"); err != nil {
		t.Fatal(err)
	}
	for f.out.Scan() {
		words := strings.Fields(f.out.Text())
		switch words[0] {
		case "sign":
			fmt.Fprintf(f.in, "%x\n", ed25519.Sign(kit.Key, unhexed(t, words[1])))
		case "verify":
			verdict := 1
			if ed25519.Verify(hub.Public(), unhexed(t, words[2]), unhexed(t, words[1])) {
				verdict = 0
			}
			fmt.Fprintln(f.in, verdict)
		default:
			return words
		}
	}
	t.Fatalf("no answer to %.200s", request)
	return nil
}

func unhexed(t testing.TB, s string) []byte {
	t.Helper()
	return must(hex.DecodeString(s))(t)
}

const room = 1 << 16 // of the firmware's buffer

// seal lets the firmware seal a batch, its readings in the order given.
func (f *firmware) seal(t testing.TB, b wire.Batch, room int) []string {
	t.Helper()
	var s strings.Builder
	fmt.Fprintf(&s, "seal %s %d %s %s %d %d %d\n", b.Gateway, b.Sequence, b.Previous, b.Boot, b.Clock, room, len(b.Readings))
	for _, r := range b.Readings {
		value, raw := must(r.Quantity.Kind())(t), must(r.RawQuantity.Kind())(t)
		days := func(at time.Time) int64 {
			if at.IsZero() {
				return 0
			}
			return at.Unix() / 86400
		}
		shown := int64(0)
		if b.Clock == clock.Redated {
			shown = r.At.Shown.UnixMilli()
		}
		fmt.Fprintln(&s, r.Channel, r.Quantity, value.SenML, r.Value.Mantissa, r.Value.Exponent+value.Shift,
			r.RawQuantity, r.Raw.Mantissa, r.Raw.Exponent+raw.Shift, r.At.Wall.UnixMilli(), r.At.Uptime.Milliseconds(), shown,
			"="+r.Calibration.ID, days(r.Calibration.Date), days(r.Calibration.Due))
	}
	return f.ask(t, s.String())
}

// TestFirmwareMakesTheVectors: the C writes the vectors, byte for byte, and reads their receipts.
func TestFirmwareMakesTheVectors(t *testing.T) {
	f := startFirmware(t)
	for _, dir := range chapters {
		want := unhex(t, dir+"/batch.cose.hex")
		b := must(wire.Open(want, kit.Public()))(t)
		if got := f.seal(t, b.Batch, room); got[0] != "batch" || got[1] != hex.EncodeToString(want) {
			t.Errorf("%s: %v, want %x", dir, got, want)
		}
		for file, outcome := range map[string]string{"/receipt.cose.hex": "1", "/quarantined.cose.hex": "2"} {
			raw := unhex(t, dir+file)
			got := f.ask(t, fmt.Sprintf("receipt %s %x", kit.ID(), raw))
			if got[0] != "outcome" || got[1] != outcome || got[2] != b.Digest.String() {
				t.Errorf("%s: %v", dir+file, got)
			}
			if got := f.ask(t, fmt.Sprintf("receipt kit-8 %x", raw)); got[0] != "error" {
				t.Errorf("%s is another kit's, and taken: %v", dir+file, got)
			}
			for k := range raw {
				changed := bytes.Clone(raw)
				changed[k] ^= 1 << (k % 8)
				for _, form := range [][]byte{changed, raw[:k], append(bytes.Clone(raw), 0)} {
					if len(form) == 0 {
						continue
					}
					if got := f.ask(t, fmt.Sprintf("receipt %s %x", kit.ID(), form)); got[0] != "error" {
						t.Fatalf("%s with byte %d changed or cut is taken: %v", dir+file, k, got)
					}
				}
			}
		}
	}
	want := must(identity.BrokerPassword(kit, community))(t)
	if got := f.ask(t, "password "+community+" "+kit.ID()); got[0] != "password" || got[1] != want {
		t.Errorf("broker password %v, want %s", got, want)
	}
}

// TestFirmwareWritesWhatTheHubReads: whatever the readings and their order, the hub takes what the C writes, reads what
// was meant, and finds the pack its own encoder makes.
func TestFirmwareWritesWhatTheHubReads(t *testing.T) {
	f := startFirmware(t)
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBatch(rt)
		got := f.seal(t, b, room)
		want, err := wire.Seal(b, kit)
		if err != nil {
			rt.Skip("not a batch at all: ", err)
		}
		if got[0] != "batch" {
			rt.Fatalf("the firmware says %v to %+v", got, b)
		}
		s, err := wire.Open(unhexed(t, got[1]), kit.Public())
		if err != nil || !reflect.DeepEqual(s.Batch, want.Batch) {
			rt.Fatalf("opens as %+v, %v\nwant %+v", s.Batch, err, want.Batch)
		}
		size := len(got[1])/2 + 10
		if got := f.seal(t, b, size); got[0] != "batch" {
			rt.Fatalf("%v in a buffer of exactly its size", got)
		}
		if got := f.seal(t, b, rapid.IntRange(0, size-1).Draw(rt, "room")); got[0] != "error" {
			rt.Fatalf("%.80v in a buffer too small", got)
		}
	})
}

// drawBatch draws readings that collide in every way the order and the base fields can.
func drawBatch(t *rapid.T) wire.Batch {
	pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(t, label) }
	b := wire.Batch{Header: wire.Header{Gateway: kit.ID(), Sequence: rapid.Uint64Range(1, math.MaxInt64).Draw(t, "sequence"), Clock: clock.State(pick("clock", 4))}}
	copy(b.Boot[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "boot"))
	copy(b.Previous[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "previous"))
	quantities := []sensors.Quantity{sensors.AirTemperature, sensors.ProbeVoltage, sensors.VolumetricWaterContent, sensors.WaterConductivity, sensors.RelativeHumidity}
	number := func(label string) sensors.Decimal {
		m := rapid.OneOf(rapid.Int64Range(-30, 30), rapid.Int64Range(-70000, 70000), rapid.Int64()).Draw(t, label)
		return sensors.Decimal{Mantissa: m, Exponent: int8(pick(label+" exponent", 9) - 4)}
	}
	days := func(label string) time.Time {
		if n := pick(label, 4); n > 0 {
			return time.Unix(86400*(20000+int64(n)*int64(pick(label+" more", 300))), 0).UTC()
		}
		return time.Time{}
	}
	for i := range rapid.IntRange(1, 40).Draw(t, "n") {
		r := sensors.Reading{
			Channel:  sensors.Channel([]string{"a", "a-1", "soil", "z9"}[pick("channel", 4)]),
			Quantity: quantities[pick("quantity", len(quantities))], Value: number("value"),
		}
		r.RawQuantity, r.Raw = r.Quantity, r.Value
		if pick("raw", 3) == 0 {
			r.RawQuantity, r.Raw = quantities[pick("raw quantity", len(quantities))], number("raw value")
		}
		r.At = clock.Instant{Wall: time.UnixMilli(1787218200000 + 250*int64(pick("at", 20))).UTC(), Boot: b.Boot, State: b.Clock}
		if b.Clock != clock.Synced {
			r.At.Uptime = time.Duration(pick("uptime", 5)) * 70 * time.Second
		}
		if b.Clock == clock.Redated {
			r.At.Shown = r.At.Wall.Add(-time.Duration(pick("clock off", 3)) * time.Hour)
		}
		r.Calibration = sensors.Certificate{ID: []string{"", "factory", "c-" + strconv.Itoa(i%3)}[pick("certificate", 3)], Date: days("made"), Due: days("due")}
		b.Readings = append(b.Readings, r)
	}
	return b
}
