package soilcap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

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
			ID     string
			Inputs struct {
				Register  string  `json:"register_hex"`
				FullScale float64 `json:"full_scale_V"`
			}
			Expected struct {
				Voltage struct{ Value, Tolerance float64 }
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		bits, err := strconv.ParseUint(v.Inputs.Register, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		got := volts(int16(bits), int64(math.Round(v.Inputs.FullScale*1e7/32768)))
		if want := v.Expected.Voltage; math.Abs(got.Float64()-want.Value) > want.Tolerance {
			t.Errorf("%s: %s V, want %v", v.ID, got, want.Value)
		}
	}
}

func TestVoltsAreTheNearestTenthOfAMillivolt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.Int16().Draw(t, "raw")
		got := volts(raw, step4096)
		if exact := float64(raw) * 4.096 / 32768; math.Abs(got.Float64()-exact) > 0.00005+1e-12 || got.Exponent != -4 {
			t.Fatalf("%d is %v V, got %s", raw, exact, got)
		}
		if (got.Mantissa < 0) != (raw < 0) && got.Mantissa != 0 {
			t.Fatalf("%d became %s", raw, got)
		}
	})
}

// scripted is a converter whose answers are given: a result, and a configuration register that is busy for some polls.
type scripted struct {
	result uint16
	busy   int    // how many polls it is not done
	keep   uint16 // which bits of the configuration it keeps
	config uint16
}

func (s *scripted) String() string                  { return "scripted" }
func (s *scripted) SetSpeed(physic.Frequency) error { return nil }
func (s *scripted) Close() error                    { return nil }
func (s *scripted) open() (i2c.BusCloser, error)    { return s, nil }
func (s *scripted) answer(r []byte, v uint16)       { r[0], r[1] = byte(v>>8), byte(v) }
func (s *scripted) Tx(_ uint16, w, r []byte) error {
	switch {
	case len(w) == 3:
		s.config = (uint16(w[1])<<8 | uint16(w[2])) & s.keep &^ start
	case w[0] == regResult:
		s.answer(r, s.result)
	case s.busy > 0:
		s.busy--
		s.answer(r, s.config)
	default:
		s.answer(r, s.config|start)
	}
	return nil
}

func sense(t *testing.T, s *scripted, input int) ([]sensors.Sample, *clock.Virtual, error) {
	t.Helper()
	if err := i2creg.Register("SCRIPTED", nil, -1, s.open); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := i2creg.Unregister("SCRIPTED"); err != nil {
			t.Error(err)
		}
	}()
	c := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{})
	d, err := Model().Open(t.Context(), sensors.Wiring{Probe: "bed-1", Bus: "SCRIPTED", Input: input, Clock: c})
	if err != nil {
		return nil, c, err
	}
	samples, err := d.Sense(t.Context())
	return samples, c, err
}

func TestWhatIsNoProbeIsAnErrorThatSaysWhatToCheck(t *testing.T) {
	for name, c := range map[string]struct {
		chip scripted
		want error
		says string
	}{
		"at the rail":     {scripted{result: 0x7FFF, keep: 0xFFFF}, ErrSaturated, "input 2: 4.0959 V"},
		"at the supply":   {scripted{result: 26400, keep: 0xFFFF}, ErrSaturated, "input 2: 3.3000 V"},
		"floating":        {scripted{result: 4640, keep: 0xFFFF}, ErrFloating, "unplugged"},
		"zero":            {scripted{result: 0, keep: 0xFFFF}, ErrFloating, "unplugged"},
		"below ground":    {scripted{result: 0x8000, keep: 0xFFFF}, ErrFloating, "-4.0960 V"},
		"never done":      {scripted{result: 16000, keep: 0xFFFF, busy: 1000}, ErrBusy, "power-cycle"},
		"forgot settings": {scripted{result: 16000, keep: 0x0FFF}, ErrSettings, "lost its power"},
	} {
		samples, _, err := sense(t, &c.chip, 2)
		if !errors.Is(err, c.want) || len(samples) != 0 || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "bed-1") {
			t.Errorf("%s: %v, %v; want %q in it", name, samples, err, c.says)
		}
	}
}

func TestASlowOscillatorIsWaitedFor(t *testing.T) {
	samples, c, err := sense(t, &scripted{result: 16000, keep: 0xFFFF, busy: 1 + 3}, 1) // opening polls once
	if err != nil || fmt.Sprint(samples[0].Value) != "2.0000" {
		t.Fatalf("%v, %v", samples, err)
	}
	if waited := c.Now().Uptime; waited < convertTime+3*time.Millisecond {
		t.Errorf("waited only %s", waited)
	}
}

func TestOpenRefusesAnInputTheConverterDoesNotHave(t *testing.T) {
	for _, input := range []int{-1, 4} {
		if _, err := Model().Open(context.Background(), sensors.Wiring{Input: input, Clock: clock.NewVirtual(time.Now(), clock.BootID{})}); !errors.Is(err, ErrInput) {
			t.Errorf("input %d: %v", input, err)
		}
	}
}
