package adc

import (
	"encoding/json"
	"errors"
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
	"loam/sensors/chip"
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
		got := volts(raw, Volts4.step)
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

func sense(t *testing.T, s *scripted, input int) (sensors.Decimal, *clock.Virtual, error) {
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
	in, err := Open(t.Context(), model(), sensors.Wiring{Probe: "bed-1", Bus: "SCRIPTED", Input: input, Clock: c}, Volts4)
	if err != nil {
		return sensors.Decimal{}, c, err
	}
	v, _, err := in.Volts(t.Context())
	return v, c, err
}

func model() sensors.Model {
	return sensors.Model{Name: "voltmeter", Bus: sensors.I2C, Addresses: Addresses()}
}

func TestWhatIsNoVoltageIsAnErrorThatSaysWhatToCheck(t *testing.T) {
	for name, c := range map[string]struct {
		chip scripted
		want error
		says string
	}{
		"never done":      {scripted{result: 16000, keep: 0xFFFF, busy: 1000}, ErrBusy, "power-cycle"},
		"forgot settings": {scripted{result: 16000, keep: 0x0FFF}, ErrSettings, "lost its power"},
	} {
		v, _, err := sense(t, &c.chip, 2)
		if !errors.Is(err, c.want) || v != (sensors.Decimal{}) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "bed-1") {
			t.Errorf("%s: %v, %v; want %q in it", name, v, err, c.says)
		}
	}
}

func TestARefusedVoltageNamesItsInput(t *testing.T) {
	in := Input{Chip: &chip.Chip{}, number: 2}
	cause := errors.New("too high")
	if err := in.Refuse(sensors.Decimal{Mantissa: 33, Exponent: -1}, cause, "unplug it"); !errors.Is(err, cause) || !strings.Contains(err.Error(), "input 2: 3.3 V: too high") {
		t.Error(err)
	}
}

func TestASlowOscillatorIsWaitedFor(t *testing.T) {
	v, c, err := sense(t, &scripted{result: 16000, keep: 0xFFFF, busy: 1 + 3}, 1) // opening polls once
	if err != nil || v.String() != "2.0000" {
		t.Fatalf("%v, %v", v, err)
	}
	if waited := c.Now().Uptime; waited < convertTime+3*time.Millisecond {
		t.Errorf("waited only %s", waited)
	}
}

func TestOpenRefusesAnInputTheConverterDoesNotHave(t *testing.T) {
	for _, input := range []int{-1, 4} {
		if _, err := Open(t.Context(), model(), sensors.Wiring{Input: input, Clock: clock.NewVirtual(time.Now(), clock.BootID{})}, Volts4); !errors.Is(err, ErrInput) {
			t.Errorf("input %d: %v", input, err)
		}
	}
}
